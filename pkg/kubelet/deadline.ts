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
    return await Promise.race([work(controller.signal), rejection(controller.signal)]);
  } finally {
    timer.cancel();
    outer?.removeEventListener('abort', stop);
  }
}

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** Rejects with the signal's reason once it is aborted. */
export function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
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
