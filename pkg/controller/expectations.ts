import type { Clock } from '../clock/clock.ts';

/**
 * What a controller has asked for and its informer has not shown yet. Without it, a loop that looks at its local
 * copy right after creating pods would not see them, and create them again.
 *
 * A key is satisfied when everything expected has been observed, or when it has waited for 5 minutes (an event was
 * lost; better to look again). Kubernetes: controller.UIDTrackingControllerExpectations.
 */
export class Expectations {
  static readonly timeoutMs = 5 * 60_000;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #expected = new Map<string, { creations: number; readonly deletions: Set<string>; readonly since: number }>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  satisfied(key: string): boolean {
    const expected = this.#expected.get(key);
    if (!expected) return true;
    return (expected.creations <= 0 && expected.deletions.size === 0) || this.#clock.monotonic() - expected.since > Expectations.timeoutMs;
  }

  /** Call before asking for anything, in the place of all earlier expectations of the key. */
  expect(key: string, { creations = 0, deletions = [] }: { readonly creations?: number; readonly deletions?: readonly string[] }): void {
    this.#expected.set(key, { creations, deletions: new Set(deletions), since: this.#clock.monotonic() });
  }

  /** A creation was seen, or will never be because the request failed. */
  created(key: string, count = 1): void {
    const expected = this.#expected.get(key);
    if (expected) expected.creations -= count;
  }

  /** Likewise for the deletion of the object with this uid. */
  deleted(key: string, uid: string): void {
    this.#expected.get(key)?.deletions.delete(uid);
  }

  forget(key: string): void {
    this.#expected.delete(key);
  }
}
