import type { Clock } from '../clock/clock.ts';

/** Runs `work` with a signal that is aborted after `ms` or with `outer`; rejects at that moment, whatever `work` does. */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => controller.abort(outer?.reason);
  if (outer?.aborted) stop();
  outer?.addEventListener('abort', stop, { once: true });
  const timer = clock.setTimer(ms, () => controller.abort(new DeadlineError(`no answer within ${ms / 1000}s`)));
  try {
    return await unlessAborted(controller.signal, work(controller.signal));
  } finally {
    timer.cancel();
    outer?.removeEventListener('abort', stop);
  }
}

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** As `work`, but rejects with the signal's reason as soon as that is aborted. Leaves no listener behind. */
export function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Sleeps; returns false, rather than rejecting, when the signal is aborted first. */
export async function sleepUnless(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(ms, signal);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/** What an error says, for statuses, events and logs. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
