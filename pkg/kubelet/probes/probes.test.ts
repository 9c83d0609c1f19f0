import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Probe } from '../../api/generated/core-v1.ts';
import { createTestNode, isReady, type TestNode } from '../testing.ts';

const fake = (values: Record<string, string>): { annotations: Record<string, string> } => ({
  annotations: Object.fromEntries(Object.entries(values).map(([key, value]) => [`fake.gokube.dev/${key}`, value])),
});
async function withProbes(
  probes: { startupProbe?: Probe; livenessProbe?: Probe; readinessProbe?: Probe },
  behaviour: Record<string, string> = {},
  more: object = {},
): Promise<TestNode> {
  const node = await createTestNode();
  await node.createPod(
    'web',
    { containers: [{ name: 'web', image: 'nginx:1', ports: [{ name: 'http', containerPort: 80 }], ...probes, ...more }] },
    fake(behaviour),
  );
  await node.eventually('it runs', () => node.pod('web')?.status.phase === 'Running');
  return node;
}
/** Seconds until the condition holds. */
async function seconds(node: TestNode, what: string, holds: () => boolean, atMost = 120): Promise<number> {
  const began = node.clock.monotonic();
  await node.eventually(what, holds, atMost);
  return (node.clock.monotonic() - began) / 1000;
}
const restarts = (node: TestNode): number => node.pod('web')?.status.containerStatuses?.[0]?.restartCount ?? 0;

test('a pod is ready once its readiness probe has passed as often as asked', async () => {
  const node = await withProbes(
    { readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 2, successThreshold: 2, initialDelaySeconds: 1 } },
    { 'ready-after': '4s' },
  );
  assert.equal(node.pod('web')?.status.containerStatuses?.[0]?.ready, false);
  assert.equal(node.pod('web')?.status.conditions?.find(({ type }) => type === 'Ready')?.message, 'containers with unready status: [web]');
  // Probed after 1, 3, 5 and 7 seconds; passes from the third on.
  assert.equal(await seconds(node, 'it is ready', () => isReady(node.pod('web'))), 7);
  await node.stop();
});

test('a pod is unready after as many failures as allowed, and ready again after a success', async () => {
  const node = await withProbes(
    { readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1, failureThreshold: 3 } },
    { 'unready-after': '10s' },
  );
  assert.equal(await seconds(node, 'it is ready', () => isReady(node.pod('web'))), 0);
  assert.equal(await seconds(node, 'it is unready', () => !isReady(node.pod('web'))), 12);
  assert.equal(restarts(node), 0);
  assert.ok(
    node
      .events('web')
      .some((event) => event.startsWith('Unhealthy: Readiness probe failed: dial tcp 10.244.1.2:80: connect: connection refused')),
  );
  await node.stop();
});

test('a failed liveness probe restarts the container, within its grace', async () => {
  const node = await withProbes(
    { livenessProbe: { httpGet: { path: '/healthz', port: 80 }, periodSeconds: 5, failureThreshold: 2, terminationGracePeriodSeconds: 3 } },
    { 'unready-after': '7s', 'stop-delay': 'never' },
  );
  // Fails after 10 and 15 seconds; the container ignores its signal for the probe's own grace.
  assert.equal(await seconds(node, 'it was restarted', () => restarts(node) === 1), 18);
  assert.ok(node.events('web').includes('Killing: Container web failed liveness probe, will be restarted'));
  await node.stop();
});

test('an HTTP status of 400 and above is a failure', async () => {
  const node = await withProbes(
    { livenessProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 1, failureThreshold: 1 } },
    { 'http-status': '503' },
  );
  await seconds(node, 'it was restarted', () => restarts(node) === 1, 2);
  await node.clock.advance(1000);
  assert.ok(node.events('web').includes('Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 503'));
  await node.stop();
});

test('while a container starts up, its liveness and readiness do not count', async () => {
  const node = await withProbes(
    {
      startupProbe: { tcpSocket: { port: 80 }, periodSeconds: 5, failureThreshold: 10 },
      livenessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1, failureThreshold: 1 },
      readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 3 },
    },
    { 'ready-after': '32s' },
  );
  const status = () => node.pod('web')?.status.containerStatuses?.[0];
  await node.clock.advance(30_000);
  assert.deepEqual([status()?.started, status()?.ready, status()?.restartCount], [false, false, 0]);
  await seconds(node, 'it has started', () => status()?.started === true, 6);
  await seconds(node, 'it is ready', () => isReady(node.pod('web')), 1);
  await node.stop();
});

test('a container that does not start up in time is restarted', async () => {
  const node = await withProbes(
    { startupProbe: { tcpSocket: { port: 80 }, periodSeconds: 2, failureThreshold: 3 } },
    { 'ready-after': '1h' },
  );
  assert.equal(await seconds(node, 'it was restarted', () => restarts(node) === 1), 4);
  assert.ok(node.events('web').includes('Killing: Container web failed startup probe, will be restarted'));
  await node.stop();
});

test('an exec probe runs in the container, and fails when it takes too long', async () => {
  const node = await withProbes({ readinessProbe: { exec: { command: ['cat', '/tmp/ready'] }, periodSeconds: 1 } });
  await node.clock.advance(3000);
  assert.equal(isReady(node.pod('web')), false);
  const [container] = await node.runtime.listContainers();
  await node.runtime.execSync(container?.id ?? '', ['touch', '/tmp/ready'], 0);
  assert.ok((await seconds(node, 'it is ready', () => isReady(node.pod('web')))) <= 1);
  await node.stop();

  const slow = await withProbes({ readinessProbe: { exec: { command: ['sleep', '5'] }, periodSeconds: 1, timeoutSeconds: 2 } });
  await slow.clock.advance(4000);
  assert.ok(slow.events('web').includes('Unhealthy: Readiness probe failed: command "sleep 5" timed out after 2s'));
  await slow.stop();
});

test('a restarted container begins with new probes', async () => {
  const node = await withProbes({ readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 } }, { 'ready-after': '3s' });
  await seconds(node, 'it is ready', () => isReady(node.pod('web')));
  const [container] = await node.runtime.listContainers();
  node.runtime.killContainer(container?.id ?? '');
  await seconds(node, 'it is unready', () => !isReady(node.pod('web')), 1);
  assert.equal(await seconds(node, 'it is ready again', () => isReady(node.pod('web'))), 3);
  await node.stop();
});

test('an adopted container is ready while it is probed anew', async () => {
  const node = await withProbes({ readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 10 } });
  await seconds(node, 'it is ready', () => isReady(node.pod('web')));
  await node.clock.advance(1000);
  const unready: string[] = [];
  node.server.intercept = ({ subresource }) => {
    if (subresource === 'status' && node.pod('web') && !isReady(node.pod('web'))) unready.push('unready');
  };
  await node.restart();
  await node.clock.advance(60_000);
  assert.equal(isReady(node.pod('web')), true);
  assert.deepEqual(unready, []);
  await node.stop();
});
