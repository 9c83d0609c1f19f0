/**
 * A container runtime without containers: for simulations and browsers. Phases follow data (`behavior.ts`), time is
 * the injected clock's, files are in memory, addresses come from the node's network. Two runs with one seed do the
 * same things in the same order.
 *
 * Reading order: `behavior.ts` (what can be said), `fake-process.ts` (one process), `tiny-shell.ts` (the commands it
 * knows), `fake-container.ts`, `fake-images.ts`, then this file, which is the port.
 *
 * Beside the port, the machine can be hurt: `killContainer` (kill -9 from outside), `powerOff` and `powerOn` (nothing
 * runs afterwards, images and files are kept), and asked what a network client would get: `dial`.
 */
import type { Clock } from '../../clock/clock.ts';
import type { Random } from '../../clock/random.ts';
import type {
  ContainerConfig,
  ContainerEvent,
  ContainerFilter,
  ContainerStats,
  ContainerStatus,
  DuplexStream,
  ExecResult,
  Image,
  ImageService,
  LinuxResources,
  PodSandboxConfig,
  PodSandboxStatus,
  PortMapping,
  ProcessStreams,
  RuntimeService,
  RuntimeStatus,
  RuntimeVersion,
  SandboxFilter,
} from '../cri.ts';
import { endsAnnotation, RuntimeError } from '../cri.ts';
import { behaviorOf, type FakeBehavior } from './behavior.ts';
import { EventFan } from './event-fan.ts';
import { FakeContainer, type FakeSandbox } from './fake-container.ts';
import { answerHttp, type CommandStreams, nothing, runInContainer, writersTo } from './fake-exec.ts';
import { type FakeImage, FakeImages } from './fake-images.ts';
import { FakeProcess } from './fake-process.ts';
import { MemoryFiles } from './memory-files.ts';

/** What gives pods their addresses: a node's network (pkg/network) does. */
export interface PodAddresses {
  /** The node's own, which pods with the node's network share. */
  readonly address: string;
  attachPod(
    sandboxId: string,
    options: { readonly netns: string; readonly portMappings?: readonly PortMapping[] },
  ): Promise<readonly string[]>;
  detachPod(sandboxId: string): Promise<void>;
}

export interface FakeRuntimeOptions {
  readonly clock: Clock;
  /** Source of ids. */
  readonly random: Random;
  readonly network: PodAddresses;
  /** The node's disk; default: a new one. */
  readonly files?: MemoryFiles;
  /** Facts about images, by reference. */
  readonly images?: Readonly<Record<string, FakeImage>>;
  /** What every container does unless something says otherwise. */
  readonly behavior?: FakeBehavior;
  /** Milliseconds that runPodSandbox takes; default 0. */
  readonly sandboxDelay?: number;
}

const encoder = new TextEncoder();
/** Pods of a Job are there to end. https://kubernetes.io/docs/reference/labels-annotations-taints/#batchkubernetesio-job-name */
const jobLabel = 'batch.kubernetes.io/job-name';
/** The image whose program does nothing, for ever: `registry.k8s.io/pause:3.10`. */
const pauseImage = /(^|\/)pause([:@]|$)/;
const sigkill = { exitCode: 137, reason: 'Error' } as const;

export class FakeRuntime implements RuntimeService, ImageService {
  readonly files: MemoryFiles;
  readonly #options: FakeRuntimeOptions;
  readonly #clock: Clock;
  readonly #images: FakeImages;
  readonly #sandboxes = new Map<string, FakeSandbox>();
  readonly #containers = new Map<string, FakeContainer>();
  readonly #events = new EventFan();
  #on = true;

  constructor(options: FakeRuntimeOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.files = options.files ?? new MemoryFiles();
    this.#images = new FakeImages(options.clock, options.images ?? {});
  }

  // What happens to a machine.

  /** As `kill -9` of the container's first process. Does nothing when it does not run. */
  killContainer(id: string, end: { exitCode: number; reason: string } = sigkill): void {
    this.#containers.get(id)?.main?.end(end);
  }

