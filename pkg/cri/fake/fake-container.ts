import type { Clock } from '../../clock/clock.ts';
import type { ContainerConfig, ContainerStatus, Mount, PodSandboxConfig, ProcessStreams } from '../cri.ts';
import type { FakeBehavior } from './behavior.ts';
import type { FakeProcess, ProcessEnd } from './fake-process.ts';
import type { MemoryFiles } from './memory-files.ts';
import type { ShellSystem } from './tiny-shell.ts';

const encoder = new TextEncoder();

export interface FakeSandbox {
  readonly id: string;
  readonly config: PodSandboxConfig;
  readonly createdAt: number;
  state: 'ready' | 'notready';
  ips: readonly string[];
}

/** One container: its state, its log, its view of the files. The runtime drives it. */
export class FakeContainer {
  readonly id: string;
  readonly sandbox: FakeSandbox;
  readonly config: ContainerConfig;
  readonly imageId: string;
  readonly behavior: FakeBehavior;
  readonly env: Readonly<Record<string, string>>;
  readonly createdAt: number;
  readonly logPath: string;
  /** Its first process, once it was started. */
  main: FakeProcess | undefined;
  startedAt: number | undefined;
  end: (ProcessEnd & { readonly at: number; readonly message?: string }) | undefined;
  readonly #clock: Clock;
  readonly #files: MemoryFiles;
  readonly #listeners = new Set<ProcessStreams>();
  readonly #waiting = new Set<() => void>();
  #partial: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' };

  constructor(options: {
    id: string;
    sandbox: FakeSandbox;
    config: ContainerConfig;
    imageId: string;
    behavior: FakeBehavior;
    env: Readonly<Record<string, string>>;
    clock: Clock;
    files: MemoryFiles;
  }) {
    this.id = options.id;
    this.sandbox = options.sandbox;
    this.config = options.config;
    this.imageId = options.imageId;
    this.behavior = options.behavior;
    this.env = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOSTNAME: options.sandbox.config.hostname,
      ...options.env,
    };
    this.#clock = options.clock;
    this.#files = options.files;
    this.createdAt = options.clock.now();
    this.logPath = `${options.sandbox.config.logDirectory}/${options.config.logPath}`;
  }

  get state(): ContainerStatus['state'] {
    if (this.end) return 'exited';
    return this.main ? 'running' : 'created';
  }

  status(): ContainerStatus {
    const { config, end } = this;
    return {
      id: this.id,
      sandboxId: this.sandbox.id,
      metadata: config.metadata,
      state: this.state,
      createdAt: this.createdAt,
      ...(this.startedAt === undefined ? {} : { startedAt: this.startedAt }),
      ...(end ? { finishedAt: end.at, exitCode: end.exitCode, reason: end.reason } : {}),
      ...(end?.message === undefined ? {} : { message: end.message }),
      image: config.imageReference,
      imageId: this.imageId,
      labels: config.labels ?? {},
      annotations: config.annotations ?? {},
      mounts: config.mounts,
      logPath: this.logPath,
    };
  }

  finish(end: ProcessEnd & { readonly message?: string }): void {
    this.end = { ...end, at: this.#clock.now() };
    for (const stream of ['stdout', 'stderr'] as const) if (this.#partial[stream] !== '') this.print(stream, '\n');
    const { terminationMessage } = this.behavior;
    const log = this.config.mounts.find((mount) => mount.containerPath.endsWith('termination-log'));
    if (terminationMessage !== undefined && log) this.#files.writeFile(log.hostPath, encoder.encode(terminationMessage));
    for (const ended of this.#waiting) ended();
    this.#waiting.clear();
  }

  /** Calls `ended` once the container has ended (at once, if it has), unless the returned function is called before. */
  onEnd(ended: () => void): () => void {
    if (this.end) ended();
    else this.#waiting.add(ended);
    return () => this.#waiting.delete(ended);
  }

  /** Resolves when the container has ended. */
  whenEnded(): Promise<void> {
    return new Promise((resolve) => this.onEnd(resolve));
  }

  /** Calls `listener` with what the process prints from now on. */
  listen(listener: ProcessStreams): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** To the log, line by line in CRI's format, and to those attached. */
  print(stream: 'stdout' | 'stderr', text: string): void {
    const bytes = encoder.encode(text);
    for (const listener of this.#listeners) void listener[stream]?.(bytes);
    const lines = (this.#partial[stream] + text).split('\n');
    this.#partial[stream] = lines.pop() as string;
    if (lines.length === 0) return;
    const time = `${new Date(this.#clock.now()).toISOString().slice(0, 23)}000000Z`;
    this.#files.appendFile(this.logPath, encoder.encode(lines.map((line) => `${time} ${stream} F ${line}\n`).join('')));
  }

  /** The system that a command inside sees. */
  system(io: Pick<ShellSystem, 'stdout' | 'stderr' | 'stdin' | 'tty'>): Omit<ShellSystem, 'sleep'> {
    return {
      ...io,
      env: this.env,
      hostname: this.sandbox.config.hostname,
      now: () => this.#clock.now(),
      readFile: (path) => {
        const real = this.#hostPath(path);
        return this.#files.stat(real)?.kind === 'file' ? this.#files.readFile(real) : undefined;
      },
      writeFile: (path, data, append) => {
        const real = this.#hostPath(path);
        if (append) this.#files.appendFile(real, data);
        else this.#files.writeFile(real, data);
      },
      removeFile: (path) => this.#files.remove(this.#hostPath(path)),
      list: (path) => this.#files.list(this.#hostPath(path)),
    };
  }

  /** Inside a mount: the host's path; else a path in a layer of the container's own. */
  #hostPath(path: string): string {
    const inside = (mount: Mount): boolean => path === mount.containerPath || path.startsWith(`${mount.containerPath.replace(/\/$/, '')}/`);
    const [mount] = this.config.mounts.filter(inside).sort((a, b) => b.containerPath.length - a.containerPath.length);
    if (mount) return mount.hostPath + path.slice(mount.containerPath.replace(/\/$/, '').length);
    const layer = `${this.layer}${path.startsWith('/') ? '' : '/'}${path}`;
    this.#files.makeDirectory(layer.slice(0, layer.lastIndexOf('/')));
    return layer;
  }

  /** Where files outside the mounts are kept. */
  get layer(): string {
    return `/run/fake/layers/${this.id}`;
  }
}
