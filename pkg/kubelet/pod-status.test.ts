import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Container, Pod, PodSpec, PodStatus } from '../api/generated/core-v1.ts';
import { hashOf, nothingObserved, type ObservedContainer, type PodObservation } from './pod-observation.ts';
import { computePodStatus, type PodStatusInput } from './pod-status.ts';

const web: Container = { name: 'web', image: 'nginx:1', resources: {} };
const log: Container = { name: 'log', image: 'log:1', resources: {} };
const prepare: Container = { name: 'prepare', image: 'tool:1', resources: {} };
const proxy: Container = { name: 'proxy', image: 'proxy:1', resources: {}, restartPolicy: 'Always' };
const now = Date.parse('2026-01-01T12:00:00Z');

function pod(spec: Partial<PodSpec> = {}, status: PodStatus = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '', generation: 3 },
    spec: { restartPolicy: 'Always', containers: [web], ...spec },
    status,
  };
}
type Seen = readonly [Container, 'running' | 'created' | number, Partial<ObservedContainer>?];
function observed(...containers: readonly Seen[]): PodObservation {
  return {
    sandboxes: [
      {
        id: 's',
        metadata: { name: 'p', namespace: 'default', uid: 'u', attempt: 0 },
        state: 'ready',
        createdAt: 0,
        ips: ['10.0.0.2'],
        labels: {},
        annotations: {},
      },
    ],
    containers: containers.map(([container, state, more]) => ({
      id: `${container.name}-id`,
      name: container.name,
      sandboxId: 's',
      state: typeof state === 'number' ? 'exited' : state,
      createdAt: now - 5000,
      startedAt: now - 4000,
      ...(typeof state === 'number' ? { exitCode: state, finishedAt: now - 1000 } : {}),
      image: container.image ?? '',
      imageId: 'sha256:1',
      restartCount: 0,
      hash: hashOf(container),
      logPath: '',
      mounts: [],
      annotations: {},
      ...more,
    })),
  };
}
function compute(of: Pod, seen: PodObservation, more: Partial<PodStatusInput> = {}): { status: PodStatus; finished: boolean } {
  const local = { waiting: new Map(), ready: () => true, started: () => true, runtimeName: 'fake' };
  return computePodStatus({ pod: of, previous: of.status, observed: seen, local, over: false, hostIPs: ['192.168.0.1'], now, ...more });
}

describe('phase', () => {
  const never = { restartPolicy: 'Never' };
  const onFailure = { restartPolicy: 'OnFailure' };
  const two = { containers: [web, log] };
  const cases: readonly [string, Partial<PodSpec>, PodObservation, string, Partial<PodStatusInput>?][] = [
    ['nothing there yet', {}, nothingObserved, 'Pending'],
    ['running', {}, observed([web, 'running']), 'Running'],
    ['one runs, one is not there yet', two, observed([web, 'running']), 'Pending'],
    ['one runs, one has ended', two, observed([web, 'running'], [log, 1]), 'Running'],
    ['Always: ended, to be started again', {}, observed([web, 0]), 'Running'],
    ['OnFailure: success', onFailure, observed([web, 0]), 'Succeeded'],
    ['OnFailure: failure is not the end', onFailure, observed([web, 1]), 'Running'],
    ['Never: success', never, observed([web, 0]), 'Succeeded'],
    ['Never: failure', never, observed([web, 1]), 'Failed'],
    ['Never: one of two failed', { ...never, ...two }, observed([web, 0], [log, 1]), 'Failed'],
    ['an init container runs', { initContainers: [prepare] }, observed([prepare, 'running']), 'Pending'],
    ['an init container failed and will be tried again', { initContainers: [prepare] }, observed([prepare, 1]), 'Pending'],
    ['Never: an init container failed', { ...never, initContainers: [prepare] }, observed([prepare, 1]), 'Failed'],
    ['a sidecar starts', { initContainers: [proxy] }, observed([proxy, 'running']), 'Pending'],
    ['a sidecar crashed beside what runs', { initContainers: [proxy] }, observed([proxy, 1], [web, 'running']), 'Running'],
    ['Never: done, but its sidecar still runs', { ...never, initContainers: [proxy] }, observed([proxy, 'running'], [web, 0]), 'Running'],
    ['being deleted, all ended well', {}, observed([web, 0]), 'Succeeded', { over: true }],
    ['being deleted, killed', {}, observed([web, 137]), 'Failed', { over: true }],
    [
      'put out by the node, while it still runs',
      {},
      observed([web, 'running']),
      'Running',
      { verdict: { reason: 'Evicted', message: 'memory' } },
    ],
    ['put out by the node', {}, observed([web, 137]), 'Failed', { verdict: { reason: 'Evicted', message: 'memory' }, over: true }],
  ];
  for (const [name, spec, seen, wanted, more] of cases)
    test(`${name}: ${wanted}`, () => assert.equal(compute(pod(spec), seen, more).status.phase, wanted));

  test('what was Succeeded or Failed stays so', () => {
    const done = pod({}, { phase: 'Failed', reason: 'Evicted', message: 'memory', containerStatuses: [] });
    assert.deepEqual(compute(done, nothingObserved), { status: done.status, finished: true });
    const { phase, reason } = compute(done, observed([web, 0])).status;
    assert.deepEqual([phase, reason], ['Failed', 'Evicted']);
  });
});

