import { type Flow, lanes } from './helper/frames.ts';

/** Sends what a source yields as the call's stdin, then its end. Leaves at once when the signal aborts. */
export async function pumpIn(source: AsyncIterable<Uint8Array>, flow: Flow, signal: AbortSignal): Promise<void> {
  for await (const chunk of until(source, signal)) await flow.send(lanes.stdin, chunk);
  if (!signal.aborted) flow.end(lanes.stdin);
}

export async function pumpSizes(
  source: AsyncIterable<{ readonly width: number; readonly height: number }>,
  flow: Flow,
  signal: AbortSignal,
): Promise<void> {
  for await (const size of until(source, signal)) await flow.send(lanes.resize, Buffer.from(JSON.stringify(size)));
}

/** The source's items until the signal aborts, even while the source is silent. */
async function* until<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  const iterator = source[Symbol.asyncIterator]();
  const stopped = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), stopped]);
      if (next === undefined || next.done) return;
      yield next.value;
    }
  } finally {
    // Not awaited: a generator that is still waiting for its next item would never answer.
    if (signal.aborted) iterator.return?.()?.catch?.(() => {});
  }
}
