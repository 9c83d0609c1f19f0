/**
 * The machine that a kubelet runs on, apart from its containers: files, facts about the hardware, and connections to
 * pods. `node/` has the adapter for a real machine, `memory-host.ts` the one for simulations.
 */
export interface KubeletHost {
  readonly files: HostFiles;
  machine(): Promise<MachineFacts>;
  /** What the machine itself resolves names with, and its hosts file: for pods with the node's network or DNS. */
  resolvConf(): Promise<ResolvConf>;
  hostsFile(): Promise<string>;
  /** An HTTP request from the node: probes and lifecycle hooks. Redirects are not followed, certificates not checked. */
  httpGet(request: HttpGet): Promise<HttpAnswer>;
  /** Connects and closes again. Rejects when nothing takes the connection in time. */
  tcpConnect(target: { readonly host: string; readonly port: number; readonly timeoutMs: number }): Promise<void>;
  /** grpc.health.v1's Check: `SERVING`, `NOT_SERVING`, ... Rejects when there is no answer in time. */
  grpcHealth(target: {
    readonly host: string;
    readonly port: number;
    readonly service: string;
    readonly timeoutMs: number;
  }): Promise<string>;
  usage(): Promise<MachineUsage>;
}

/**
 * Files below the kubelet's own directories, pods' volumes and host paths. Absolute paths, `/` between names.
 * Reading what is not there gives undefined; writing into a directory that is not there rejects.
 */
export interface HostFiles {
  /** With those above it. Idempotent; the mode is set also when it is there already. */
  makeDirectory(path: string, mode?: number): Promise<void>;
  writeFile(path: string, data: Uint8Array, mode?: number): Promise<void>;
  /** From `offset` (negative: from the end) up to `length` bytes; by default everything. */
  readFile(path: string, range?: { readonly offset?: number; readonly length?: number }): Promise<Uint8Array | undefined>;
  stat(path: string): Promise<FileStat | undefined>;
  /** Names in ascending order; undefined when there is no such directory. */
  list(path: string): Promise<readonly string[] | undefined>;
  /** The whole tree, without following links out of it. Idempotent. */
  remove(path: string): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  readLink(path: string): Promise<string | undefined>;
  /** Atomic: who opens `to` sees the old or the new. */
  rename(from: string, to: string): Promise<void>;
  /** With every link resolved; undefined when something on the way is missing. */
  realPath(path: string): Promise<string | undefined>;
  /** The whole tree: group `gid`, readable and writable by it, new files inherit it. Where the machine has groups. */
  setGroup(path: string, gid: number): Promise<void>;
  /** Memory as a file system on the directory; `sizeBytes` absent: half of the machine's. Idempotent. */
  mountTmpfs(path: string, sizeBytes?: number): Promise<void>;
  /** Idempotent. */
  unmount(path: string): Promise<void>;
  /** Paths of tmpfs mounts at or below the directory. */
  mountsBelow(path: string): Promise<readonly string[]>;
  /** Yields after the file has changed (or may have), until the signal is aborted. Subscribed from the call on. */
  changes(path: string, signal: AbortSignal): AsyncIterable<void>;
}

export interface FileStat {
  readonly kind: 'file' | 'directory' | 'socket' | 'block' | 'character' | 'other';
  readonly size: number;
  readonly mode: number;
  /** Tells one file from another that has taken its name. Absent: files here are not replaced. */
  readonly identity?: string;
}

export interface MachineFacts {
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Of the file system with the kubelet's directory. */
  readonly diskBytes: number;
  /** `linux`. */
  readonly operatingSystem: string;
  /** Go's name: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly osImage: string;
  readonly kernelVersion: string;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
}

export interface MachineUsage {
  readonly memoryAvailableBytes: number;
  readonly diskAvailableBytes: number;
  readonly diskInodesFree: number;
  /** Since some moment in the past, all processors together. */
  readonly cpuUsageNanos: number;
}

export interface ResolvConf {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface HttpGet {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** With its query. */
  readonly path: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly timeoutMs: number;
}
export interface HttpAnswer {
  readonly status: number;
  /** At most the first 10 KiB. */
  readonly body: string;
}