describe('container statuses', () => {
  const first = (of: Pod, seen: PodObservation, more?: Partial<PodStatusInput>) => compute(of, seen, more).status.containerStatuses?.[0];

  test('one that is not there yet waits for its creation, or for the pod to be initialized', () => {
    assert.deepEqual(first(pod(), nothingObserved)?.state, { waiting: { reason: 'ContainerCreating' } });
    assert.deepEqual(first(pod({ initContainers: [prepare] }), nothingObserved)?.state, { waiting: { reason: 'PodInitializing' } });
  });

  test('the last failure to start it is its reason to wait', () => {
    const waiting = new Map([['web', { reason: 'ErrImagePull', message: 'no such image' }]]);
    const local = { waiting, ready: () => true, started: () => true, runtimeName: 'fake' };
    assert.deepEqual(first(pod(), nothingObserved, { local })?.state, { waiting: { reason: 'ErrImagePull', message: 'no such image' } });
    const crashed = first(pod(), observed([web, 1]), { local });
    assert.equal(crashed?.state.waiting?.reason, 'ErrImagePull');
    assert.equal(crashed?.lastState.terminated?.exitCode, 1);
    assert.equal(
      first(pod({ restartPolicy: 'Never' }), observed([web, 1]), { local })?.state.terminated?.exitCode,
      1,
      'it waits for nothing',
    );
  });

  test('how it ended before is its last state', () => {
    const status = first(pod(), observed([web, 'running', { id: 'new', restartCount: 1 }], [web, 3, { id: 'old', message: 'because' }]));
    assert.equal(status?.restartCount, 1);
    assert.equal(status?.containerID, 'fake://new');
    assert.deepEqual(status?.lastState.terminated, {
      containerID: 'fake://old',
      exitCode: 3,
      reason: 'Error',
      message: 'because',
      startedAt: '2026-01-01T11:59:56Z',
      finishedAt: '2026-01-01T11:59:59Z',
    });
  });

  test('one that ran and is not to be found any more counts as ended with 137', () => {
    const ran = {
      containerStatuses: [
        {
          name: 'web',
          image: 'nginx:1',
          imageID: 'x',
          ready: true,
          restartCount: 2,
          state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
          lastState: {},
        },
      ],
    };
    const again = first(pod({}, ran), nothingObserved);
    assert.equal(again?.restartCount, 3);
    assert.equal(again?.lastState.terminated?.reason, 'ContainerStatusUnknown');
    assert.equal(again?.state.waiting?.reason, 'ContainerCreating');
    const never = first(pod({ restartPolicy: 'Never' }, ran), nothingObserved);
    assert.deepEqual([never?.restartCount, never?.state.terminated?.exitCode], [2, 137]);
  });

  test('ready takes a running container that has started and passes its probe', () => {
    const local = (ready: boolean, started: boolean) => ({
      waiting: new Map(),
      ready: () => ready,
      started: () => started,
      runtimeName: 'fake',
    });
    const of = (ready: boolean, started: boolean) => {
      const status = first(pod(), observed([web, 'running']), { local: local(ready, started) });
      return [status?.ready, status?.started];
    };
    assert.deepEqual(
      [of(true, true), of(false, true), of(true, false)],
      [
        [true, true],
        [false, true],
        [false, false],
      ],
    );
    assert.deepEqual([first(pod(), observed([web, 1]))?.ready, first(pod(), observed([web, 1]))?.started], [false, false]);
  });

  test('a pod that ended before it began says that of every container', () => {
    const { status } = compute(pod(), nothingObserved, { over: true });
    assert.equal(status.containerStatuses?.[0]?.state.terminated?.reason, 'ContainerStatusUnknown');
    assert.equal(status.phase, 'Failed');
  });
});

