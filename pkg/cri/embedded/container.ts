import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { join, posix } from 'node:path';
import { type ContainerConfig, type ContainerStats, type ContainerStatus, type LinuxResources, RuntimeError } from '../cri.ts';
import type { Bundle, BundleOptions } from './bundle-options.ts';
import type { ExecAnswer, Identity } from './helper/protocol.ts';
import type { DataSink, HelperClient } from './helper-client.ts';
import type { ImageRoot } from './images/image.ts';
import type { RuntimeHost } from './runtime-host.ts';
import { newPidNamespace, type Sandbox } from './sandbox.ts';
import { execScript, programWords } from './start-script.ts';
import { toolkitCommand } from './toolkit.ts';

/** How long a killed process may take to be gone before we say that something is wrong. */
const killPatienceMs = 10_000;

/** One container, from its files on disk to its exit code. */
export class Container {
  readonly id: string;
  readonly sandbox: Sandbox;
  readonly config: ContainerConfig;
  readonly #host: RuntimeHost;
  readonly #root: ImageRoot;
  readonly #folder: string;
  readonly #cgroup: string;
  readonly #bundle: Bundle;
  readonly #emit: (type: 'started' | 'stopped') => void;
  readonly #createdAt: number;
  readonly #ended: Promise<void>;
  #sayEnded: () => void = () => {};
  #state: ContainerStatus['state'] | 'starting' = 'created';
  #identity: Identity = { uid: 0, gid: 0, groups: [], home: '/' };
  #pid: number | undefined;
  #startedAt: number | undefined;
  #end: { readonly exitCode: number; readonly at: number; readonly reason: string; readonly message?: string } | undefined;
  #removing: Promise<void> | undefined;

  static async create(
    host: RuntimeHost,
    sandbox: Sandbox,
    config: ContainerConfig,
    emit: (type: 'started' | 'stopped') => void,
  ): Promise<Container> {
    const id = randomBytes(16).toString('hex');
    const folder = `${posix.dirname(posix.dirname(sandbox.folder))}/containers/${id}`;
    const root = await host.images.use(config.image, id);
    const cgroup = `${sandbox.cgroup}/${id}`;
    try {
      host.cgroups.create(cgroup, config.resources);
      const bundle = await host.helper.call('prepare', {
        directory: host.directory,
        folder,
        config,
        image: root,
        toolkit: host.toolkit,
        hostname: sandbox.config.hostname,
        podMounts: sandbox.mounts,
        shm: sandbox.shm,
        cgroupProcs: host.cgroups.procs(cgroup),
        cgroupView: cgroupView(host.cgroups.folders(cgroup), host.cgroups.version, cgroup),
        pid: pidMode(config, sandbox),
        volatileOverlay: host.volatileOverlay,
      });
      return new Container(host, sandbox, config, { id, folder, root, cgroup, bundle, emit });
    } catch (error) {
      await rm(join(host.directory, folder), { recursive: true, force: true });
      await host.cgroups.remove(cgroup);
      host.images.release(id);
      throw error;
    }
  }

