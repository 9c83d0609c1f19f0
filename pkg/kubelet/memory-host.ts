import type { FakeRuntime } from '../cri/fake/fake-runtime.ts';
import type { MemoryFiles } from '../cri/fake/memory-files.ts';
import type { FileStat, HostFiles, HttpAnswer, HttpGet, KubeletHost, MachineFacts, MachineUsage, ResolvConf } from './kubelet-host.ts';

/** The host of a simulated node: files in memory, shared with its fake runtime, which also answers connections. */
export class MemoryHost implements KubeletHost {
  readonly files: HostFiles;
  readonly #runtime: Pick<FakeRuntime, 'dial'>;
  readonly #facts: MachineFacts;

  constructor(options: {
    readonly runtime: Pick<FakeRuntime, 'dial' | 'files'>;
    readonly node: string;
    readonly facts?: Partial<MachineFacts>;
  }) {
    this.#runtime = options.runtime;
    this.files = asHostFiles(options.runtime.files);
    this.#facts = {
      cpus: 4,
      memoryBytes: 8 * 2 ** 30,
      diskBytes: 100 * 2 ** 30,
      operatingSystem: 'linux',
      architecture: 'amd64',
      osImage: 'Simulated',
      kernelVersion: '6.1.0-simulated',
      machineId: options.node,
      systemUuid: options.node,
      bootId: options.node,
      ...options.facts,
    };
  }

  async machine(): Promise<MachineFacts> {
    return this.#facts;
  }
  async resolvConf(): Promise<ResolvConf> {
    return { servers: ['192.0.2.53'], searches: [], options: [] };
  }
  async hostsFile(): Promise<string> {
    return '127.0.0.1\tlocalhost\n';
  }
  async httpGet({ host, port }: HttpGet): Promise<HttpAnswer> {
    const answer = this.#runtime.dial(host, port);
    if (!answer) throw new Error(`dial tcp ${host}:${port}: connect: connection refused`);
    return answer;
  }
  async tcpConnect({ host, port }: { host: string; port: number }): Promise<void> {
    if (!this.#runtime.dial(host, port)) throw new Error(`dial tcp ${host}:${port}: connect: connection refused`);
  }
  async grpcHealth({ host, port }: { host: string; port: number }): Promise<string> {
    const answer = this.#runtime.dial(host, port);
    if (!answer) throw new Error(`dial tcp ${host}:${port}: connect: connection refused`);
    return answer.status === 200 ? 'SERVING' : 'NOT_SERVING';
  }
  async usage(): Promise<MachineUsage> {
    const { memoryBytes, diskBytes } = this.#facts;
    return { memoryAvailableBytes: memoryBytes * 0.75, diskAvailableBytes: diskBytes * 0.75, diskInodesFree: 1_000_000, cpuUsageNanos: 0 };
  }
}

function asHostFiles(files: MemoryFiles): HostFiles {
  const tmpfs = new Set<string>();
  return {
    async makeDirectory(path, mode) {
      files.makeDirectory(path, mode);
      if (mode !== undefined) files.setMode(path, mode);
    },
    async writeFile(path, data, mode) {
      files.writeFile(path, data, mode);
    },
    async readFile(path, { offset = 0, length = Number.POSITIVE_INFINITY } = {}) {
      const data = files.readFile(path);
      if (!data) return undefined;
      const start = offset < 0 ? Math.max(0, data.length + offset) : offset;
      return data.subarray(start, Math.min(data.length, start + length));
    },
    async stat(path): Promise<FileStat | undefined> {
      return files.stat(path);
    },
    async list(path) {
      return files.list(path);
    },
    async remove(path) {
      files.remove(path);
    },
    async symlink(target, path) {
      files.symlink(target, path);
    },
    async readLink(path) {
      return files.readLink(path);
    },
    async rename(from, to) {
      files.rename(from, to);
    },
    async realPath(path) {
      return files.realPath(path);
    },
    async setGroup() {
      // Memory has no groups.
    },
    async mountTmpfs(path) {
      tmpfs.add(path);
    },
    async unmount(path) {
      tmpfs.delete(path);
    },
    async mountsBelow(path) {
      return [...tmpfs].filter((mount) => mount === path || mount.startsWith(`${path}/`)).sort();
    },
    changes(path, signal) {
      let changed = false;
      let wake: (() => void) | undefined;
      const poke = (): void => {
        changed = true;
        wake?.();
      };
      const stop = files.watch(path, poke);
      signal.addEventListener('abort', poke, { once: true });
      return (async function* () {
        try {
          while (!signal.aborted) {
            if (!changed) await new Promise<void>((resolve) => (wake = resolve));
            changed = false;
            if (!signal.aborted) yield;
          }
        } finally {
          stop();
          signal.removeEventListener('abort', poke);
        }
      })();
    },
  };
}