  /** Everything that runs is gone at once, nobody is told, and every call fails until `powerOn`. */
  async powerOff(): Promise<void> {
    this.#on = false;
    this.#images.available = false;
    const containers = [...this.#containers.values()];
    const sandboxes = [...this.#sandboxes.keys()];
    this.#containers.clear();
    this.#sandboxes.clear();
    for (const container of containers) container.main?.end(sigkill);
    for (const id of sandboxes) await this.#options.network.detachPod(id);
  }

  powerOn(): void {
    this.#on = true;
    this.#images.available = true;
  }

  /** What a client that connects to the address and port gets: nothing (refused), or the answer to an HTTP request. */
  dial(address: string, port: number): { readonly status: number; readonly body: string } | undefined {
    for (const sandbox of this.#sandboxes.values()) {
      const here =
        sandbox.config.namespaces?.network === 'node' ? address === this.#options.network.address : sandbox.ips.includes(address);
      const answering = here ? this.#listening(sandbox.id, port) : undefined;
      if (answering) return { status: answering.behavior.httpStatus ?? 200, body: `${sandbox.config.hostname}\n` };
    }
    return undefined;
  }

  // RuntimeService

  async version(): Promise<RuntimeVersion> {
    this.#check();
    return { name: 'fake', version: '1.0.0' };
  }

  async status(): Promise<RuntimeStatus> {
    this.#check();
    return { runtimeReady: true, networkReady: true };
  }

  async runPodSandbox(config: PodSandboxConfig): Promise<string> {
    this.#check();
    const id = this.#newId();
    if (this.#options.sandboxDelay) await this.#clock.sleep(this.#options.sandboxDelay);
    const onNode = config.namespaces?.network === 'node';
    const ips = onNode
      ? []
      : await this.#options.network.attachPod(id, { netns: '', ...(config.portMappings ? { portMappings: config.portMappings } : {}) });
    this.#check();
    this.files.makeDirectory(config.logDirectory);
    const sandbox: FakeSandbox = { id, config, createdAt: this.#clock.now(), state: 'ready', ips };
    this.#sandboxes.set(id, sandbox);
    this.#publish('created', sandbox, id);
    this.#publish('started', sandbox, id);
    return id;
  }

  async stopPodSandbox(id: string): Promise<void> {
    this.#check();
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) return;
    for (const container of this.#inSandbox(id)) container.main?.end(sigkill);
    if (sandbox.state === 'notready') return;
    sandbox.state = 'notready';
    sandbox.ips = [];
    await this.#options.network.detachPod(id);
    this.#publish('stopped', sandbox, id);
  }

  async removePodSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) return this.#check();
    await this.stopPodSandbox(id);
    for (const container of this.#inSandbox(id)) this.#forget(container);
    if (this.#sandboxes.delete(id)) this.#publish('deleted', sandbox, id);
  }

  async podSandboxStatus(id: string): Promise<PodSandboxStatus> {
    this.#check();
    return sandboxStatus(this.#sandbox(id));
  }

  async listPodSandboxes(filter: SandboxFilter = {}): Promise<readonly PodSandboxStatus[]> {
    this.#check();
    return [...this.#sandboxes.values()]
      .map(sandboxStatus)
      .filter(({ id, state, labels }) => (filter.id ?? id) === id && (filter.state ?? state) === state && hasLabels(labels, filter.labels));
  }

  async createContainer(sandboxId: string, config: ContainerConfig): Promise<string> {
    this.#check();
    const sandbox = this.#sandbox(sandboxId);
    if (sandbox.state !== 'ready') throw new RuntimeError('NotRunning', `sandbox "${sandboxId}" is not ready`);
    const image = await this.#images.imageStatus(config.image);
    if (!image) throw new RuntimeError('ImageNotFound', `image "${config.image}" is not present`);
    const facts = this.#images.facts(config.imageReference);
    let behavior: FakeBehavior;
    try {
      behavior = behaviorOf(config.metadata.name, sandbox.config.annotations ?? {}, { ...this.#options.behavior, ...facts.behavior });
    } catch (error) {
      throw new RuntimeError('InvalidArgument', error instanceof Error ? error.message : String(error), { cause: error });
    }
    const container = new FakeContainer({
      id: this.#newId(),
      sandbox,
      config,
      imageId: image.id,
      behavior,
      env: { ...facts.env, ...Object.fromEntries(config.env.map(({ name, value }) => [name, value])) },
      clock: this.#clock,
      files: this.files,
    });
    this.files.makeDirectory(container.logPath.slice(0, container.logPath.lastIndexOf('/')));
    this.files.makeDirectory(container.layer);
    this.#containers.set(container.id, container);
    this.#publish('created', sandbox, container.id);
    return container.id;
  }

  async startContainer(id: string): Promise<void> {
    this.#check();
    const container = this.#container(id);
    if (container.state !== 'created')
      throw new RuntimeError('InvalidArgument', `container "${id}" is in state ${container.state}, not created`);
    const { startDelay, startError } = container.behavior;
    if (startDelay) await this.#clock.sleep(startDelay);
    if (this.#containers.get(id) !== container || container.sandbox.state !== 'ready') {
      throw new RuntimeError('NotRunning', `container "${id}" was removed while it was starting`);
    }
    if (startError !== undefined) {
      container.finish({ exitCode: 128, reason: 'StartError', message: startError });
      this.#publish('stopped', container.sandbox, id);
      throw new RuntimeError('StartFailed', startError);
    }
    const { config } = container;
    const entrypoint = config.command ?? this.#images.facts(config.imageReference).entrypoint ?? [];
    container.main = new FakeProcess({
      clock: this.#clock,
      behavior: container.behavior,
      attempt: config.metadata.attempt,
      command: [...entrypoint, ...(config.args ?? [])],
      ends:
        !pauseImage.test(config.imageReference) &&
        (config.annotations?.[endsAnnotation] === 'true' || container.sandbox.config.labels?.[jobLabel] !== undefined),
      system: container.system({
        stdout: (text) => container.print('stdout', text),
        stderr: (text) => container.print('stderr', text),
        stdin: nothing(),
        tty: false,
      }),
      onEnd: (end) => {
        container.finish(end);
        this.#publish('stopped', container.sandbox, id);
      },
    });
    container.startedAt = this.#clock.now();
    this.#publish('started', container.sandbox, id);
    container.main.start();
  }

  async stopContainer(id: string, graceSeconds: number): Promise<void> {
    this.#check();
    const container = this.#containers.get(id);
    if (!container?.main || container.end) return;
    const { main } = container;
    if (graceSeconds <= 0) {
      main.end(sigkill);
      return;
    }
    // Each call has a deadline of its own: a later, shorter one wins.
    const deadline = this.#clock.setTimer(graceSeconds * 1000, () => main.end(sigkill));
    main.terminate();
    await container.whenEnded();
    deadline.cancel();
  }

  async removeContainer(id: string): Promise<void> {
    this.#check();
    const container = this.#containers.get(id);
    if (!container) return;
    container.main?.end(sigkill);
    this.#forget(container);
  }

  async containerStatus(id: string): Promise<ContainerStatus> {
    this.#check();
    return this.#container(id).status();
  }

  async listContainers(filter: ContainerFilter = {}): Promise<readonly ContainerStatus[]> {
    this.#check();
    const out: ContainerStatus[] = [];
    for (const container of this.#containers.values()) {
      if (
        (filter.id ?? container.id) === container.id &&
        (filter.sandboxId ?? container.sandbox.id) === container.sandbox.id &&
        (filter.state ?? container.state) === container.state &&
        hasLabels(container.config.labels ?? {}, filter.labels)
      ) {
        out.push(container.status());
      }
    }
    return out;
  }

  async updateContainerResources(id: string, _resources: LinuxResources): Promise<void> {
    this.#check();
    this.#container(id);
  }

  async execSync(id: string, command: readonly string[], timeoutSeconds: number): Promise<ExecResult> {
    this.#check();
    const out = { stdout: '', stderr: '' };
    const deadline = new AbortController();
    const timer = timeoutSeconds > 0 ? this.#clock.setTimer(timeoutSeconds * 1000, () => deadline.abort()) : undefined;
    try {
      const io: CommandStreams = {
        tty: false,
        signal: deadline.signal,
        stdout: (text) => {
          out.stdout += text;
        },
        stderr: (text) => {
          out.stderr += text;
        },
      };
      const exitCode = await runInContainer(this.#container(id), command, io, this.#clock);
      return { exitCode, stdout: encoder.encode(out.stdout), stderr: encoder.encode(out.stderr) };
    } catch (error) {
      if (!deadline.signal.aborted) throw error;
      throw new RuntimeError('DeadlineExceeded', `command "${command.join(' ')}" timed out after ${timeoutSeconds}s`);
    } finally {
      timer?.cancel();
    }
  }

  async exec(id: string, command: readonly string[], streams: ProcessStreams): Promise<number> {
    this.#check();
    const io = { ...writersTo(streams), tty: streams.tty, signal: streams.signal, ...(streams.stdin ? { stdin: streams.stdin } : {}) };
    return runInContainer(this.#container(id), command, io, this.#clock);
  }

  async attach(id: string, streams: ProcessStreams): Promise<void> {
    this.#check();
    const container = this.#container(id);
    if (container.state !== 'running') throw new RuntimeError('NotRunning', `container "${id}" is not running`);
    const stop = container.listen(streams);
    await new Promise<void>((resolve) => {
      const forget = container.onEnd(resolve);
      const leave = (): void => {
        forget();
        resolve();
      };
      streams.signal.addEventListener('abort', leave, { once: true });
      if (streams.signal.aborted) leave();
    });
    stop();
  }

  async portForward(sandboxId: string, port: number, stream: DuplexStream): Promise<void> {
    this.#check();
    const sandbox = this.#sandbox(sandboxId);
    const target = this.#listening(sandboxId, port);
    if (!target)
      throw new RuntimeError('NetworkFailed', `failed to connect to localhost:${port} inside namespace "${sandboxId}": connection refused`);
    await answerHttp(stream, target.behavior.httpStatus ?? 200, `${sandbox.config.hostname}\n`);
  }

  async containerStats(id: string): Promise<ContainerStats> {
    this.#check();
    const container = this.#container(id);
    const { cpu = 1, memory = 8 * 2 ** 20 } = container.behavior;
    const now = this.#clock.now();
    const ran = container.startedAt === undefined ? 0 : (container.end?.at ?? now) - container.startedAt;
    const running = container.state === 'running';
    // One millicore for one millisecond is a microsecond of CPU.
    return { timestamp: now, cpuUsageNanos: cpu * ran * 1000, memoryWorkingSetBytes: running ? memory : 0, pids: running ? 1 : 0 };
  }

  events(signal: AbortSignal): AsyncIterable<readonly ContainerEvent[]> {
    return this.#events.read(signal);
  }

  // ImageService

  listImages(): Promise<readonly Image[]> {
    return this.#images.listImages();
  }
  imageStatus(reference: string): Promise<Image | undefined> {
    return this.#images.imageStatus(reference);
  }
  pullImage(reference: string): Promise<string> {
    return this.#images.pullImage(reference);
  }
  removeImage(reference: string): Promise<void> {
    return this.#images.removeImage(reference);
  }
  imageFsInfo(): Promise<{ readonly usedBytes: number; readonly capacityBytes: number; readonly availableBytes: number }> {
    return this.#images.imageFsInfo();
  }

  #listening(sandboxId: string, port: number): FakeContainer | undefined {
    return this.#inSandbox(sandboxId).find(({ main, behavior }) => main?.answers && (behavior.port ?? port) === port);
  }

  #inSandbox(id: string): FakeContainer[] {
    return [...this.#containers.values()].filter((container) => container.sandbox.id === id);
  }

  #forget(container: FakeContainer): void {
    this.#containers.delete(container.id);
    this.files.remove(container.layer);
    this.#publish('deleted', container.sandbox, container.id);
  }

  #container(id: string): FakeContainer {
    const container = this.#containers.get(id);
    if (!container) throw new RuntimeError('NotFound', `container "${id}" not found`);
    return container;
  }

  #sandbox(id: string): FakeSandbox {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) throw new RuntimeError('NotFound', `sandbox "${id}" not found`);
    return sandbox;
  }

  #publish(type: 'created' | 'started' | 'stopped' | 'deleted', sandbox: FakeSandbox, containerId: string): void {
    if (!this.#on) return;
    this.#events.publish({ type, containerId, sandboxId: sandbox.id, podUid: sandbox.config.metadata.uid, at: this.#clock.now() });
  }

  #check(): void {
    if (!this.#on) throw new RuntimeError('Unavailable', 'the machine is off');
  }

  #newId(): string {
    return [...this.#options.random.bytes(32)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }
}

function sandboxStatus({ id, config, state, createdAt, ips }: FakeSandbox): PodSandboxStatus {
  return { id, metadata: config.metadata, state, createdAt, ips, labels: config.labels ?? {}, annotations: config.annotations ?? {} };
}

function hasLabels(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
