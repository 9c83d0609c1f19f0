import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerStatus } from '../api/generated/core-v1.ts';
import { pods } from '../api/generated/resources.ts';
import type { LinuxResources } from '../cri/cri.ts';
import { createTestNode, isReady, type TestNode } from './testing.ts';

const annotate = (values: Record<string, string>): { annotations: Record<string, string> } => ({
  annotations: Object.fromEntries(Object.entries(values).map(([key, value]) => [`fake.gokube.dev/${key}`, value])),
});
const statusOf = (node: TestNode, pod: string, i = 0): ContainerStatus => node.pod(pod)?.status.containerStatuses?.[i] as ContainerStatus;

test('a container that keeps crashing is started after 0, 10, 20, 40 ... seconds, and 5 minutes at most', async () => {
  const node = await createTestNode();
  const start = node.clock.monotonic();
  await node.createPod('web', {}, annotate({ 'run-for': '1s', 'exit-code': '1' }));
  const starts: number[] = [];
  for (let restarts = 1; restarts <= 8; restarts++) {
    await node.eventually(`restart ${restarts}`, () => statusOf(node, 'web')?.restartCount === restarts, 400);
    starts.push(Math.round((node.clock.monotonic() - start) / 1000));
  }
  // Each run lasts a second; the first restart comes at once.
  assert.deepEqual(
    starts.map((at, i) => at - (starts[i - 1] ?? 0)),
    [1, 11, 21, 41, 81, 161, 301, 301],
  );
  await node.eventually('it waits', () => statusOf(node, 'web').state.waiting !== undefined);
  const status = statusOf(node, 'web');
  assert.equal(status.state.waiting?.reason, 'CrashLoopBackOff');
  assert.match(status.state.waiting?.message ?? '', /^back-off 5m0s restarting failed container=web pod=web_default\(.+\)$/);
  assert.equal(status.lastState.terminated?.exitCode, 1);
  assert.equal(status.lastState.terminated?.reason, 'Error');
  assert.equal(node.pod('web')?.status.phase, 'Running');
  assert.ok(node.events('web').some((event) => event.startsWith('BackOff: Back-off restarting failed container web in pod web_default(')));
  // No more than the newest and the one before it are kept.
  assert.equal((await node.runtime.listContainers()).length, 2);
  await node.stop();
});

test('a container that ran for ten minutes is started at once again', async () => {
  const node = await createTestNode();
  await node.createPod('web', {}, annotate({ 'run-for': '11m', 'exit-code': '1' }));
  for (let restarts = 1; restarts <= 3; restarts++) {
    await node.eventually(`restart ${restarts}`, () => statusOf(node, 'web')?.restartCount === restarts, 11 * 60 + 1);
  }
  await node.stop();
});

test('by its restart policy a pod succeeds, fails, or is tried again', async () => {
  const node = await createTestNode();
  await node.createPod('never-0', { restartPolicy: 'Never' }, annotate({ 'run-for': '2s', 'exit-code': '0' }));
  await node.createPod(
    'never-1',
    { restartPolicy: 'Never' },
    annotate({ 'run-for': '2s', 'exit-code': '3', 'termination-message': 'out of luck' }),
  );
  await node.createPod('failing-once', { restartPolicy: 'OnFailure' }, annotate({ 'run-for': '2s', 'exit-code': '1,0' }));
  await node.clock.advance(5000);
  const phases = ['never-0', 'never-1', 'failing-once'].map((name) => node.pod(name)?.status.phase);
  assert.deepEqual(phases, ['Succeeded', 'Failed', 'Succeeded']);
  assert.equal(statusOf(node, 'failing-once').restartCount, 1);
  const end = statusOf(node, 'never-1').state.terminated;
  assert.equal(end?.exitCode, 3);
  assert.equal(end?.message, 'out of luck');
  const ready = node.pod('never-0')?.status.conditions?.find(({ type }) => type === 'Ready');
  assert.deepEqual([ready?.status, ready?.reason], ['False', 'PodCompleted']);
  assert.equal(node.pod('never-1')?.status.conditions?.find(({ type }) => type === 'Ready')?.reason, 'PodFailed');
  await node.stop();
});

test("init containers run one after the other, then the pod's own", async () => {
  const node = await createTestNode();
  const image = 'tool:1';
  await node.createPod(
    'web',
    {
      initContainers: [
        { name: 'one', image },
        { name: 'two', image },
      ],
    },
    annotate({ 'one.run-for': '2s', 'two.run-for': '2s', 'two.exit-code': '1,0' }),
  );
  await node.clock.advance(1000);
  const initialized = (): string | undefined => node.pod('web')?.status.conditions?.find(({ type }) => type === 'Initialized')?.message;
  assert.equal(node.pod('web')?.status.phase, 'Pending');
  assert.equal(initialized(), 'containers with incomplete status: [one two]');
  assert.equal(statusOf(node, 'web').state.waiting?.reason, 'PodInitializing');
  await node.clock.advance(2000);
  assert.equal(initialized(), 'containers with incomplete status: [two]');
  await node.clock.advance(4000);
  assert.equal(node.pod('web')?.status.phase, 'Running');
  const init = node.pod('web')?.status.initContainerStatuses ?? [];
  assert.deepEqual(
    init.map(({ name, ready, restartCount }) => [name, ready, restartCount]),
    [
      ['one', true, 0],
      ['two', true, 1],
    ],
  );
  assert.equal(isReady(node.pod('web')), true);
  await node.stop();
});

