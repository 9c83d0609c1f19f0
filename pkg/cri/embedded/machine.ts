import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { release } from 'node:os';
import { join, resolve } from 'node:path';
import type { Clock } from '../../clock/clock.ts';
import { RealClock } from '../../clock/real-clock.ts';
import { type Logger, silentLogger } from '../../log/log.ts';
import { RuntimeError } from '../cri.ts';
import { type Cgroups, detectCgroups } from './cgroups.ts';
import { EmbeddedRuntime } from './embedded-runtime.ts';
import type { HelperEvent, RunAnswer, RunParams } from './helper/protocol.ts';
import { runProgram } from './helper/run-program.ts';
import { HelperClient } from './helper-client.ts';
import { ImageStore } from './images/image-store.ts';
import type { PodNetwork, RuntimeHost } from './runtime-host.ts';
import { sweepMachine } from './sweep.ts';
import { createToolkit, type Toolkit } from './toolkit.ts';

/**
 * What the embedded runtimes of one machine share: the runtime helper, the image store, the control groups, and a
 * folder for all state. One per cluster process; a runtime per node comes from `runtime()`.
 *
 * Reading order of this folder: machine.ts, embedded-runtime.ts, bundle.ts and start-script.ts (how a container is
 * made), helper/ (who starts and watches it), images/, cgroups.ts, sweep.ts, probe.ts.
 *
 * Guarantees: no container outlives this process by more than a second, however it ends; after `close`, or after
 * `start` following a crash, nothing of earlier containers is left on the machine: no process, mount, namespace,
 * control group or folder.
 */
export interface MachineOptions {
  /** The cluster's name; with `directory` it makes the prefix of everything that the machine sees of us. */
  readonly cluster: string;
  /** For the runtime alone. Created if missing. */
  readonly directory: string;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Paths that `gokube/host` must not show, besides homes and the machine's secrets: the cluster's data folder. */
  readonly hide?: readonly string[];
}

export class EmbeddedMachine implements RuntimeHost {
  /** `gokube-default-1a2b3c`: the cgroups' name and the mark in the helper's command line. */
  readonly prefix: string;
  readonly directory: string;
  readonly images: ImageStore;
  readonly cgroups: Cgroups;
  readonly toolkit: Toolkit;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly volatileOverlay: boolean;
  #helper: HelperClient;
  readonly #runtimes = new Map<string, EmbeddedRuntime>();
  #closed = false;

  /** Sweeps what an earlier process of the same cluster left, then starts the helper. */
  static async start(options: MachineOptions): Promise<EmbeddedMachine> {
    const directory = resolve(options.directory);
    const prefix = machinePrefix(options.cluster, directory);
    const cgroups = detectCgroups();
    if (!cgroups)
      throw new RuntimeError('Unavailable', 'no control groups are mounted at /sys/fs/cgroup: mount -t cgroup2 cgroup2 /sys/fs/cgroup');
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o711);
    await sweepMachine({ prefix, directory, cgroups });
    const toolkit = await createToolkit(join(directory, 'toolkit'));
    const logger = options.logger ?? silentLogger;
    const images = await ImageStore.open({ directory, hide: [directory, ...(options.hide ?? [])], logger });
    cgroups.create(prefix);
    return new EmbeddedMachine({ prefix, directory, cgroups, toolkit, logger, images, clock: options.clock ?? new RealClock() });
  }

  /** Removes what a cluster that was killed left, without starting it again. */
  static async sweep(options: Pick<MachineOptions, 'cluster' | 'directory'>): Promise<void> {
    const directory = resolve(options.directory);
    const cgroups = detectCgroups();
    if (cgroups && existsSync(directory)) await sweepMachine({ prefix: machinePrefix(options.cluster, directory), directory, cgroups });
  }

  private constructor(parts: Pick<EmbeddedMachine, 'prefix' | 'directory' | 'cgroups' | 'toolkit' | 'logger' | 'images' | 'clock'>) {
    this.prefix = parts.prefix;
    this.directory = parts.directory;
    this.cgroups = parts.cgroups;
    this.toolkit = parts.toolkit;
    this.logger = parts.logger;
    this.images = parts.images;
    this.clock = parts.clock;
    const [major = 0, minor = 0] = release().split('.').map(Number);
    this.volatileOverlay = major > 5 || (major === 5 && minor >= 10);
    this.#helper = this.#startHelper();
  }

  get helper(): HelperClient {
    return this.#helper;
  }

  /** The runtime of a node. Without a network, pods have namespaces of their own and loopback only. */
  runtime(node: string, network: PodNetwork | undefined): EmbeddedRuntime {
    if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(node)) throw new RuntimeError('InvalidArgument', `"${node}" is no node name`);
    if (this.#runtimes.has(node)) throw new RuntimeError('InvalidArgument', `node ${node} has a runtime already`);
    const runtime = new EmbeddedRuntime(this, node, network, () => this.#runtimes.delete(node));
    this.#runtimes.set(node, runtime);
    return runtime;
  }

  /** Runs a program by way of the helper, which is quicker than from a large process; without one, from this process. */
  run(argv: readonly string[], options: Omit<RunParams, 'argv'> = {}): Promise<RunAnswer> {
    return this.#helper.alive ? this.#helper.call('run', { argv, ...options }) : runProgram({ argv, ...options });
  }

  /** Ends every container and the helper, and removes everything but images. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const closed = await Promise.allSettled([...this.#runtimes.values()].map((runtime) => runtime.close()));
    for (const result of closed)
      if (result.status === 'rejected') this.logger.warn('a node was not closed as it should be', { error: result.reason });
    // With the helper goes what still runs.
    await this.#helper.close();
    await this.cgroups.remove(this.prefix);
    for (const folder of ['nodes', 'pipes']) await rm(join(this.directory, folder), { recursive: true, force: true });
  }

  #startHelper(): HelperClient {
    return new HelperClient({
      mark: this.prefix,
      pipesFolder: join(this.directory, 'pipes'),
      cgroupFolders: this.cgroups.folders(this.prefix).slice(0, 1),
      compileCache: join(this.directory, 'compile-cache'),
      onEvent: (event) => this.#onEvent(event),
      onGone: (error) => this.#onHelperGone(error),
    });
  }

  #onEvent(event: HelperEvent): void {
    if (event.type === 'log') this.logger[event.level](event.message);
    else for (const runtime of this.#runtimes.values()) if (runtime.onHelperEvent(event)) return;
  }

  /** The helper takes all containers with it: say so, and go on with a new one. */
  #onHelperGone(error: Error): void {
    if (this.#closed) return;
    this.logger.error('the runtime helper is gone; all containers ended with it', { error });
    for (const runtime of this.#runtimes.values()) runtime.onHelperGone();
    this.#helper = this.#startHelper();
  }
}

/** Short, stable, and different for two clusters of one name in different folders. */
export function machinePrefix(cluster: string, directory: string): string {
  return `gokube-${cluster}-${createHash('sha256').update(`${cluster}\0${directory}`).digest('hex').slice(0, 6)}`;
}
