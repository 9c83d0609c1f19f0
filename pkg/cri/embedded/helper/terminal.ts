import { spawn } from 'node:child_process';
import type { IPty } from '@lydell/node-pty';
import { exitCodeOf } from './exit-code.ts';
import { lanes } from './frames.ts';
import { killGroup, type LaunchedProcess, type LaunchOptions, launcherEnvironment } from './launched-process.ts';

/**
 * A process on a terminal of its own: by node-pty where its prebuilt library loads, else by util-linux' `script`
 * (then the size is set by `stty` on the device).
 */
export async function spawnTerminal(options: LaunchOptions): Promise<LaunchedProcess> {
  const [file, ...args] = options.argv as [string, ...string[]];
  const pty = await loadPty();
  if (!pty) return spawnScript(options.argv);
  const terminal: IPty = pty.spawn(file, args, { cols: 80, rows: 24, env: launcherEnvironment, encoding: null });
  let ended = false;
  // Told after the last of the output.
  const exited = new Promise<number>((resolve) => {
    terminal.onExit(({ exitCode, signal }) => {
      ended = true;
      resolve(signal ? 128 + signal : exitCode);
    });
  });
  return {
    pid: terminal.pid,
    exited,
    ended: exited,
    // With `encoding: null` the data is bytes, whatever the declaration says.
    onOutput: (sink) => void terminal.onData((data) => sink(lanes.stdout, Buffer.from(data as unknown as Uint8Array))),
    pause: () => terminal.pause(),
    resume: () => terminal.resume(),
    // It takes bytes as well as text, whatever the declaration says.
    write: async (chunk) => {
      if (!ended) terminal.write(Buffer.from(chunk) as unknown as string);
    },
    // A terminal has no end of file: its reader sees one when the line discipline reads ^D.
    endInput: () => {
      if (!ended) terminal.write('\x04');
    },
    resize: (width, height) => {
      if (!ended && width > 0 && height > 0) terminal.resize(width, height);
    },
    kill: () => {
      if (!ended) killGroup(terminal.pid);
    },
  };
}

async function loadPty(): Promise<typeof import('@lydell/node-pty') | undefined> {
  try {
    return await import('@lydell/node-pty');
  } catch {
    return undefined; // No prebuilt library for this platform: `script` is there instead.
  }
}

/** The fallback; exported for its test. */
export function spawnScript(argv: readonly string[]): LaunchedProcess {
  const quoted = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const child = spawn('script', ['-qefc', `exec ${quoted}`, '/dev/null'], {
    env: launcherEnvironment,
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  child.stdin.on('error', () => child.stdin.destroy());
  const exited = new Promise<number>((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', (code, signal) => resolve(exitCodeOf(code, signal)));
  });
  return {
    pid: child.pid as number,
    exited,
    ended: exited,
    onOutput: (sink) => void child.stdout.on('data', (chunk: Buffer) => sink(lanes.stdout, chunk)),
    pause: () => child.stdout.pause(),
    resume: () => child.stdout.resume(),
    write: (chunk) => new Promise((resolve) => (child.stdin.destroyed ? resolve() : child.stdin.write(chunk, () => resolve()))),
    endInput: () => void child.stdin.write('\x04'),
    resize: (width, height) => {
      // The terminal is the stdin of the only child that `script` has.
      const find = `read -r child </proc/${child.pid}/task/${child.pid}/children; exec stty -F "/proc/$child/fd/0" cols ${width} rows ${height}`;
      spawn('sh', ['-c', find], { stdio: 'ignore' }).on('error', () => {});
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
