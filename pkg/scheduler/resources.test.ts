import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, PodSpec } from '../api/generated/core-v1.ts';
import { assumedMemory, assumedMilliCpu, podRequests } from './resources.ts';
import { podOf } from './testing.ts';

const asks = (cpu: string | undefined, restartPolicy?: string): Container => ({
  name: 'c',
  resources: cpu ? { requests: { cpu } } : {},
  ...(restartPolicy ? { restartPolicy } : {}),
});

test("a pod's request is its hungriest moment", () => {
  const cases: [string, Partial<PodSpec>, number][] = [
    ['containers add up', { containers: [asks('100m'), asks('200m')] }, 300],
    ['a large init container alone', { containers: [asks('100m')], initContainers: [asks('500m'), asks('200m')] }, 500],
    ['sidecars run beside', { containers: [asks('100m')], initContainers: [asks('50m', 'Always')] }, 150],
    ['an init container after a sidecar', { containers: [asks('100m')], initContainers: [asks('50m', 'Always'), asks('500m')] }, 550],
    ['an init container before it', { containers: [asks('100m')], initContainers: [asks('500m'), asks('50m', 'Always')] }, 500],
    ['overhead on top', { containers: [asks('100m')], overhead: { cpu: '10m' } }, 110],
    ['a pod-level request in place of the sum', { containers: [asks('100m')], resources: { requests: { cpu: '1' } } }, 1000],
  ];
  for (const [what, spec, milliCpu] of cases) assert.equal(podRequests(podOf({ spec })).milliCpu, milliCpu, what);
});

test('scores assume something where nothing is asked for', () => {
  const { milliCpu, memory } = podRequests(podOf({ spec: { containers: [asks(undefined), asks('300m')] } }), true);
  assert.equal(milliCpu, assumedMilliCpu + 300);
  assert.equal(memory, 2 * assumedMemory);
});

test('a container that is being resized holds what it was given', () => {
  const pod = podOf({ cpu: '100m', node: 'node-1' });
  const resized = {
    ...pod,
    status: { containerStatuses: [{ name: 'main', allocatedResources: { cpu: '400m' } }] },
  } as unknown as typeof pod;
  assert.equal(podRequests(resized).milliCpu, 400);
});
