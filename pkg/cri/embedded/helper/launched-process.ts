import type { Lane } from './frames.ts';

/** A process with its streams, whether they are pipes or one terminal. */
export interface LaunchedProcess {
  readonly pid: number;
  /** The exit code (128 + n after signal n) as soon as it is known. */
  readonly exited: Promise<number>;
  /** The same, once its output has been read. */
  readonly ended: Promise<number>;
  onOutput(sink: (lane: Lane, chunk: Buffer) => void): void;
  /** Back pressure on both outputs. */
  pause(): void;
  resume(): void;
  /** Resolves when more may be written; at once when the process no longer reads. */
  write(chunk: Uint8Array): Promise<void>;
  endInput(): void;
  resize(width: number, height: number): void;
  kill(): void;
}

export interface LaunchOptions {
  readonly argv: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
}

/**
 * What launchers see of the environment; a container's own is set as the last step before its program. From 2.39 on,
 * libmount would hand overlayfs its options one by one, and the kernel takes no single one above 256 bytes: an image
 * of many layers needs the older system call.
 */
export const launcherEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
  TERM: 'xterm',
  LIBMOUNT_FORCE_MOUNT2: 'always',
};

/**
 * SIGKILL to a launcher and to what it has started so far. What it starts sees to it that it ends with its parent, but
 * not from its first moment on: who only killed the launcher could leave a child behind.
 */
export function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
