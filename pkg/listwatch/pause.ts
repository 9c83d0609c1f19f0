import type { Clock } from '../clock/clock.ts';

/** Sleeps; when the signal is aborted, ends early and without an error: whoever loops looks at the signal anyway. */
export async function pause(clock: Pick<Clock, 'sleep'>, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
