import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../clock/random.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { SimulatedNetwork } from '../../network/simulated-network.ts';
import { type ContainerConfig, endsAnnotation, type PodSandboxConfig } from '../cri.ts';
import { type CriHarness, type CriProgram, criContract } from '../cri-contract.ts';
import { behaviorOf, parseDuration } from './behavior.ts';
import { FakeRuntime, type FakeRuntimeOptions } from './fake-runtime.ts';

async function create(options: Partial<FakeRuntimeOptions> = {}): Promise<{ clock: VirtualClock; runtime: FakeRuntime }> {
  const clock = new VirtualClock();
  const network = await new SimulatedNetwork().addNode('node-1');
  await network.setPodCIDR('10.244.1.0/24');
  return { clock, runtime: new FakeRuntime({ clock, random: new SeededRandom(1), network, ...options }) };
}

/** Lets time pass until the promise has settled. */
async function settle<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let settled = false;
  const done = (): void => {
    settled = true;
  };
  promise.then(done, done);
  await clock.advanceUntil(() => settled, 60_000);
  return promise;
}

const like = (values: Record<string, string>, command: readonly string[] = []): CriProgram => ({
  command,
  sandboxAnnotations: Object.fromEntries(Object.entries(values).map(([key, value]) => [`fake.gokube.dev/${key}`, value])),
});

criContract('FakeRuntime', async (): Promise<CriHarness> => {
  const { clock, runtime } = await create();
  await runtime.pullImage('tool:1');
  return {
    runtime,
    image: 'tool:1',
    missingImage: 'missing/tool:1',
    logDirectory: '/logs',
    programs: {
      ends: (exitCode) => ({ command: ['sh', '-c', `echo hello; exit ${exitCode}`] }),
      runs: like({ log: 'hello' }),
      stays: like({ 'stop-delay': 'never' }),
      missing: like({ 'start-error': 'exec: "nothing": executable file not found in $PATH' }),
    },
    commands: { prints: ['echo', 'hello'], fails: ['sh', '-c', 'exit 3'], hangs: ['sleep', '1000'], copies: ['cat'] },
    readLog: (path) => new TextDecoder().decode(runtime.files.readFile(path)),
    settle: (promise) => settle(clock, promise),
    async eventually(check) {
      assert.ok(await clock.advanceUntil(check, 60_000), 'it never came to be');
    },
    async close() {
      assert.equal(clock.pendingTimers, 0, 'timers are left');
    },
  };
});

test('behaviour comes from the runtime, the image, the pod and the container, the nearest first', async () => {
  const annotations = {
    'fake.gokube.dev/run-for': '5s',
    'fake.gokube.dev/web.run-for': '1m30s',
    'fake.gokube.dev/web.exit-code': '1,0',
    other: 'x',
  };
  assert.deepEqual(behaviorOf('web', annotations, { cpu: 7 }), { cpu: 7, runFor: 90_000, exitCode: [1, 0] });
  assert.deepEqual(behaviorOf('log', annotations, { runFor: 1 }), { runFor: 5000 });
  assert.throws(
    () => behaviorOf('web', { 'fake.gokube.dev/run-for': 'soon' }),
    /annotation fake.gokube.dev\/run-for: "soon" cannot be read/,
  );
});

test('durations are read as Go writes them', () => {
  for (const [text, ms] of [
    ['500ms', 500],
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['2h', 7_200_000],
    ['1.5s', 1500],
    ['0', 0],
    ['soon', undefined],
    ['', undefined],
    ['10', undefined],
  ] as const) {
    assert.equal(parseDuration(text), ms, text);
  }
});

