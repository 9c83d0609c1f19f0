import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { type Lane, lanes } from './frames.ts';
import { spawnTerminal } from './terminal.ts';

/** A process with its streams, whether they are pipes or one terminal. */
export interface LaunchedProcess {
  readonly pid: number;
  /** The exit code (128 + n after signal n), once the process has ended and its output has been read. */
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

/** What launchers see of the environment; a container's own is set as the last step before its program. */
export const launcherEnvironment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TERM: 'xterm' };

/** Some output may still be on its way when a process ends, or be held open by a child it left behind: wait this long. */
const drainMs = 300;

/** Rejects when the program cannot be started at all. */
export async function launch(options: LaunchOptions): Promise<LaunchedProcess> {
  return options.tty ? spawnTerminal(options) : spawnPipes(options);
}

export function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal ? constants.signals[signal] : 0);
}

async function spawnPipes(options: LaunchOptions): Promise<LaunchedProcess> {
  const [file, ...args] = options.argv as [string, ...string[]];
  const child = spawn(file, args, { stdio: [options.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'], env: launcherEnvironment, detached: true });
  await spawned(child);
  const stdout = child.stdout as Readable;
  const stderr = child.stderr as Readable;
  const stdin = child.stdin;
  // A process that closes its stdin early is no error of ours.
  stdin?.on('error', () => stdin.destroy());
  return {
    pid: child.pid as number,
    ended: new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        const finish = (): void => {
          clearTimeout(timer);
          stdout.destroy();
          stderr.destroy();
          stdin?.destroy();
          resolve(exitCodeOf(code, signal));
        };
        const timer = setTimeout(finish, drainMs);
        child.once('close', finish);
      });
    }),
    onOutput: (sink) => {
      stdout.on('data', (chunk: Buffer) => sink(lanes.stdout, chunk));
      stderr.on('data', (chunk: Buffer) => sink(lanes.stderr, chunk));
    },
    pause: () => {
      stdout.pause();
      stderr.pause();
    },
    resume: () => {
      stdout.resume();
      stderr.resume();
    },
    write: (chunk) =>
      new Promise((resolve) => {
        if (!stdin || stdin.destroyed || stdin.writableEnded) resolve();
        else stdin.write(chunk, () => resolve());
      }),
    endInput: () => {
      stdin?.end();
    },
    resize: () => {},
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}

function spawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
}
