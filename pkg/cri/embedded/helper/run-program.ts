import { spawn } from 'node:child_process';
import { exitCodeOf } from './exit-code.ts';
import { launcherEnvironment } from './launched-process.ts';
import type { RunAnswer, RunParams } from './protocol.ts';

/** Runs a program to its end and returns what it wrote. One that runs for too long is killed: exit code
 * 137; one that is not there has 127, as in a shell. */
export function runProgram(params: RunParams): Promise<RunAnswer> {
  return new Promise((resolve) => {
    const [file, ...args] = params.argv as [string, ...string[]];
    const child = spawn(file, args, { env: launcherEnvironment, stdio: [params.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const timeout = params.timeout ?? 10_000;
    const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
    child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
    // A program need not read its input to the end.
    child.stdin?.on('error', () => child.stdin?.destroy());
    child.stdin?.end(params.stdin);
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve({ exitCode: 127, stdout: '', stderr: error.message });
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const late = signal === 'SIGKILL' ? `\nkilled after ${timeout} ms` : '';
      resolve({
        exitCode: exitCodeOf(code, signal),
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString() + late,
      });
    });
  });
}
