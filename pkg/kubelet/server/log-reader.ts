import type { Clock } from '../../clock/clock.ts';
import type { HostFiles } from '../kubelet-host.ts';

export interface LogOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  /** From the end, as lines of the file. */
  readonly tailLines?: number;
  /** Milliseconds since the epoch: nothing older. */
  readonly since?: number;
  readonly limitBytes?: number;
}

export interface FollowedContainer {
  /** True while more may be written. */
  running(): Promise<boolean>;
  /** Calls `changed` when the container may have ended, until the signal is aborted. */
  onChange(changed: () => void, signal: AbortSignal): void;
}

const blockSize = 64 * 1024;
/** Lines may reach the file a moment after their process has ended, in milliseconds. */
const flushDelay = 100;

/**
 * A container's log as people want to see it: the lines of a file in the CRI format (`TIME STREAM TAGS TEXT`), from
 * where they were asked for, without what the format adds. Followed, it goes on until the container has ended.
 */
export async function* readLog(
  { files, clock }: { readonly files: HostFiles; readonly clock: Clock },
  path: string,
  options: LogOptions,
  container: FollowedContainer,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const budget = new Budget(options.limitBytes);
  const parser = new LogParser(options);
  const ending = new AbortController();
  const wakes = options.follow ? wakeUps(files, path, container, ending.signal, signal) : undefined;
  try {
    const file = new LogFile(files, path, options.tailLines === undefined ? 0 : await startOfTail(files, path, options.tailLines));
    let last = !options.follow;
    for (;;) {
      for (;;) {
        const block = await file.next();
        if (block.length === 0 || signal.aborted) break;
        const out = budget.take(parser.push(block));
        if (out.length > 0) yield out;
        if (budget.spent) return;
      }
      if (last || signal.aborted) return;
      if (await container.running()) {
        await wakes?.next();
      } else {
        await clock.sleep(flushDelay);
        last = true;
      }
    }
  } finally {
    ending.abort();
  }
}

/** A file read on and on, though runtimes rename one that is full (`0.log.20260102-030405`) and begin another. */
class LogFile {
  readonly #files: HostFiles;
  readonly #path: string;
  #offset: number;
  #identity: string | undefined;
  /** The file under its new name, until it is read to its end. */
  #renamed: string | undefined;

  constructor(files: HostFiles, path: string, offset: number) {
    this.#files = files;
    this.#path = path;
    this.#offset = offset;
  }

