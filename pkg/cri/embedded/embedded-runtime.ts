import {
  type ContainerConfig,
  type ContainerEvent,
  type ContainerFilter,
  type ContainerStats,
  type ContainerStatus,
  type DuplexStream,
  type ExecResult,
  type Image,
  type ImageService,
  type LinuxResources,
  type PodSandboxConfig,
  type PodSandboxStatus,
  type ProcessStreams,
  RuntimeError,
  type RuntimeService,
  type RuntimeStatus,
  type RuntimeVersion,
  type SandboxFilter,
} from '../cri.ts';
import { Container } from './container.ts';
import { EventHub } from './event-hub.ts';
import { lanes } from './helper/frames.ts';
import type { HelperEvent } from './helper/protocol.ts';
import type { PodNetwork, RuntimeHost } from './runtime-host.ts';
import { Sandbox } from './sandbox.ts';
import { pumpIn, pumpSizes } from './streams.ts';

/** What is kept of an execSync's output, as containerd has it: a probe may print without end. */
const execSyncLimit = 16 * 1024 * 1024;

/**
 * Containers of one node without a daemon: util-linux makes the namespaces, the kernel's overlayfs the roots, its
 * control groups the limits. State is kept in this object and in the helper's processes; both end together, so that
 * what is listed is what runs.
 */
export class EmbeddedRuntime implements RuntimeService, ImageService {
  readonly node: string;
  readonly #host: RuntimeHost;
  readonly #network: PodNetwork | undefined;
  readonly #onClosed: () => void;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #containers = new Map<string, Container>();
  readonly #events = new EventHub();
  readonly #making = new Map<Promise<unknown>, Sandbox>();
  #closed = false;

  constructor(host: RuntimeHost, node: string, network: PodNetwork | undefined, onClosed: () => void) {
    this.#host = host;
    this.node = node;
    this.#network = network;
    this.#onClosed = onClosed;
  }

  async version(): Promise<RuntimeVersion> {
    return { name: 'embedded', version: '0.1.0' };
  }
  async status(): Promise<RuntimeStatus> {
    const runtimeReady = this.#host.helper.alive;
    return { runtimeReady, networkReady: true, ...(runtimeReady ? {} : { message: 'the runtime helper is not running' }) };
  }

