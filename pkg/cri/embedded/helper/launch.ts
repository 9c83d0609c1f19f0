import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { exitCodeOf } from './exit-code.ts';
import { lanes } from './frames.ts';
import { killGroup, type LaunchedProcess, type LaunchOptions, launcherEnvironment } from './launched-process.ts';
import type { Pipe, Pipes } from './pipes.ts';
import { spawnTerminal } from './terminal.ts';

/** Some output may still be on its way when a process ends, or be held open by a child it left behind: wait this long. */
const drainMs = 300;

/** Rejects when the program cannot be started at all. */
export async function launch(options: LaunchOptions, pipes: Pipes): Promise<LaunchedProcess> {
  return options.tty ? spawnTerminal(options) : spawnPipes(options, pipes);
}

async function spawnPipes(options: LaunchOptions, pipes: Pipes): Promise<LaunchedProcess> {
  const [file, ...args] = options.argv as [string, ...string[]];
  const input: Pipe | undefined = options.stdin ? await pipes.input() : undefined;
  const output = await pipes.output();
  const errors = await pipes.output();
  const child = spawn(file, args, { stdio: [input?.fd ?? 'ignore', output.fd, errors.fd], env: launcherEnvironment, detached: true });
  for (const pipe of [input, output, errors]) if (pipe) closeSync(pipe.fd);
  const stdin = input?.socket;
  // A process that closes its stdin early is no error of ours.
  stdin?.on('error', () => stdin.destroy());
  const sockets = [output.socket, errors.socket];
  for (const socket of sockets) socket.on('error', () => socket.destroy());
  const read = Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()))));
  const exited = new Promise<number>((resolve) => child.once('exit', (code, signal) => resolve(exitCodeOf(code, signal))));
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => {
      for (const socket of [...sockets, stdin]) socket?.destroy();
      reject(error);
    });
  });
  return {
    pid: child.pid as number,
    exited,
    ended: exited.then(async (exitCode) => {
      const late = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, drainMs);
      await read;
      clearTimeout(late);
      stdin?.destroy();
      return exitCode;
    }),
    onOutput: (sink) => {
      output.socket.on('data', (chunk: Buffer) => sink(lanes.stdout, chunk));
      errors.socket.on('data', (chunk: Buffer) => sink(lanes.stderr, chunk));
    },
    pause: () => {
      for (const socket of sockets) socket.pause();
    },
    resume: () => {
      for (const socket of sockets) socket.resume();
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
      if (child.exitCode === null && child.signalCode === null) killGroup(child.pid as number);
    },
  };
}
