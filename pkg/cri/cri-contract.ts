import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import {
  type ContainerConfig,
  type ContainerEvent,
  type ImageService,
  isRuntimeError,
  type PodSandboxConfig,
  type RuntimeService,
} from './cri.ts';

/** What the suite needs to drive a runtime that it knows nothing about. */
export interface CriHarness {
  readonly runtime: RuntimeService & ImageService;
  /** An image that is present. */
  readonly image: string;
  /** A reference that nobody can pull; absent: this runtime finds every image. */
  readonly missingImage?: string;
  readonly logDirectory: string;
  /** Containers of each kind. */
  readonly programs: {
    /** Prints `hello` and a line feed, then ends with this exit code. */
    ends(exitCode: number): CriProgram;
    /** Runs until SIGTERM comes. Prints `hello` and a line feed once it listens to that. */
    readonly runs: CriProgram;
    /** Does not end on SIGTERM. */
    readonly stays: CriProgram;
    /** Cannot be started: the command is not there. */
    readonly missing: CriProgram;
  };
  /** Commands for an exec in a container that runs. */
  readonly commands: {
    /** Prints `hello` and a line feed. */
    readonly prints: readonly string[];
    /** Ends with exit code 3. */
    readonly fails: readonly string[];
    /** Runs for longer than any test. */
    readonly hangs: readonly string[];
    /** Copies its standard input to its output. */
    readonly copies: readonly string[];
  };
  readLog(path: string): Promise<string> | string;
  /** Waits for the promise; on a virtual clock, lets time pass meanwhile. */
  settle<T>(promise: Promise<T>): Promise<T>;
  /** Resolves once the check holds, and lets time pass until then; rejects when it never does. */
  eventually(check: () => Promise<boolean>): Promise<void>;
  close(): Promise<void>;
}
export interface CriProgram {
  readonly command: readonly string[];
  /** For runtimes whose containers do what data says. */
  readonly sandboxAnnotations?: Readonly<Record<string, string>>;
}

