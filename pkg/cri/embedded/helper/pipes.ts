import { execFile } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, rmSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** One end for us, the other for a process, to be closed here once the process has it. */
export interface Pipe {
  readonly socket: Socket;
  readonly fd: number;
}

const batch = 32;

/**
 * Real pipes. Node.js gives its children sockets, which a program cannot open again as /dev/stdout; these are FIFOs,
 * made many at a time, opened on both sides, and unlinked at once.
 */
export class Pipes {
  readonly #folder: string;
  #free: string[] = [];
  #made = 0;
  #making: Promise<void> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** The process writes, we read. */
  async output(): Promise<Pipe> {
    const path = await this.#take();
    // Without O_NONBLOCK an open for reading would wait for a writer, and the other way round.
    const ours = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const fd = openSync(path, constants.O_WRONLY);
    unlinkSync(path);
    return { fd, socket: new Socket({ fd: ours, readable: true, writable: false }) };
  }

  /** We write, the process reads. */
  async input(): Promise<Pipe> {
    const path = await this.#take();
    // Read and write: the one open that never waits, so that the process's own end can be a blocking one.
    const both = openSync(path, constants.O_RDWR);
    const fd = openSync(path, constants.O_RDONLY);
    const ours = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    closeSync(both);
    unlinkSync(path);
    return { fd, socket: new Socket({ fd: ours, readable: false, writable: true }) };
  }

  async #take(): Promise<string> {
    for (;;) {
      const path = this.#free.pop();
      if (path !== undefined) return path;
      this.#making ??= this.#make().finally(() => {
        this.#making = undefined;
      });
      await this.#making;
    }
  }

  async #make(): Promise<void> {
    const paths = Array.from({ length: batch }, (_, at) => join(this.#folder, String(this.#made + at)));
    this.#made += batch;
    await promisify(execFile)('mkfifo', ['-m', '600', ...paths]);
    this.#free.push(...paths);
  }
}