test("a sidecar starts first, is restarted by itself, and ends after the pod's own containers", async () => {
  const node = await createTestNode();
  await node.createPod(
    'job',
    { restartPolicy: 'Never', initContainers: [{ name: 'proxy', image: 'proxy:1', restartPolicy: 'Always' }] },
    annotate({ 'web.run-for': '30s', 'proxy.stop-delay': '3s' }),
  );
  await node.eventually('it runs', () => isReady(node.pod('job')));
  const proxy = (): ContainerStatus => node.pod('job')?.status.initContainerStatuses?.[0] as ContainerStatus;
  assert.deepEqual([proxy().ready, proxy().started], [true, true]);
  node.runtime.killContainer(proxy().containerID?.replace('fake://', '') ?? '');
  await node.eventually('it is back', () => proxy().restartCount === 1 && proxy().ready);
  await node.clock.advance(31_000);
  assert.equal(node.pod('job')?.status.phase, 'Running', 'not over while the sidecar ends');
  await node.eventually('it is over', () => node.pod('job')?.status.phase === 'Succeeded', 5);
  assert.ok(proxy().state.terminated);
  await node.stop();
});

test('a container killed from outside is back at once, and the status says so within a second', async () => {
  const node = await createTestNode();
  await node.createPod('web', {});
  await node.eventually('it is ready', () => isReady(node.pod('web')));
  const [container] = await node.runtime.listContainers();
  node.runtime.killContainer(container?.id ?? '');
  await node.eventually('it was restarted', () => statusOf(node, 'web').restartCount === 1 && isReady(node.pod('web')), 1);
  assert.equal(statusOf(node, 'web').lastState.terminated?.exitCode, 137);
  await node.stop();
});

test('what the kernel kills for memory is said to be OOMKilled', async () => {
  const node = await createTestNode();
  await node.createPod('web', {}, annotate({ 'oom-after': '5s' }));
  await node.eventually('it was restarted', () => statusOf(node, 'web')?.restartCount === 1);
  const end = statusOf(node, 'web').lastState.terminated;
  assert.deepEqual([end?.exitCode, end?.reason], [137, 'OOMKilled']);
  await node.stop();
});

test('a sandbox that is lost is made anew, with everything in it', async () => {
  const node = await createTestNode();
  await node.createPod('web', {});
  await node.eventually('it is ready', () => isReady(node.pod('web')));
  const [sandbox] = await node.runtime.listPodSandboxes();
  await node.runtime.stopPodSandbox(sandbox?.id ?? '');
  await node.eventually('it is back', () => statusOf(node, 'web').restartCount === 1 && isReady(node.pod('web')), 2);
  const [now] = await node.runtime.listPodSandboxes({ state: 'ready' });
  assert.equal(now?.metadata.attempt, 1);
  assert.ok(node.events('web').includes('SandboxChanged: Pod sandbox changed, it will be killed and re-created.'));
  await node.stop();
});

test('a command that cannot be started is told with its message', async () => {
  const node = await createTestNode();
  await node.createPod('web', {}, annotate({ 'start-error': 'exec: "nothing": executable file not found in $PATH' }));
  await node.clock.advance(5000);
  const status = statusOf(node, 'web');
  assert.equal(status.state.waiting?.reason, 'CrashLoopBackOff');
  assert.match(status.lastState.terminated?.message ?? '', /executable file not found/);
  assert.equal(status.lastState.terminated?.exitCode, 128);
  assert.ok(node.events('web').some((event) => event === 'Failed: Error: exec: "nothing": executable file not found in $PATH'));
  await node.stop();
});

test('a new image replaces the container in its pod', async () => {
  const node = await createTestNode();
  await node.createPod('web', {});
  await node.eventually('it is ready', () => isReady(node.pod('web')));
  const containers = [{ name: 'web', image: 'nginx:2', imagePullPolicy: 'IfNotPresent' }];
  await node.client.resource(pods).patch('web', { type: 'merge', body: { spec: { containers } } }, { namespace: 'default' });
  await node.eventually('it runs the new one', () => statusOf(node, 'web').image === 'nginx:2' && isReady(node.pod('web')));
  assert.equal(statusOf(node, 'web').restartCount, 1);
  assert.ok(node.events('web').includes('Killing: Container web definition changed, will be restarted'));
  await node.stop();
});

test('a pod that is resized gets its new resources where it runs', async () => {
  const node = await createTestNode();
  const given: LinuxResources[] = [];
  const update = node.runtime.updateContainerResources.bind(node.runtime);
  node.runtime.updateContainerResources = (id, resources) => {
    given.push(resources);
    return update(id, resources);
  };
  const sized = (cpu: string, memory: string) => [{ name: 'web', image: 'nginx:1', resources: { limits: { cpu, memory } } }];
  await node.createPod('web', { containers: sized('1', '64Mi') });
  await node.eventually('it is ready', () => isReady(node.pod('web')));
  await node.client
    .resource(pods)
    .patch('web', { type: 'merge', body: { spec: { containers: sized('1500m', '128Mi') } } }, { namespace: 'default' });
  await node.clock.advance(130_000);
  assert.deepEqual(given, [{ cpuShares: 1536, cpuQuota: 150_000, cpuPeriod: 100_000, memoryLimitBytes: 128 * 2 ** 20 }]);
  assert.equal(statusOf(node, 'web').restartCount, 0);
  assert.deepEqual(statusOf(node, 'web').resources?.limits, { cpu: '1500m', memory: '128Mi' });
  await node.stop();
});