test('the shell does what simple scripts ask of it', async () => {
  const { clock, runtime } = await create();
  await runtime.pullImage('tool:1');
  const sandbox = await runtime.runPodSandbox({
    metadata: { name: 'p', namespace: 'n', uid: 'u', attempt: 0 },
    hostname: 'p',
    logDirectory: '/logs',
  });
  const id = await runtime.createContainer(sandbox, {
    metadata: { name: 'c', attempt: 0 },
    image: 'tool:1',
    imageReference: 'tool:1',
    env: [{ name: 'NAME', value: 'world' }],
    mounts: [],
    logPath: 'c/0.log',
    stdin: false,
    stdinOnce: false,
    tty: false,
  });
  await runtime.startContainer(id);
  const said = async (script: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await settle(clock, runtime.execSync(id, ['sh', '-c', script], 10));
    return `${new TextDecoder().decode(stdout)}${new TextDecoder().decode(stderr)}(${exitCode})`;
  };
  assert.equal(await said(`echo "hello $NAME" '$NAME' \${NAME}`), 'hello world $NAME world\n(0)');
  assert.equal(await said('false && echo no; false || echo yes; true && echo $?'), 'yes\n0\n(0)');
  assert.equal(
    await said('echo one > /tmp/f; echo two >> /tmp/f; cat /tmp/f; rm /tmp/f; cat /tmp/f'),
    'one\ntwo\ncat: /tmp/f: No such file or directory\n(1)',
  );
  assert.equal(await said('hostname; exit 7; echo never'), 'p\n(7)');
  assert.equal(await said('echo out; echo err >&2; exit 3'), 'out\nerr\n(3)');
  assert.equal(await said('trap exit TERM; sleep 0 & wait; echo done'), 'done\n(0)');
  assert.match(await said('echo a | cat'), /^sh: syntax error: unexpected "\| cat": .*\(2\)$/s);
  assert.equal(await said('frobnicate'), 'sh: frobnicate: not found\n(127)');
  assert.equal(await said('sleep 2; date'), '2026-01-01T00:00:02.000Z\n(0)');
});

test('what a pod waits for ends by itself, what it runs stays, unless its command or its behaviour says otherwise', async () => {
  const { clock, runtime } = await create();
  await runtime.pullImage('tool:1');
  const state = async (config: Partial<ContainerConfig>, sandboxConfig: Partial<PodSandboxConfig> = {}): Promise<string> => {
    const metadata = { name: 'p', namespace: 'n', uid: 'u', attempt: 0 };
    const sandbox = await runtime.runPodSandbox({ metadata, hostname: 'p', logDirectory: '/logs', ...sandboxConfig });
    const id = await runtime.createContainer(sandbox, {
      ...{ metadata: { name: 'c', attempt: 0 }, image: 'tool:1', imageReference: 'tool:1', env: [], mounts: [], logPath: 'c/0.log' },
      ...{ stdin: false, stdinOnce: false, tty: false, command: ['/bin/program'], ...config },
    });
    await runtime.startContainer(id);
    await clock.advance(1000);
    const { state: now, exitCode } = await runtime.containerStatus(id);
    await runtime.removePodSandbox(sandbox);
    return exitCode === undefined ? now : `${now} ${exitCode}`;
  };
  const waitedFor = { annotations: { [endsAnnotation]: 'true' } };
  const job = { labels: { 'batch.kubernetes.io/job-name': 'j' } };
  assert.equal(await state({}), 'running');
  assert.equal(await state(waitedFor), 'exited 0');
  assert.equal(await state({}, job), 'exited 0');
  assert.equal(await state({ ...waitedFor, command: ['sleep', '60'] }), 'running');
  assert.equal(await state({ ...waitedFor, imageReference: 'registry.k8s.io/pause:3.10' }), 'running');
  assert.equal(await state(waitedFor, { annotations: { 'fake.gokube.dev/run-for': '1m' } }), 'running');
  assert.equal(await state(waitedFor, { annotations: { 'fake.gokube.dev/exit-code': '3' } }), 'exited 3');
});

test('without power nothing answers; afterwards images and files are there, and nothing runs', async () => {
  const { runtime } = await create();
  await runtime.pullImage('tool:1');
  const sandbox = await runtime.runPodSandbox({
    metadata: { name: 'p', namespace: 'n', uid: 'u', attempt: 0 },
    hostname: 'p',
    logDirectory: '/logs/p',
  });
  assert.ok(sandbox);
  await runtime.powerOff();
  await assert.rejects(runtime.listContainers(), { code: 'Unavailable' });
  await assert.rejects(runtime.listImages(), { code: 'Unavailable' });
  runtime.powerOn();
  assert.deepEqual(await runtime.listPodSandboxes(), []);
  assert.equal((await runtime.listImages()).length, 1);
  assert.ok(runtime.files.list('/logs/p'));
});

test('two runtimes with one seed give the same ids', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 2; i++) {
    const { runtime } = await create();
    ids.push(
      await runtime.runPodSandbox({ metadata: { name: 'p', namespace: 'n', uid: 'u', attempt: 0 }, hostname: 'p', logDirectory: '/logs' }),
    );
  }
  assert.equal(ids[0], ids[1]);
});
