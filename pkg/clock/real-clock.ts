import { type Clock, sleepOn, type Timer } from './clock.ts';

/** The platform's own time: an adapter, and the one place that reads it. Works in Node.js and in browsers. */
export class RealClock implements Clock {
  /** Invariant: fires no earlier than asked, whatever the platform's longest timeout is (2^31 - 1 ms). */
  static readonly longestTimeout = 2 ** 31 - 1;

  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  setTimer(ms: number, fn: () => void): Timer {
    let left = Math.max(0, ms);
    let handle: ReturnType<typeof setTimeout>;
    const arm = (): void => {
      const step = Math.min(left, RealClock.longestTimeout);
      handle = setTimeout(() => {
        left -= step;
        if (left > 0) arm();
        else fn();
      }, step);
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  turn(): Promise<void> {
    return platformTurn();
  }
}

/**
 * One turn of the platform's event loop: `setImmediate` where it exists, else a MessageChannel round trip. Both
 * run after every promise chain that is ready; `setTimeout(0)` would do as well, but costs a millisecond or four.
 */
export function platformTurn(): Promise<void> {
  const immediate = (globalThis as { setImmediate?: (fn: () => void) => unknown }).setImmediate;
  if (immediate) return new Promise((resolve) => immediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
