import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { RunOptions, RunResult } from '../network.ts';

/** Runs a program to its end. A cluster hands in one that works from a small process, since each spawn costs a large
 *  process milliseconds of standstill. */
export type CommandRunner = (argv: readonly string[], options?: RunOptions) => Promise<RunResult>;

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const defaultTimeoutMs = 10_000;

/** A CommandRunner of its own: exit code 127 for what is not there, 137 for what ran longer than its timeout. */
export const runCommand: CommandRunner = (argv, options = {}) =>
  new Promise((resolve) => {
    const [file, ...args] = argv as [string, ...string[]];
    const child = spawn(file, args, { env: { PATH: path, LC_ALL: 'C' }, stdio: ['pipe', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeout ?? defaultTimeoutMs);
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    // A program need not read its input to the end.
    child.stdin.on('error', () => child.stdin.destroy());
    child.stdin.end(options.stdin ?? '');
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve({ exitCode: 127, stdout: '', stderr: error.message });
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({
        exitCode: code ?? 128 + (signal ? constants.signals[signal] : 0),
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
  });

export function hasCommand(name: string): boolean {
  return path.split(':').some((folder) => existsSync(join(folder, name)));
}

/** The result, or an error that says what was run and what it answered. */
export async function mustRun(run: CommandRunner, argv: readonly string[], options?: RunOptions): Promise<RunResult> {
  const result = await run(argv, options);
  if (result.exitCode === 0) return result;
  const input = options?.stdin ? ` <<< ${JSON.stringify(options.stdin)}` : '';
  throw new Error(`${argv.join(' ')}${input}: ${result.stderr.trim() || `exit code ${result.exitCode}`}`);
}
