import type { ByteStream } from '../api/http.ts';

/**
 * The container runtime port, shaped like the Container Runtime Interface (kubernetes/cri-api, runtime.v1): pod
 * sandboxes that hold a pod's shared namespaces, and containers inside them. The kubelet knows only this; adapters
 * behind it are the embedded runtime (Linux, no daemon), the fake one (phases follow data), and daemons that speak
 * CRI or the Docker Engine API.
 *
 * Contract:
 *  - ids are the runtime's to choose, unique for as long as the object can be listed;
 *  - stop and remove are idempotent: stopping what is stopped or removing what is gone succeeds;
 *  - `runPodSandbox` returns once the sandbox has its network; `startContainer` once the process runs;
 *  - a stopped container keeps its status (exit code, times, reason) until it is removed;
 *  - after a restart of the kubelet or the runtime, list* show what is really there;
 *  - unknown ids throw RuntimeError `NotFound`.
 * Units: bytes, milliseconds since the epoch for times, seconds where a name says so.
 */
export interface RuntimeService {
  version(): Promise<RuntimeVersion>;
  status(): Promise<RuntimeStatus>;

  runPodSandbox(config: PodSandboxConfig): Promise<string>;
  /** Stops every process of the sandbox and gives its addresses back. */
  stopPodSandbox(id: string): Promise<void>;
  /** Also removes the containers in it. */
  removePodSandbox(id: string): Promise<void>;
  podSandboxStatus(id: string): Promise<PodSandboxStatus>;
  listPodSandboxes(filter?: SandboxFilter): Promise<readonly PodSandboxStatus[]>;