describe('conditions', () => {
  const conditions = (of: Pod, seen: PodObservation, more?: Partial<PodStatusInput>): Record<string, string> =>
    Object.fromEntries(
      (compute(of, seen, more).status.conditions ?? []).map(({ type, status, reason, message }) => [
        type,
        [status, reason, message].filter((part) => part !== undefined).join(' | '),
      ]),
    );

  test('of a pod that runs', () => {
    assert.deepEqual(conditions(pod(), observed([web, 'running'])), {
      PodReadyToStartContainers: 'True',
      Initialized: 'True',
      Ready: 'True',
      ContainersReady: 'True',
      PodScheduled: 'True',
    });
  });

  test('of one that has just come', () => {
    const unready = 'False | ContainersNotReady | containers with unready status: [web log]';
    assert.deepEqual(conditions(pod({ containers: [web, log], initContainers: [prepare] }), nothingObserved), {
      PodReadyToStartContainers: 'False',
      Initialized: 'False | ContainersNotInitialized | containers with incomplete status: [prepare]',
      Ready: unready,
      ContainersReady: unready,
      PodScheduled: 'True',
    });
  });

  test('of one that is done', () => {
    const done = conditions(pod({ restartPolicy: 'Never' }), observed([web, 0]), { over: true });
    assert.deepEqual(
      [done['Ready'], done['Initialized'], done['PodReadyToStartContainers']],
      ['False | PodCompleted', 'True | PodCompleted', 'False'],
    );
  });

  test('readiness gates hold a pod back until their conditions are true', () => {
    const gated = { readinessGates: [{ conditionType: 'example.com/lb' }] };
    const ready = (status: PodStatus): string | undefined => conditions(pod(gated, status), observed([web, 'running']))['Ready'];
    assert.equal(
      ready({}),
      'False | ReadinessGatesNotReady | corresponding condition of pod readiness gate "example.com/lb" does not exist.',
    );
    assert.equal(
      ready({ conditions: [{ type: 'example.com/lb', status: 'False' }] }),
      'False | ReadinessGatesNotReady | the status of pod readiness gate "example.com/lb" is not "True", but False',
    );
    assert.equal(ready({ conditions: [{ type: 'example.com/lb', status: 'True' }] }), 'True');
  });

  test('keep the time of their last change, and what others have set', () => {
    const before: PodStatus = {
      conditions: [
        { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T08:00:00Z' },
        { type: 'ContainersReady', status: 'False', lastTransitionTime: '2026-01-01T08:00:00Z' },
        { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' },
      ],
    };
    const after = compute(pod({}, before), observed([web, 'running'])).status.conditions ?? [];
    const times = Object.fromEntries(after.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]));
    assert.equal(times['Ready'], '2026-01-01T08:00:00Z');
    assert.equal(times['ContainersReady'], '2026-01-01T12:00:00Z');
    assert.deepEqual(after.at(-1), before.conditions?.[2]);
  });
});

test('the same pod, observation and facts give the same status', () => {
  const of = pod({ containers: [web, log], initContainers: [proxy, prepare] });
  const seen = observed([web, 'running'], [log, 1], [prepare, 0], [proxy, 'running']);
  assert.deepEqual(compute(of, seen), compute(of, seen));
});
