import { type FileHandle, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Lane, lanes } from './frames.ts';

/** Kubernetes' defaults: containerLogMaxSize 10Mi, containerLogMaxFiles 5. */
export interface LogLimits {
  readonly fileBytes: number;
  readonly files: number;
}
export const defaultLogLimits: LogLimits = { fileBytes: 10 * 1024 * 1024, files: 5 };

/** A longer line is written in parts: all but the last are tagged `P`. */
const longestLine = 16 * 1024;
/** Output that may wait for the disk before the container is held back. */
const pendingLimit = 1024 * 1024;

/**
 * A container's log in the CRI format, a line a line:
 *
 *     2026-01-02T03:04:05.678901000Z stdout F Hello
 *
 * Full files are renamed to `NAME.20260102-030405` beside it; the oldest go. A log that cannot be written (full
 * disk, folder gone) never holds the container up: its lines are dropped and the problem is told once.
 */
export class LogWriter {
  readonly #path: string;
  readonly #limits: LogLimits;
  readonly #complain: (message: string) => void;
  #file: FileHandle | undefined;
  #size = 0;
  #partial: Record<number, Buffer> = {};
  #queue: Buffer[] = [];
  #queued = 0;
  /** Invariant: while the queue holds anything, this is true and `#writing` has not resolved. */
  #draining = false;
  #writing: Promise<void> = Promise.resolve();
  #onDrain: (() => void)[] = [];
  #complained = false;

  constructor(path: string, complain: (message: string) => void, limits: LogLimits = defaultLogLimits) {
    this.#path = path;
    this.#limits = limits;
    this.#complain = complain;
  }

  /** Takes output in; false when its producer should wait for `drained`. */
  write(lane: Lane, chunk: Buffer): boolean {
    const prefix = `${logTimestamp()} ${lane === lanes.stderr ? 'stderr' : 'stdout'}`;
    const full = Buffer.from(`${prefix} F `);
    const part = Buffer.from(`${prefix} P `);
    const before = this.#partial[lane];
    const bytes = before && before.length > 0 ? Buffer.concat([before, chunk]) : chunk;
    const out = new Output(bytes.length);
    let at = 0;
    for (;;) {
      const end = bytes.indexOf(10, at);
      const length = (end < 0 ? bytes.length : end) - at;
      if (length > longestLine) {
        out.line(part, bytes, at, at + longestLine);
        at += longestLine;
      } else if (end < 0) break;
      else {
        out.line(full, bytes, at, end);
        at = end + 1;
      }
    }
    // Copied: a slice would keep the whole chunk alive for a few bytes.
    this.#partial[lane] = Buffer.from(bytes.subarray(at));
    if (out.length > 0) this.#enqueue(out.take());
    return this.#queued < pendingLimit;
  }

  drained(): Promise<void> {
    return this.#queued < pendingLimit ? Promise.resolve() : new Promise((resolve) => this.#onDrain.push(resolve));
  }

  /** Writes what is left, the last line without a line feed included. */
  async close(): Promise<void> {
    for (const lane of [lanes.stdout, lanes.stderr]) {
      const rest = this.#partial[lane];
      if (rest && rest.length > 0) this.write(lane, newline);
    }
    while (this.#draining) await this.#writing;
    await this.#file?.close();
    this.#file = undefined;
  }

  /** The file is there from the container's start on, empty or not. */
  async open(): Promise<void> {
    try {
      await this.#reopen();
    } catch (error) {
      this.#failed(error);
    }
  }

  #enqueue(bytes: Buffer): void {
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    if (this.#draining) return;
    this.#draining = true;
    this.#writing = this.#drain();
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const bytes = Buffer.concat(this.#queue);
      this.#queue = [];
      try {
        if (this.#size >= this.#limits.fileBytes) await this.#rotate();
        const file = this.#file ?? (await this.#reopen());
        await file.writeFile(bytes);
        this.#size += bytes.length;
      } catch (error) {
        this.#failed(error);
      }
      this.#queued -= bytes.length;
      const waiting = this.#onDrain;
      this.#onDrain = [];
      for (const resolve of waiting) resolve();
    }
    // In the same step as the look at the queue: what comes from now on finds nobody and starts anew.
    this.#draining = false;
  }

  async #reopen(): Promise<FileHandle> {
    await mkdir(dirname(this.#path), { recursive: true });
    const file = await open(this.#path, 'a', 0o640);
    this.#size = (await file.stat()).size;
    this.#file = file;
    return file;
  }

  async #rotate(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    const stamp = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
    const folder = dirname(this.#path);
    const prefix = `${basename(this.#path)}.`;
    const old = (await readdir(folder)).filter((name) => name.startsWith(prefix)).sort();
    const name = `${prefix}${stamp}`;
    // Twice in one second: a counter keeps the order.
    const last = old.findLast((other) => other.startsWith(name));
    const next = last === undefined ? name : `${name}.${String(Number(last.slice(name.length + 1)) + 1).padStart(3, '0')}`;
    await rename(this.#path, join(folder, next));
    for (const oldest of old.slice(0, Math.max(0, old.length + 2 - this.#limits.files))) await unlink(join(folder, oldest));
  }

  #failed(error: unknown): void {
    if (this.#complained) return;
    this.#complained = true;
    this.#complain(`container log ${this.#path}: ${error instanceof Error ? error.message : String(error)}; its lines are dropped`);
  }
}

const newline = Buffer.from('\n');

/** Lines put together in one buffer that grows: a container that prints short lines writes many of them at once. */
class Output {
  length = 0;
  #bytes: Buffer;

  constructor(expected: number) {
    this.#bytes = Buffer.allocUnsafe(2 * expected + 256);
  }
  line(prefix: Buffer, source: Buffer, from: number, to: number): void {
    const needed = this.length + prefix.length + (to - from) + 1;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(2 * needed);
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    this.length += prefix.copy(this.#bytes, this.length);
    this.length += source.copy(this.#bytes, this.length, from, to);
    this.#bytes[this.length++] = 10;
  }
  take(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }
}

/** The wall clock's microseconds: its milliseconds alone would make many lines of one time. */
let wallOffset = Date.now() - performance.now();

/** RFC 3339 with nanoseconds, the last three of which are always 0. */
function logTimestamp(): string {
  let now = wallOffset + performance.now();
  if (Math.abs(Date.now() - now) > 10) {
    wallOffset = Date.now() - performance.now();
    now = Date.now();
  }
  const ms = Math.floor(now);
  const micros = String(Math.floor((now - ms) * 1000)).padStart(3, '0');
  return `${new Date(ms).toISOString().slice(0, 23)}${micros}000Z`;
}