  createContainer(sandboxId: string, config: ContainerConfig): Promise<string>;
  /** Throws RuntimeError `StartFailed` with a message for people when the command is not there or may not run. */
  startContainer(id: string): Promise<void>;
  /** Sends the stop signal (default SIGTERM), waits up to `graceSeconds`, then kills. Resolves when it has ended. */
  stopContainer(id: string, graceSeconds: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  containerStatus(id: string): Promise<ContainerStatus>;
  listContainers(filter?: ContainerFilter): Promise<readonly ContainerStatus[]>;
  updateContainerResources(id: string, resources: LinuxResources): Promise<void>;

  /** Runs to its end; a command still running after `timeoutSeconds` (0: no limit) is killed and throws `DeadlineExceeded`. */
  execSync(id: string, command: readonly string[], timeoutSeconds: number): Promise<ExecResult>;
  /** Resolves with the exit code. Aborting the signal kills the command. */
  exec(id: string, command: readonly string[], streams: ProcessStreams): Promise<number>;
  /** Resolves when the container ends or the signal aborts. */
  attach(id: string, streams: ProcessStreams): Promise<void>;
  /** Joins `stream` with a TCP connection to 127.0.0.1:`port` inside the sandbox, until either side ends. */
  portForward(sandboxId: string, port: number, stream: DuplexStream): Promise<void>;

  containerStats(id: string): Promise<ContainerStats>;
  /** CRI's GetContainerEvents: one per change of state, while the signal is not aborted. Bounded; a reader that
   *  falls behind gets one event of type `relist` instead of those that were dropped. */
  events(signal: AbortSignal): AsyncIterable<readonly ContainerEvent[]>;
}

/** Images, separate from running them as in CRI. A reference is what a pod names: `gokube/host`, `nginx:1.27`. */
export interface ImageService {
  listImages(): Promise<readonly Image[]>;
  imageStatus(reference: string): Promise<Image | undefined>;
  /** Throws RuntimeError `ImageNotFound`, `ImagePullFailed` or `InvalidImageName`. */
  pullImage(reference: string, auth?: RegistryAuth): Promise<string>;
  /** Idempotent. */
  removeImage(reference: string): Promise<void>;
  imageFsInfo(): Promise<{ readonly usedBytes: number; readonly capacityBytes: number; readonly availableBytes: number }>;
}

export interface RuntimeVersion {
  /** `embedded`, `fake`, `containerd`, ... */
  readonly name: string;
  readonly version: string;
}
export interface RuntimeStatus {
  readonly runtimeReady: boolean;
  readonly networkReady: boolean;
  /** Why not, for the node's Ready condition. */
  readonly message?: string;
}

export type NamespaceMode = 'pod' | 'container' | 'node';

export interface PodSandboxConfig {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string /** Grows when a pod needs a new sandbox. */;
    readonly attempt: number;
  };
  readonly hostname: string;
  /** Directory on the node for this pod's container logs. */
  readonly logDirectory: string;
  readonly dns?: { readonly servers: readonly string[]; readonly searches: readonly string[]; readonly options: readonly string[] };
  readonly portMappings?: readonly PortMapping[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly namespaces?: { readonly network?: NamespaceMode; readonly pid?: NamespaceMode; readonly ipc?: NamespaceMode };
  readonly sysctls?: Readonly<Record<string, string>>;
  /** The pod's cgroup limits: sums over its containers. */
  readonly resources?: LinuxResources;
  readonly runAsUser?: number;
}
export interface PortMapping {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly containerPort: number;
  readonly hostPort: number;
  readonly hostIP?: string;
}

export interface PodSandboxStatus {
  readonly id: string;
  readonly metadata: PodSandboxConfig['metadata'];
  readonly state: 'ready' | 'notready';
  readonly createdAt: number;
  /** First the primary one; empty with the node's network. */
  readonly ips: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Annotation of a container that its pod waits for: an init container. A runtime that really runs things sees for
 * itself when it ends; one that only simulates has to be told that it will.
 */
export const endsAnnotation = 'gokube.dev/ends';

export interface ContainerConfig {
  readonly metadata: { readonly name: string; readonly attempt: number };
  /** An id that `pullImage` or `imageStatus` returned, or a reference that is present. */
  readonly image: string;
  /** What the pod calls the image, for status. */
  readonly imageReference: string;
  /** Replaces the image's entrypoint; absent: the image's own. */
  readonly command?: readonly string[];
  /** Replaces the image's arguments. */
  readonly args?: readonly string[];
  readonly workingDir?: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly mounts: readonly Mount[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Relative to the sandbox's logDirectory: `web/0.log`. Lines are written in the CRI log format. */
  readonly logPath: string;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly stopSignal?: string;
  readonly resources?: LinuxResources;
  readonly security?: ContainerSecurity;
}
export interface Mount {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly readonly: boolean;
  readonly propagation?: 'private' | 'hostToContainer' | 'bidirectional';
}
export interface LinuxResources {
  /** Relative weight, cgroup v1's scale: 2 to 262144. */
  readonly cpuShares?: number;
  /** Microseconds of CPU per `cpuPeriod` (default 100,000); absent: no limit. */
  readonly cpuQuota?: number;
  readonly cpuPeriod?: number;
  readonly memoryLimitBytes?: number;
  readonly pidsLimit?: number;
  /** -1000 to 1000. */
  readonly oomScoreAdj?: number;
}
export interface ContainerSecurity {
  readonly privileged?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
  readonly noNewPrivileges?: boolean;
  readonly runAsUser?: number;
  /** A name from the image's /etc/passwd, when the image says so. */
  readonly runAsUsername?: string;
  readonly runAsGroup?: number;
  readonly supplementalGroups?: readonly number[];
  /** Names without CAP_, or `ALL`. */
  readonly addCapabilities?: readonly string[];
  readonly dropCapabilities?: readonly string[];
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly seccomp?: string;
  /** `container`: a pid namespace of its own; `pod`: shared with the sandbox; `node`: the machine's. */
  readonly pid?: NamespaceMode;
}

export interface ContainerStatus {
  readonly id: string;
  readonly sandboxId: string;
  readonly metadata: ContainerConfig['metadata'];
  readonly state: 'created' | 'running' | 'exited' | 'unknown';
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  /** 128 + n after signal n, as a shell reports it. */
  readonly exitCode?: number;
  /** `Completed`, `Error`, `OOMKilled`, `ContainerCannotRun`, `StartError`. */
  readonly reason?: string;
  readonly message?: string;
  readonly image: string;
  readonly imageId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** Absolute path on the node. */
  readonly logPath: string;
  readonly pid?: number;
}
export interface SandboxFilter {
  readonly id?: string;
  readonly state?: PodSandboxStatus['state'];
  readonly labels?: Readonly<Record<string, string>>;
}
export interface ContainerFilter {
  readonly id?: string;
  readonly sandboxId?: string;
  readonly state?: ContainerStatus['state'];
  readonly labels?: Readonly<Record<string, string>>;
}
export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** A process's streams as seen by whoever talks to it. With a terminal, stderr is silent and stdout carries both. */
export interface ProcessStreams {
  readonly tty: boolean;
  /** Absent: no standard input. Its end closes the process's stdin. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Resolves when more may be written: back pressure. */
  stdout?(chunk: Uint8Array): Promise<void> | void;
  stderr?(chunk: Uint8Array): Promise<void> | void;
  readonly resize?: AsyncIterable<{ readonly width: number; readonly height: number }>;
  readonly signal: AbortSignal;
}
/** Bytes both ways. */
export type DuplexStream = ByteStream;

export interface ContainerStats {
  readonly timestamp: number;
  readonly cpuUsageNanos: number;
  readonly memoryWorkingSetBytes: number;
  readonly pids: number;
}
export type ContainerEvent =
  | {
      readonly type: 'created' | 'started' | 'stopped' | 'deleted';
      readonly containerId: string;
      readonly sandboxId: string;
      readonly podUid: string;
      readonly at: number;
    }
  | { readonly type: 'relist'; readonly at: number };

export interface Image {
  /** `sha256:...` */
  readonly id: string;
  readonly tags: readonly string[];
  readonly digests: readonly string[];
  readonly sizeBytes: number;
  /** The user that the image's configuration names, if any. */
  readonly user?: { readonly uid?: number; readonly name?: string };
}
export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly token?: string;
}

export type RuntimeErrorCode =
  | 'NotFound'
  | 'InvalidArgument'
  | 'ImageNotFound'
  | 'ImagePullFailed'
  | 'InvalidImageName'
  | 'StartFailed'
  | 'DeadlineExceeded'
  | 'NotRunning'
  | 'NetworkFailed'
  | 'Unavailable'
  | 'Internal';

export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
  readonly code: RuntimeErrorCode;
  constructor(code: RuntimeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export function isRuntimeError(error: unknown, code?: RuntimeErrorCode): error is RuntimeError {
  return error instanceof RuntimeError && (code === undefined || error.code === code);
}