/** What every RuntimeService and ImageService must do; registers its tests with node:test. */
export function criContract(name: string, create: () => Promise<CriHarness>, options: { readonly skip?: string | false } = {}): void {
  suite(`${name}: the runtime contract`, { skip: options.skip ?? false }, () => {
    let harness: CriHarness;
    let number = 0;
    before(async () => {
      harness = await create();
    });
    after(async () => {
      await harness?.close();
    });

    const sandboxConfig = (extra: Partial<PodSandboxConfig> = {}): PodSandboxConfig => {
      number += 1;
      return {
        metadata: { name: `pod-${number}`, namespace: 'contract', uid: `uid-${number}`, attempt: 0 },
        hostname: `pod-${number}`,
        logDirectory: `${harness.logDirectory}/pod-${number}`,
        ...extra,
      };
    };
    const containerConfig = (program: CriProgram, extra: Partial<ContainerConfig> = {}): ContainerConfig => ({
      metadata: { name: 'main', attempt: 0 },
      image: harness.image,
      imageReference: harness.image,
      command: program.command,
      env: [],
      mounts: [],
      logPath: 'main/0.log',
      stdin: false,
      stdinOnce: false,
      tty: false,
      ...extra,
    });
    const sandboxFor = (program: CriProgram): Promise<string> =>
      harness.settle(
        harness.runtime.runPodSandbox(sandboxConfig(program.sandboxAnnotations ? { annotations: program.sandboxAnnotations } : {})),
      );
    const started = async (program: CriProgram, extra: Partial<ContainerConfig> = {}): Promise<{ sandbox: string; container: string }> => {
      const sandbox = await sandboxFor(program);
      const container = await harness.runtime.createContainer(sandbox, containerConfig(program, extra));
      await harness.settle(harness.runtime.startContainer(container));
      return { sandbox, container };
    };
    const ended = (id: string): Promise<void> =>
      harness.eventually(async () => (await harness.runtime.containerStatus(id)).state === 'exited');
    const rejectsWith = (promise: Promise<unknown>, ...codes: string[]): Promise<void> =>
      assert.rejects(promise, (error: unknown) => {
        assert.ok(isRuntimeError(error), `a RuntimeError, not ${String(error)}`);
        assert.ok(codes.includes(error.code), `code ${error.code}, wanted ${codes.join(' or ')}`);
        assert.ok(error.message.length > 0);
        return true;
      });

    test('a runtime says what it is and that it is ready', async () => {
      const { name: runtimeName, version } = await harness.runtime.version();
      assert.ok(runtimeName && version);
      assert.equal((await harness.runtime.status()).runtimeReady, true);
    });

    test('a sandbox is ready once made, and listed as it was asked for', async () => {
      const config = sandboxConfig({ labels: { app: 'a' }, annotations: { note: 'b' } });
      const id = await harness.settle(harness.runtime.runPodSandbox(config));
      const status = await harness.runtime.podSandboxStatus(id);
      assert.equal(status.state, 'ready');
      assert.deepEqual(status.metadata, config.metadata);
      assert.deepEqual(status.labels, { app: 'a' });
      assert.deepEqual(status.annotations, { note: 'b' });
      assert.deepEqual(await harness.runtime.listPodSandboxes({ id }), [status]);
      assert.equal((await harness.runtime.listPodSandboxes({ id, labels: { app: 'a' } })).length, 1);
      assert.equal((await harness.runtime.listPodSandboxes({ id, labels: { app: 'b' } })).length, 0);
      assert.equal((await harness.runtime.listPodSandboxes({ id, state: 'notready' })).length, 0);
    });

    test('stopping and removing a sandbox may be repeated; afterwards it is unknown', async () => {
      const id = await harness.settle(harness.runtime.runPodSandbox(sandboxConfig()));
      for (let round = 0; round < 2; round++) await harness.settle(harness.runtime.stopPodSandbox(id));
      assert.equal((await harness.runtime.podSandboxStatus(id)).state, 'notready');
      await rejectsWith(harness.runtime.createContainer(id, containerConfig(harness.programs.runs)), 'NotRunning', 'InvalidArgument');
      for (let round = 0; round < 2; round++) await harness.settle(harness.runtime.removePodSandbox(id));
      await rejectsWith(harness.runtime.podSandboxStatus(id), 'NotFound');
      assert.deepEqual(await harness.runtime.listPodSandboxes({ id }), []);
    });

    test('a container is created, runs, and ends with its exit code', async () => {
      const program = harness.programs.ends(3);
      const sandbox = await sandboxFor(program);
      const id = await harness.runtime.createContainer(sandbox, containerConfig(program, { labels: { tier: 'x' } }));
      const created = await harness.runtime.containerStatus(id);
      assert.equal(created.state, 'created');
      assert.equal(created.sandboxId, sandbox);
      assert.deepEqual(created.labels, { tier: 'x' });
      assert.equal(created.image, harness.image);
      await harness.settle(harness.runtime.startContainer(id));
      await ended(id);
      const status = await harness.runtime.containerStatus(id);
      assert.equal(status.exitCode, 3);
      assert.equal(status.reason, 'Error');
      assert.ok(status.startedAt !== undefined && status.finishedAt !== undefined);
      assert.ok(created.createdAt <= status.startedAt && status.startedAt <= status.finishedAt);
      assert.deepEqual(await harness.runtime.listContainers({ id, state: 'exited', sandboxId: sandbox }), [status]);
    });

    test('exit code 0 is Completed', async () => {
      const { container } = await started(harness.programs.ends(0));
      await ended(container);
      const { exitCode, reason } = await harness.runtime.containerStatus(container);
      assert.deepEqual({ exitCode, reason }, { exitCode: 0, reason: 'Completed' });
    });

    test('output is in the log, in the CRI format', async () => {
      const { container } = await started(harness.programs.ends(0));
      await ended(container);
      const { logPath } = await harness.runtime.containerStatus(container);
      await harness.eventually(async () => (await harness.readLog(logPath)).length > 0);
      const line = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(?:Z|[+-]\d\d:\d\d) stdout F hello\n$/;
      assert.match(await harness.readLog(logPath), line);
    });

    test('a container can be started once', async () => {
      const { container } = await started(harness.programs.runs);
      await assert.rejects(harness.runtime.startContainer(container));
      assert.equal((await harness.runtime.containerStatus(container)).state, 'running');
    });

    test('a command that is not there fails the start, and the container shows why', async () => {
      const program = harness.programs.missing;
      const sandbox = await sandboxFor(program);
      const id = await harness.runtime.createContainer(sandbox, containerConfig(program));
      await rejectsWith(harness.settle(harness.runtime.startContainer(id)), 'StartFailed');
      const status = await harness.runtime.containerStatus(id);
      assert.equal(status.state, 'exited');
      assert.equal(status.reason, 'StartError');
      assert.equal(status.exitCode, 128);
      assert.ok(status.message);
    });

    test('stop asks with SIGTERM and returns when the container has ended', async () => {
      const { container } = await started(harness.programs.runs);
      const { logPath } = await harness.runtime.containerStatus(container);
      await harness.eventually(async () => (await harness.readLog(logPath)).includes('hello'));
      await harness.settle(harness.runtime.stopContainer(container, 30));
      const { state, exitCode } = await harness.runtime.containerStatus(container);
      assert.equal(state, 'exited');
      assert.notEqual(exitCode, 137);
    });

    test('stop kills what does not listen once the grace is over: 137', async () => {
      const { container } = await started(harness.programs.stays);
      await harness.settle(harness.runtime.stopContainer(container, 1));
      const { state, exitCode } = await harness.runtime.containerStatus(container);
      assert.deepEqual({ state, exitCode }, { state: 'exited', exitCode: 137 });
    });

    test('stop without grace kills at once, and may be repeated', async () => {
      const { container } = await started(harness.programs.runs);
      await harness.settle(harness.runtime.stopContainer(container, 0));
      await ended(container);
      assert.equal((await harness.runtime.containerStatus(container)).exitCode, 137);
      await harness.settle(harness.runtime.stopContainer(container, 10));
      assert.equal((await harness.runtime.containerStatus(container)).exitCode, 137);
    });

    test('a container that runs can be removed, twice; afterwards it is unknown', async () => {
      const { container, sandbox } = await started(harness.programs.runs);
      await harness.settle(harness.runtime.removeContainer(container));
      await harness.settle(harness.runtime.removeContainer(container));
      await rejectsWith(harness.runtime.containerStatus(container), 'NotFound');
      assert.deepEqual(await harness.runtime.listContainers({ sandboxId: sandbox }), []);
    });

    test('a stopped sandbox has ended its containers; a removed one has taken them along', async () => {
      const { container, sandbox } = await started(harness.programs.stays);
      await harness.settle(harness.runtime.stopPodSandbox(sandbox));
      await ended(container);
      assert.equal((await harness.runtime.containerStatus(container)).exitCode, 137);
      await harness.settle(harness.runtime.removePodSandbox(sandbox));
      await rejectsWith(harness.runtime.containerStatus(container), 'NotFound');
    });

    test('what is not there: stop and remove succeed, all else says NotFound', async () => {
      const { runtime } = harness;
      await harness.settle(
        Promise.all([
          runtime.stopContainer('x', 1),
          runtime.removeContainer('x'),
          runtime.stopPodSandbox('x'),
          runtime.removePodSandbox('x'),
        ]),
      );
      await rejectsWith(runtime.podSandboxStatus('x'), 'NotFound');
      await rejectsWith(runtime.createContainer('x', containerConfig(harness.programs.runs)), 'NotFound');
      await rejectsWith(runtime.startContainer('x'), 'NotFound');
      await rejectsWith(runtime.containerStatus('x'), 'NotFound');
      await rejectsWith(runtime.containerStats('x'), 'NotFound');
      await rejectsWith(runtime.updateContainerResources('x', {}), 'NotFound');
      await rejectsWith(runtime.execSync('x', ['true'], 1), 'NotFound');
    });

    test('a command in a container: its output and its exit code', async () => {
      const { container } = await started(harness.programs.runs);
      const said = await harness.settle(harness.runtime.execSync(container, harness.commands.prints, 10));
      assert.equal(new TextDecoder().decode(said.stdout), 'hello\n');
      assert.equal(said.exitCode, 0);
      assert.equal((await harness.settle(harness.runtime.execSync(container, harness.commands.fails, 10))).exitCode, 3);
    });

    test('a command that takes too long: DeadlineExceeded, and the container goes on', async () => {
      const { container } = await started(harness.programs.runs);
      await rejectsWith(harness.settle(harness.runtime.execSync(container, harness.commands.hangs, 1)), 'DeadlineExceeded');
      assert.equal((await harness.runtime.containerStatus(container)).state, 'running');
    });

    test('no command runs in a container that has ended', async () => {
      const { container } = await started(harness.programs.ends(0));
      await ended(container);
      await rejectsWith(harness.settle(harness.runtime.execSync(container, harness.commands.prints, 10)), 'NotRunning');
    });

    test('exec joins the streams of a command with the caller', async () => {
      const { container } = await started(harness.programs.runs);
      let output = '';
      const exitCode = await harness.settle(
        harness.runtime.exec(container, harness.commands.copies, {
          tty: false,
          stdin: bytes('one\n', 'two\n'),
          stdout: (chunk) => {
            output += new TextDecoder().decode(chunk);
          },
          signal: new AbortController().signal,
        }),
      );
      assert.equal(exitCode, 0);
      assert.equal(output, 'one\ntwo\n');
    });

    test('an aborted exec ends, and the container goes on', async () => {
      const { container } = await started(harness.programs.runs);
      const abort = new AbortController();
      const running = harness.runtime.exec(container, harness.commands.hangs, { tty: false, signal: abort.signal });
      abort.abort(new Error('enough'));
      await assert.rejects(harness.settle(running));
      assert.equal((await harness.runtime.containerStatus(container)).state, 'running');
    });

    test('attach ends with its container, and with its signal', async () => {
      const { container } = await started(harness.programs.runs);
      const abort = new AbortController();
      const left = harness.runtime.attach(container, { tty: false, signal: abort.signal });
      abort.abort();
      await harness.settle(left);
      const stayed = harness.runtime.attach(container, { tty: false, signal: new AbortController().signal });
      await harness.settle(harness.runtime.stopContainer(container, 0));
      await harness.settle(stayed);
    });

    test('events tell the life of a container in order', async () => {
      const abort = new AbortController();
      const seen: ContainerEvent[] = [];
      const reading = (async () => {
        for await (const batch of harness.runtime.events(abort.signal)) seen.push(...batch);
      })();
      const { container, sandbox } = await started(harness.programs.ends(0));
      await ended(container);
      await harness.settle(harness.runtime.removeContainer(container));
      const own = (): string[] => seen.flatMap((event) => (event.type !== 'relist' && event.containerId === container ? [event.type] : []));
      await harness.eventually(async () => own().length >= 4);
      abort.abort();
      await harness.settle(reading);
      assert.deepEqual(own(), ['created', 'started', 'stopped', 'deleted']);
      for (const event of seen) if (event.type !== 'relist' && event.containerId === container) assert.equal(event.sandboxId, sandbox);
    });

    test('what a container uses is told', async () => {
      const { container } = await started(harness.programs.runs);
      const { timestamp, cpuUsageNanos, memoryWorkingSetBytes, pids } = await harness.runtime.containerStats(container);
      for (const value of [timestamp, cpuUsageNanos, memoryWorkingSetBytes, pids]) assert.ok(Number.isFinite(value) && value >= 0);
      assert.ok(pids >= 1);
    });

    test('a present image is found by its reference and by its id, and need not be pulled', async () => {
      const image = await harness.runtime.imageStatus(harness.image);
      assert.ok(image);
      assert.match(image.id, /^sha256:[0-9a-f]{64}$/);
      assert.equal((await harness.runtime.imageStatus(image.id))?.id, image.id);
      assert.equal(await harness.settle(harness.runtime.pullImage(harness.image)), image.id);
      assert.ok((await harness.runtime.listImages()).some(({ id }) => id === image.id));
    });

    test('a name that is none, and an image that is nowhere', async () => {
      await rejectsWith(harness.settle(harness.runtime.pullImage('No Such:Thing!')), 'InvalidImageName');
      if (harness.missingImage !== undefined) {
        await rejectsWith(harness.settle(harness.runtime.pullImage(harness.missingImage)), 'ImageNotFound', 'ImagePullFailed');
        assert.equal(await harness.runtime.imageStatus(harness.missingImage), undefined);
        await harness.runtime.removeImage(harness.missingImage);
      }
    });

    test('the image file system has a size', async () => {
      const { usedBytes, capacityBytes, availableBytes } = await harness.runtime.imageFsInfo();
      assert.ok(usedBytes >= 0 && availableBytes >= 0 && capacityBytes >= availableBytes);
    });
  });
}

async function* bytes(...texts: string[]): AsyncIterable<Uint8Array> {
  for (const text of texts) yield new TextEncoder().encode(text);
}