  private constructor(
    host: RuntimeHost,
    sandbox: Sandbox,
    config: ContainerConfig,
    made: {
      readonly id: string;
      readonly folder: string;
      readonly root: ImageRoot;
      readonly cgroup: string;
      readonly bundle: Bundle;
      readonly emit: (type: 'started' | 'stopped') => void;
    },
  ) {
    this.#host = host;
    this.sandbox = sandbox;
    this.config = config;
    this.#emit = made.emit;
    this.id = made.id;
    this.#folder = made.folder;
    this.#root = made.root;
    this.#cgroup = made.cgroup;
    this.#bundle = made.bundle;
    this.#createdAt = host.clock.now();
    this.#ended = new Promise((resolve) => {
      this.#sayEnded = resolve;
    });
  }

  async start(): Promise<void> {
    if (this.#state !== 'created') throw new RuntimeError('InvalidArgument', `container ${this.id} has been started before`);
    this.#state = 'starting';
    const mode = pidMode(this.config, this.sandbox);
    const ctty = this.config.tty ? '--ctty' : '';
    const { script, propagation } = this.#bundle;
    const unshare = ['unshare', '--mount', '--propagation', propagation];
    const inside = {
      container: [...newPidNamespace(propagation), script, ctty],
      // nsenter forks into the pod's pid namespace, waits, and ends as its child does.
      pod: [...unshare, 'setsid', ...(ctty ? [ctty] : []), 'setpriv', '--pdeathsig', 'KILL', 'sh', script],
      // Nobody forks: the helper's child, in a session of its own already, becomes the container.
      node: [...unshare, 'sh', script],
    };
    try {
      const started = await this.#host.helper.call('start', {
        id: this.id,
        argv: [...this.sandbox.enter(mode), ...inside[mode]],
        tty: this.config.tty,
        stdin: this.config.stdin,
        logPath: this.#logPath,
        procs: this.#host.cgroups.procs(this.#cgroup),
        launchers: this.#host.toolkit.launchers,
      });
      this.#identity = started.identity;
      this.#pid = started.pid;
      this.#startedAt = started.startedAt;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      // 128 and StartError are what Kubernetes shows for a container that never ran.
      this.#finish({ exitCode: 128, at: this.#host.clock.now(), reason: 'StartError', message });
      throw error;
    }
    // It may have ended already: then `onExit` has seen it first.
    if (this.#state === 'starting') this.#state = 'running';
    this.#emit('started');
    if (this.#end) this.#emit('stopped');
  }

  /** The helper tells that the first process ended. */
  onExit(exitCode: number, at: number): void {
    const oom = this.#host.cgroups.oomKills(this.#cgroup) > 0;
    const early = this.#state === 'starting';
    this.#finish({ exitCode, at, reason: exitCode === 0 ? 'Completed' : oom ? 'OOMKilled' : 'Error' });
    if (!early) this.#emit('stopped');
  }
  onLost(): void {
    if (this.#state !== 'running' && this.#state !== 'starting') return;
    this.#finish({
      exitCode: 137,
      at: this.#host.clock.now(),
      reason: 'Error',
      message: 'the runtime helper ended, and the container with it',
    });
    this.#emit('stopped');
  }

  #finish(end: { exitCode: number; at: number; reason: string; message?: string }): void {
    if (this.#end) return;
    this.#end = end;
    this.#state = 'exited';
    this.#pid = undefined;
    this.#sayEnded();
  }

  async stop(graceSeconds: number): Promise<void> {
    if (this.#state === 'created') return;
    if (this.#state !== 'exited' && graceSeconds > 0) {
      const signal = signalNumber(this.config.stopSignal ?? this.#root.config.stopSignal ?? 'SIGTERM');
      await this.#host.helper.call('signal', { id: this.id, signal });
      await this.#endWithin(graceSeconds * 1000);
    }
    await this.kill();
  }

  /** Resolves when nothing of the container runs any more. */
  async kill(): Promise<void> {
    if (this.#state === 'created' || this.#state === 'exited') return;
    if (this.#host.helper.alive) await this.#host.helper.call('kill', { id: this.id });
    if (!(await this.#endWithin(killPatienceMs)))
      throw new RuntimeError('Internal', `container ${this.id} does not end although it was killed`);
  }

  remove(): Promise<void> {
    // One that failed may be tried again.
    this.#removing ??= this.#remove().catch((error: unknown) => {
      this.#removing = undefined;
      throw error;
    });
    return this.#removing;
  }

  async #remove(): Promise<void> {
    await this.kill();
    if (this.#host.helper.alive) await this.#host.helper.call('forget', { id: this.id });
    await this.#host.cgroups.remove(this.#cgroup);
    await rm(join(this.#host.directory, this.#folder), { recursive: true, force: true });
    this.#host.images.release(this.id);
  }

  status(): ContainerStatus {
    const { metadata, imageReference, labels = {}, annotations = {}, mounts } = this.config;
    const end = this.#end;
    return {
      id: this.id,
      sandboxId: this.sandbox.id,
      metadata,
      state: this.#state === 'starting' ? 'created' : this.#state,
      createdAt: this.#createdAt,
      ...(this.#startedAt === undefined ? {} : { startedAt: this.#startedAt }),
      ...(end ? { finishedAt: end.at, exitCode: end.exitCode, reason: end.reason } : {}),
      ...(end?.message === undefined ? {} : { message: end.message }),
      image: imageReference,
      imageId: this.#root.image.id,
      labels,
      annotations,
      mounts,
      logPath: this.#logPath,
      ...(this.#pid === undefined ? {} : { pid: this.#pid }),
    };
  }

  stats(): ContainerStats {
    return { timestamp: this.#host.clock.now(), ...this.#host.cgroups.stats(this.#cgroup) };
  }
  update(resources: LinuxResources): void {
    this.#host.cgroups.update(this.#cgroup, resources);
  }

  exec(
    command: readonly string[],
    options: { readonly tty: boolean; readonly stdin: boolean; readonly timeoutMs: number },
    sink: DataSink,
  ): ReturnType<HelperClient['open']> & { readonly result: Promise<ExecAnswer> } {
    const pid = this.#runningPid();
    const program = command[0];
    if (program === undefined) throw new RuntimeError('InvalidArgument', 'an exec needs a command');
    const { toolkit, cgroups, helper } = this.#host;
    const { uid, gid, groups, home } = this.#identity;
    const environment = new Map(this.#bundle.environment.map(({ name, value }) => [name, value]));
    if (!environment.has('HOME')) environment.set('HOME', home);
    if (options.tty && !environment.has('TERM')) environment.set('TERM', 'xterm');
    const privileges = [
      `--pdeathsig KILL --reuid ${uid} --regid ${gid}`,
      groups.length > 0 ? `--groups ${groups.join(',')}` : '--clear-groups',
      `--inh-caps=-all --bounding-set=${this.#bundle.boundingSet}`,
      ...(this.config.security?.noNewPrivileges ? ['--no-new-privs'] : []),
    ].join(' ');
    // First into the container's control groups, with the machine's shell; then into its namespaces.
    const joinGroups = 'n=$1; shift; while [ "$n" -gt 0 ]; do echo 0 >"$1"; shift; n=$((n-1)); done; exec "$@"';
    const procs = cgroups.procs(this.#cgroup);
    const enter = ['nsenter', `--target=${pid}`, '--mount', '--uts', '--ipc', '--net', '--pid'];
    const argv = [
      ...['setpriv', '--pdeathsig', 'KILL', 'sh', '-c', joinGroups, 'sh', String(procs.length), ...procs],
      ...[...enter, ...toolkitCommand(toolkit, 'sh').split(' '), '-c', execScript(toolkit), 'sh'],
      ...[this.#bundle.workingDir, environment.get('PATH') ?? '', privileges, options.tty ? '--ctty' : '', program],
      ...[...environment].map(([name, value]) => `${name}=${value}`),
      ...(programWords(program, '') ? [...toolkitCommand(toolkit, 'sh').split(' '), '-c', 'exec "$@"', 'sh'] : []),
      ...command,
    ];
    return helper.open('exec', { container: this.id, argv, tty: options.tty, stdin: options.stdin, timeout: options.timeoutMs }, sink);
  }

  attach(stdin: boolean, sink: DataSink): ReturnType<HelperClient['open']> {
    this.#runningPid();
    return this.#host.helper.open('attach', { id: this.id, stdin: stdin && this.config.stdin, closeStdin: this.config.stdinOnce }, sink);
  }

  #runningPid(): number {
    if (this.#state !== 'running' || this.#pid === undefined) throw new RuntimeError('NotRunning', `container ${this.id} is not running`);
    return this.#pid;
  }

  async #endWithin(ms: number): Promise<boolean> {
    const timeout = new AbortController();
    const late = this.#host.clock.sleep(ms, timeout.signal).catch(() => {});
    await Promise.race([this.#ended, late]);
    timeout.abort(new Error('ended'));
    return this.#end !== undefined;
  }

  get #logPath(): string {
    return join(this.sandbox.config.logDirectory, this.config.logPath);
  }
}

function pidMode(config: ContainerConfig, sandbox: Sandbox): 'container' | 'pod' | 'node' {
  return config.security?.pid ?? sandbox.config.namespaces?.pid ?? 'container';
}

/** What a program inside looks for below /sys/fs/cgroup to learn its limits. */
function cgroupView(folders: readonly string[], version: 1 | 2, cgroup: string): BundleOptions['cgroupView'] {
  if (version === 2) return folders.map((folder) => ['', folder]);
  // `/sys/fs/cgroup/memory/PATH`: the hierarchy's name is what lies before the path.
  return folders.map((folder) => [posix.basename(folder.slice(0, -cgroup.length)), folder]);
}

function signalNumber(name: string): number {
  const number = /^\d+$/.test(name) ? Number(name) : constants.signals[(name.startsWith('SIG') ? name : `SIG${name}`) as NodeJS.Signals];
  if (!number) throw new RuntimeError('InvalidArgument', `unknown stop signal "${name}"`);
  return number;
}