  async runPodSandbox(config: PodSandboxConfig): Promise<string> {
    this.#checkOpen();
    const sandbox = new Sandbox(this.#host, this.node, this.#network, config);
    await this.#tracked(sandbox, sandbox.setUp());
    this.#sandboxes.set(sandbox.id, sandbox);
    this.#publishSandbox('created', sandbox);
    this.#publishSandbox('started', sandbox);
    return sandbox.id;
  }
  async stopPodSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) return;
    const wasReady = sandbox.status().state === 'ready';
    sandbox.lost();
    await Promise.all(this.#containersOf(id).map((container) => container.kill()));
    await sandbox.stop();
    if (wasReady) this.#publishSandbox('stopped', sandbox);
  }
  async removePodSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) return;
    await this.stopPodSandbox(id);
    await Promise.all(this.#containersOf(id).map((container) => this.removeContainer(container.id)));
    await sandbox.remove();
    // A second call may have come in between.
    if (this.#sandboxes.delete(id)) this.#publishSandbox('deleted', sandbox);
  }
  async podSandboxStatus(id: string): Promise<PodSandboxStatus> {
    return this.#sandbox(id).status();
  }
  async listPodSandboxes(filter: SandboxFilter = {}): Promise<readonly PodSandboxStatus[]> {
    return [...this.#sandboxes.values()]
      .map((sandbox) => sandbox.status())
      .filter(
        (status) =>
          (filter.id === undefined || status.id === filter.id) &&
          (filter.state === undefined || status.state === filter.state) &&
          hasLabels(status.labels, filter.labels),
      );
  }

  async createContainer(sandboxId: string, config: ContainerConfig): Promise<string> {
    const sandbox = this.#sandbox(sandboxId);
    if (sandbox.status().state !== 'ready') throw new RuntimeError('NotRunning', `sandbox ${sandboxId} is not ready`);
    const making = Container.create(this.#host, sandbox, config, (type) => this.#publish(type, container));
    const container = await this.#tracked(sandbox, making);
    this.#containers.set(container.id, container);
    this.#publish('created', container);
    if (sandbox.status().state !== 'ready') {
      await this.removeContainer(container.id);
      throw new RuntimeError('NotRunning', `sandbox ${sandboxId} was stopped meanwhile`);
    }
    return container.id;
  }
  async startContainer(id: string): Promise<void> {
    await this.#container(id).start();
  }
  async stopContainer(id: string, graceSeconds: number): Promise<void> {
    await this.#containers.get(id)?.stop(graceSeconds);
  }
  async removeContainer(id: string): Promise<void> {
    const container = this.#containers.get(id);
    if (!container) return;
    await container.remove();
    // A second call may have come in between.
    if (this.#containers.delete(id)) this.#publish('deleted', container);
  }
  async containerStatus(id: string): Promise<ContainerStatus> {
    return this.#container(id).status();
  }
  async listContainers(filter: ContainerFilter = {}): Promise<readonly ContainerStatus[]> {
    return [...this.#containers.values()]
      .map((container) => container.status())
      .filter(
        (status) =>
          (filter.id === undefined || status.id === filter.id) &&
          (filter.sandboxId === undefined || status.sandboxId === filter.sandboxId) &&
          (filter.state === undefined || status.state === filter.state) &&
          hasLabels(status.labels, filter.labels),
      );
  }
  async updateContainerResources(id: string, resources: LinuxResources): Promise<void> {
    this.#container(id).update(resources);
  }

  async execSync(id: string, command: readonly string[], timeoutSeconds: number): Promise<ExecResult> {
    const stdout: Uint8Array[] = [];
    const stderr: Uint8Array[] = [];
    const container = this.#container(id);
    let kept = 0;
    const call = container.exec(command, { tty: false, stdin: false, timeoutMs: timeoutSeconds * 1000 }, (lane, data) => {
      if (!data || kept > execSyncLimit) return;
      kept += data.length;
      (lane === lanes.stderr ? stderr : stdout).push(data);
    });
    const answer = await call.result;
    if (answer.timedOut)
      throw new RuntimeError('DeadlineExceeded', `command ${JSON.stringify(command)} timed out after ${timeoutSeconds} s`);
    if (answer.startError !== undefined) throw new RuntimeError('StartFailed', answer.startError);
    return { exitCode: answer.exitCode, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
  }

  async exec(id: string, command: readonly string[], streams: ProcessStreams): Promise<number> {
    streams.signal.throwIfAborted();
    const container = this.#container(id);
    const call = container.exec(command, { tty: streams.tty, stdin: streams.stdin !== undefined, timeoutMs: 0 }, (lane, data) =>
      data ? (lane === lanes.stderr ? streams.stderr?.(data) : streams.stdout?.(data)) : undefined,
    );
    const answer = await this.#streaming(call, streams);
    if (answer === undefined) throw streams.signal.reason;
    if (answer.startError !== undefined) throw new RuntimeError('StartFailed', answer.startError);
    return answer.exitCode;
  }

  async attach(id: string, streams: ProcessStreams): Promise<void> {
    if (streams.signal.aborted) return;
    const call = this.#container(id).attach(streams.stdin !== undefined, (lane, data) =>
      data ? (lane === lanes.stderr ? streams.stderr?.(data) : streams.stdout?.(data)) : undefined,
    );
    await this.#streaming(call, streams);
  }

  async portForward(sandboxId: string, port: number, stream: DuplexStream): Promise<void> {
    const netns = this.#sandbox(sandboxId).netns;
    if (netns === undefined) throw new RuntimeError('NotRunning', `sandbox ${sandboxId} is not ready`);
    const call = this.#host.helper.open('forward', { netns, port }, (lane, data) => {
      if (lane === lanes.stdout) return data ? stream.write(data) : stream.end();
    });
    const abort = new AbortController();
    void pumpIn(stream.readable, call.flow, abort.signal).catch(() => call.cancel());
    try {
      await call.result;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `failed to connect to localhost:${port} inside namespace "${sandboxId}": ${why}`;
      const error = new RuntimeError('NetworkFailed', message, { cause });
      stream.abort(error);
      throw error;
    } finally {
      abort.abort();
    }
  }

  async containerStats(id: string): Promise<ContainerStats> {
    return this.#container(id).stats();
  }
  events(signal: AbortSignal): AsyncIterable<readonly ContainerEvent[]> {
    return this.#events.subscribe(signal);
  }

  listImages(): Promise<readonly Image[]> {
    return this.#host.images.listImages();
  }
  imageStatus(reference: string): Promise<Image | undefined> {
    return this.#host.images.imageStatus(reference);
  }
  pullImage(reference: string): Promise<string> {
    return this.#host.images.pullImage(reference);
  }
  removeImage(reference: string): Promise<void> {
    return this.#host.images.removeImage(reference);
  }
  imageFsInfo(): ReturnType<ImageService['imageFsInfo']> {
    return this.#host.images.imageFsInfo();
  }

  /** Ends and forgets everything of the node at once, as a power cut would. The runtime goes on, empty. */
  async reset(): Promise<void> {
    await Promise.allSettled(this.#making.keys());
    await Promise.all([...this.#sandboxes.keys()].map((id) => this.removePodSandbox(id)));
    await this.#host.cgroups.remove(`${this.#host.prefix}/${this.node}`);
  }
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.reset();
    this.#onClosed();
  }

  /** True when the event was about something of this node. */
  onHelperEvent(event: Exclude<HelperEvent, { type: 'log' }>): boolean {
    if (event.type === 'pauseExited') {
      const sandbox = this.#sandboxes.get(event.sandbox) ?? [...this.#making.values()].find(({ id }) => id === event.sandbox);
      if (sandbox?.status().state === 'ready') this.#publishSandbox('stopped', sandbox);
      sandbox?.lost();
      return sandbox !== undefined;
    }
    const container = this.#containers.get(event.id);
    container?.onExit(event.exitCode, event.at);
    return container !== undefined;
  }
  onHelperGone(): void {
    for (const sandbox of [...this.#sandboxes.values(), ...this.#making.values()]) sandbox.lost();
    for (const container of this.#containers.values()) container.onLost();
  }

  /** Feeds a call from the streams until it ends (its result) or they abort (undefined). */
  async #streaming<T>(
    call: { result: Promise<T>; flow: Parameters<typeof pumpIn>[1]; cancel(): void },
    streams: ProcessStreams,
  ): Promise<T | undefined> {
    const over = new AbortController();
    const ended = AbortSignal.any([over.signal, streams.signal]);
    if (streams.stdin) void pumpIn(streams.stdin, call.flow, ended).catch(() => call.cancel());
    if (streams.resize) void pumpSizes(streams.resize, call.flow, ended).catch(() => {});
    const aborted = new Promise<undefined>((resolve) => {
      streams.signal.addEventListener(
        'abort',
        () => {
          call.cancel();
          resolve(undefined);
        },
        { once: true, signal: over.signal },
      );
    });
    try {
      // After an abort nobody waits for the answer any more, and a failure of the call is no news.
      call.result.catch(() => {});
      return await Promise.race([call.result, aborted]);
    } finally {
      over.abort();
    }
  }

  #publish(type: 'created' | 'started' | 'stopped' | 'deleted', container: Container): void {
    this.#events.publish({
      type,
      containerId: container.id,
      sandboxId: container.sandbox.id,
      podUid: container.sandbox.config.metadata.uid,
      at: this.#host.clock.now(),
    });
  }
  /** A sandbox is an object of the runtime's as well: as in CRI, its events carry its id in place of a container's. */
  #publishSandbox(type: 'created' | 'started' | 'stopped' | 'deleted', { id, config }: Sandbox): void {
    this.#events.publish({ type, containerId: id, sandboxId: id, podUid: config.metadata.uid, at: this.#host.clock.now() });
  }
  /** Notes what is being made, so that an end of the node waits for it. */
  async #tracked<T>(sandbox: Sandbox, making: Promise<T>): Promise<T> {
    this.#making.set(making, sandbox);
    try {
      return await making;
    } finally {
      this.#making.delete(making);
    }
  }
  #checkOpen(): void {
    if (this.#closed) throw new RuntimeError('Unavailable', `the runtime of node ${this.node} is closed`);
  }
  #containersOf(sandboxId: string): Container[] {
    return [...this.#containers.values()].filter((container) => container.sandbox.id === sandboxId);
  }
  #sandbox(id: string): Sandbox {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) throw new RuntimeError('NotFound', `sandbox ${id} is not there`);
    return sandbox;
  }
  #container(id: string): Container {
    const container = this.#containers.get(id);
    if (!container) throw new RuntimeError('NotFound', `container ${id} is not there`);
    return container;
  }
}

function hasLabels(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
