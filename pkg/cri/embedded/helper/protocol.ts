import type { RuntimeErrorCode } from '../../cri.ts';
import type { Bundle, BundleOptions } from '../bundle-options.ts';

/**
 * The calls that the runtime helper answers, and the events it tells of its own accord. The helper knows processes,
 * their streams and namespaces; it does not know pods, images or networks.
 */
export interface HelperCalls {
  /** Makes the namespaces of a sandbox and holds them until `releaseNamespaces`, without a process. */
  createNamespaces: { params: NamespacesParams; result: NamespacePaths };
  /** A process that is PID 1 of a pod whose containers share their processes. Its end is told as an event. */
  startPause: { params: { readonly sandbox: string; readonly argv: readonly string[] }; result: { readonly pidNamespace: string } };
  releaseNamespaces: { params: { readonly sandbox: string }; result: null };

  /** Puts everything of a container on disk (bundle.ts). */
  prepare: { params: BundleOptions; result: Bundle };
  /** Starts a container's process; answers once it runs the wanted program. */
  start: { params: StartParams; result: StartResult };
  /** Signals the container's first process. */
  signal: { params: { readonly id: string; readonly signal: number }; result: boolean };
  /** Kills everything in the container. Its end is told as an event. */
  kill: { params: { readonly id: string }; result: boolean };
  /** Streams until the container ends. */
  attach: { params: { readonly id: string; readonly stdin: boolean; readonly closeStdin: boolean }; result: null };
  /** Forgets an ended container. */
  forget: { params: { readonly id: string }; result: null };

  /** Streams until the command ends; answers with its exit code. */
  exec: { params: ExecParams; result: ExecAnswer };
  /** Joins the call's stdin and stdout with a TCP connection to 127.0.0.1 in a network namespace. */
  forward: { params: { readonly netns: string; readonly port: number }; result: null };
  /** Runs a program to its end, outside of any container. */
  run: { params: RunParams; result: RunAnswer };
}

export interface NamespacesParams {
  readonly sandbox: string;
  readonly net: boolean;
  /** Nobody else will bring the loopback up. */
  readonly loopback: boolean;
  readonly ipc: boolean;
  readonly hostname: string;
  readonly sysctls: Readonly<Record<string, string>>;
}
/** Paths for nsenter; absent: the machine's own. */
export interface NamespacePaths {
  readonly net?: string;
  readonly ipc?: string;
  readonly uts: string;
}
export interface StartParams {
  readonly id: string;
  /** Runs the start script, which reports on stdout and then becomes the container's program. */
  readonly argv: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly logPath: string;
  /** `cgroup.procs` files that hold the container's processes, to kill what outlives its first process. */
  readonly procs: readonly string[];
  /** Programs that come before the container's own: until another one runs, it has not started. */
  readonly launchers: readonly string[];
}
export interface StartResult {
  readonly pid: number;
  readonly startedAt: number;
  readonly identity: Identity;
}
/** Whom a container runs as, resolved inside it. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly home: string;
}
export interface ExecParams {
  readonly container: string;
  readonly argv: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  /** Milliseconds; 0: no limit. */
  readonly timeout: number;
}
export interface ExecAnswer {
  readonly exitCode: number;
  readonly timedOut: boolean;
  /** The command could not be run at all, and why. */
  readonly startError?: string;
}
export interface RunParams {
  readonly argv: readonly string[];
  readonly stdin?: string;
  readonly timeout?: number;
}
export interface RunAnswer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type HelperEvent =
  | { readonly type: 'exited'; readonly id: string; readonly exitCode: number; readonly at: number; readonly startError?: string }
  | { readonly type: 'pauseExited'; readonly sandbox: string; readonly at: number }
  | { readonly type: 'log'; readonly level: 'warn' | 'error'; readonly message: string };

/** A RuntimeError on its way; other errors are `Internal`. */
export interface Failure {
  readonly code: RuntimeErrorCode;
  readonly message: string;
}
