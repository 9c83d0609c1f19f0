import type { Writable } from 'node:stream';

/** What comes over time, or pieces that are there. */
export interface LongBody {
  readonly body: AsyncIterable<Uint8Array>;
  readonly pieces?: readonly Uint8Array[] | undefined;
}

/** Writes as fast as the client takes it; the target stays open. Ends early when the client has gone, which aborts `signal`. */
export function writeBody(target: Writable, { body, pieces }: LongBody, signal: AbortSignal): Promise<void> {
  return pieces ? writePieces(target, pieces, signal) : writeAll(target, body, signal);
}

async function writeAll(target: Writable, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  for await (const chunk of body) {
    if (signal.aborted) return;
    if (!target.write(chunk)) await drained(target, signal);
  }
}

/** Buffers that no response is using. New ones cost more (fresh pages) than all that is done with them. */
const buffers: Buffer[] = [];
const bufferSize = 256 * 1024;
const maxBuffers = 16;

/** Gathers the pieces in one buffer, over and over; it is free again when the target says that it was written. */
async function writePieces(target: Writable, pieces: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
  const buffer = buffers.pop() ?? Buffer.allocUnsafeSlow(bufferSize);
  let used = 0;
  for (const piece of pieces) {
    if (used + piece.length > bufferSize) {
      if (used > 0) await written(target, buffer.subarray(0, used), signal);
      used = 0;
      if (signal.aborted) return; // the buffer may still be read from: it is left to the garbage collector
      if (piece.length > bufferSize) {
        await written(target, piece, signal);
        continue;
      }
    }
    buffer.set(piece, used);
    used += piece.length;
  }
  if (used > 0) await written(target, buffer.subarray(0, used), signal);
  if (!signal.aborted && buffers.length < maxBuffers) buffers.push(buffer);
}

/** Resolves when the bytes are no longer needed, or the client has gone. */
function written(target: Writable, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
    else target.write(bytes, done);
  });
}

function drained(target: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      target.removeListener('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    target.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
