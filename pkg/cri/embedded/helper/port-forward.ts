import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { RuntimeError } from '../../cri.ts';
import type { Call } from './calls.ts';
import { lanes } from './frames.ts';

/**
 * Connections from inside a network namespace. A process cannot be in two of them, so a second one, `dialer`,
 * connects there and hands the open socket over; it stays for a while, because port-forwards come in bursts.
 */
export class PortForwards {
  readonly #dialers = new Map<string, Dialer>();

  async forward(params: { netns: string; port: number }, call: Call): Promise<void> {
    let dialer = this.#dialers.get(params.netns);
    if (!dialer) {
      dialer = new Dialer(params.netns, () => this.#dialers.delete(params.netns));
      this.#dialers.set(params.netns, dialer);
    }
    const socket = await dialer.dial(params.port);
    await join(socket, call);
  }

  killAll(): void {
    for (const dialer of this.#dialers.values()) dialer.kill();
  }
}

const idleMs = 10_000;

class Dialer {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (socket: Socket) => void; reject: (error: Error) => void }>();
  readonly #onGone: () => void;
  #next = 1;
  #idle: NodeJS.Timeout | undefined;

  constructor(netns: string, onGone: () => void) {
    this.#onGone = onGone;
    const entry = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './dialer.ts' : './dialer.js', import.meta.url));
    this.#child = spawn('nsenter', [`--net=${netns}`, process.execPath, '--no-warnings', '--max-old-space-size=32', entry], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#child.on('message', (message: { id: number; error?: string }, socket: unknown) => {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (waiting && socket) waiting.resolve(socket as Socket);
      else waiting?.reject(new RuntimeError('Internal', message.error ?? 'the connection was not handed over'));
      this.#rest();
    });
    this.#child.once('error', (error) => this.#gone(error));
    this.#child.once('exit', () => this.#gone(new Error('the dialer in the sandbox ended')));
  }

  dial(port: number): Promise<Socket> {
    clearTimeout(this.#idle);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, port }, (error) => {
        if (error) this.#gone(error);
      });
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #rest(): void {
    if (this.#waiting.size > 0) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      this.#onGone();
      this.kill();
    }, idleMs);
  }

  #gone(error: Error): void {
    clearTimeout(this.#idle);
    this.#onGone();
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** Both directions until both have ended or either breaks. */
function join(socket: Socket, call: Call): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      socket.destroy();
      resolve();
    };
    call.onData((lane, data) => {
      if (lane !== lanes.stdin) return;
      if (!data) socket.end();
      else if (!socket.destroyed) socket.write(data, () => call.flow.consumed(data.length));
    });
    socket.on('data', (chunk: Buffer) => {
      socket.pause();
      void call.flow.send(lanes.stdout, chunk).then(() => socket.resume());
    });
    socket.once('end', () => call.flow.end(lanes.stdout));
    socket.once('close', finish);
    socket.once('error', finish);
    call.signal.addEventListener('abort', finish, { once: true });
    if (call.signal.aborted) finish();
  });
}