  /** What comes next; nothing: that is all for now. */
  async next(): Promise<Uint8Array> {
    for (;;) {
      const path = this.#renamed ?? this.#path;
      const block = (await this.#files.readFile(path, { offset: this.#offset, length: blockSize })) ?? new Uint8Array();
      const identity = (await this.#files.stat(path))?.identity;
      this.#identity ??= identity;
      if (identity === this.#identity) {
        this.#offset += block.length;
        if (block.length > 0 || this.#renamed === undefined) return block;
        // Read to its end: now the one that took its name, which may have been renamed as well.
        const older = this.#renamed;
        this.#startOver((await this.#renamedFiles()).find((other) => other > older));
      } else {
        const now = await this.#whereIs(this.#identity);
        // Removed already: what was left in it is lost.
        if (now === undefined) this.#startOver(undefined);
        else this.#renamed = now;
      }
    }
  }

  #startOver(renamed: string | undefined): void {
    this.#renamed = renamed;
    this.#offset = 0;
    this.#identity = undefined;
  }

  async #whereIs(identity: string | undefined): Promise<string | undefined> {
    for (const path of await this.#renamedFiles()) if ((await this.#files.stat(path))?.identity === identity) return path;
    return undefined;
  }

  /** Oldest first: their names end in the time. */
  async #renamedFiles(): Promise<readonly string[]> {
    const slash = this.#path.lastIndexOf('/');
    const directory = this.#path.slice(0, slash);
    const names = (await this.#files.list(directory)) ?? [];
    return names.filter((name) => name.startsWith(`${this.#path.slice(slash + 1)}.`)).map((name) => `${directory}/${name}`);
  }
}

/** Where the last `lines` lines of the file begin. Reads backwards, so that a long log costs no more than its end. */
async function startOfTail(files: HostFiles, path: string, lines: number): Promise<number> {
  let end = (await files.stat(path))?.size ?? 0;
  if (lines <= 0) return end;
  let missing = lines;
  let first = true;
  while (end > 0) {
    const start = Math.max(0, end - blockSize);
    const block = (await files.readFile(path, { offset: start, length: end - start })) ?? new Uint8Array();
    // The line feed at the very end ends the last line; it begins none.
    for (let i = block.length - (first ? 2 : 1); i >= 0; i--) {
      if (block[i] === 10 && --missing === 0) return start + i + 1;
    }
    first = false;
    end = start;
  }
  return 0;
}

class Budget {
  #left: number;
  constructor(limit: number | undefined) {
    this.#left = limit ?? Number.POSITIVE_INFINITY;
  }
  get spent(): boolean {
    return this.#left <= 0;
  }
  take(bytes: Uint8Array): Uint8Array {
    const taken = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= taken.length;
    return taken;
  }
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Takes the file apart, block by block. Texts are kept as the bytes they are. */
export class LogParser {
  readonly #options: Pick<LogOptions, 'timestamps' | 'since'>;
  #rest = new Uint8Array();
  /** The line under way was begun by a part without an end. */
  #inLine = false;

  constructor(options: Pick<LogOptions, 'timestamps' | 'since'>) {
    this.#options = options;
  }

  /** What can be shown of the file up to the end of this block. */
  push(block: Uint8Array): Uint8Array {
    const data = this.#rest.length === 0 ? block : joined([this.#rest, block]);
    const out: Uint8Array[] = [];
    let start = 0;
    for (let end = data.indexOf(10, start); end >= 0; end = data.indexOf(10, start)) {
      this.#line(data.subarray(start, end), out);
      start = end + 1;
    }
    this.#rest = data.slice(start);
    return joined(out);
  }

  #line(line: Uint8Array, out: Uint8Array[]): void {
    const first = line.indexOf(32);
    const second = line.indexOf(32, first + 1);
    const third = line.indexOf(32, second + 1);
    if (first < 0 || second < 0) return;
    const time = decoder.decode(line.subarray(0, first));
    const tags = decoder.decode(line.subarray(second + 1, third < 0 ? line.length : third));
    const text = third < 0 ? new Uint8Array() : line.subarray(third + 1);
    const { since, timestamps } = this.#options;
    if (since !== undefined && Date.parse(time.replace(/(\.\d{3})\d*/, '$1')) < since) return;
    if (timestamps && !this.#inLine) out.push(encoder.encode(`${time} `));
    out.push(text);
    this.#inLine = tags.split(':')[0] === 'P';
    if (!this.#inLine) out.push(Uint8Array.of(10));
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Yields whenever the file or the container may have changed since the last time, or the reader has gone. */
async function* wakeUps(
  files: HostFiles,
  path: string,
  container: FollowedContainer,
  ending: AbortSignal,
  gone: AbortSignal,
): AsyncGenerator<void> {
  let pending = false;
  let wake: (() => void) | undefined;
  const poke = (): void => {
    pending = true;
    wake?.();
  };
  const watching = new AbortController();
  const stop = (): void => {
    watching.abort();
    poke();
  };
  for (const signal of [ending, gone]) {
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  }
  container.onChange(poke, watching.signal);
  const changes = files.changes(path, watching.signal);
  const pump = async (): Promise<void> => {
    for await (const _ of changes) poke();
  };
  // Without news of the file, news of the container still wake the reader.
  pump().catch(poke);
  for (;;) {
    if (!pending) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    pending = false;
    yield;
  }
}
