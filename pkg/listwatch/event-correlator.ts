/**
 * Keeps repeated events from drowning a cluster, with Kubernetes' three rules (client-go tools/record):
 *  1. the same event again raises `count` and `lastTimestamp` of the one that is there;
 *  2. more than 10 in 10 minutes that differ in their message alone become one, marked as combined;
 *  3. each (source, object) may cause 25 events at once and one more every 5 minutes.
 * Pure but for its memory, which is bounded.
 */
export interface Occurrence {
  /** Who says it and about what: what rule 3 counts by. */
  readonly subject: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

/** What to record: the how-manieth time since when, and the key under which to ask for the Event written before. */
export interface Correlation {
  readonly key: string;
  readonly message: string;
  readonly count: number;
  /** Milliseconds. */
  readonly firstTime: number;
}

interface Seen {
  count: number;
  firstTime: number;
  /** The written Event's name; undefined until it is written. */
  name: string | undefined;
}
interface Group {
  readonly messages: Set<string>;
  lastTime: number;
}
interface Bucket {
  tokens: number;
  time: number;
}

const maxEntries = 4096;
const maxSimilar = 10;
const similarWindowMs = 10 * 60_000;
const burst = 25;
const refillMs = 5 * 60_000;

export class EventCorrelator {
  readonly #seen = new Map<string, Seen>();
  readonly #groups = new Map<string, Group>();
  readonly #buckets = new Map<string, Bucket>();

  /** `now`: milliseconds. undefined: drop it, rule 3. */
  correlate(occurrence: Occurrence, now: number): Correlation | undefined {
    const { subject, type, reason } = occurrence;
    const groupKey = JSON.stringify([subject, type, reason]);
    let group = this.#groups.get(groupKey);
    if (!group || now - group.lastTime > similarWindowMs) group = { messages: new Set(), lastTime: now };
    group.lastTime = now;
    if (group.messages.size < maxSimilar) group.messages.add(occurrence.message);
    remember(this.#groups, groupKey, group);
    const combined = group.messages.size >= maxSimilar && !group.messages.has(occurrence.message);

    const message = combined ? `(combined from similar events): ${occurrence.message}` : occurrence.message;
    const key = combined ? groupKey : JSON.stringify([subject, type, reason, message]);
    const seen = this.#seen.get(key) ?? { count: 0, firstTime: now, name: undefined };
    if (!this.#admit(subject, now)) return undefined;
    seen.count++;
    remember(this.#seen, key, seen);
    return { key, message, count: seen.count, firstTime: seen.firstTime };
  }

  /** The name of the Event that was written for this key, if any. */
  nameOf(key: string): string | undefined {
    return this.#seen.get(key)?.name;
  }

  written(key: string, name: string): void {
    const seen = this.#seen.get(key);
    if (seen) seen.name = name;
  }

  #admit(subject: string, now: number): boolean {
    const bucket = this.#buckets.get(subject) ?? { tokens: burst, time: now };
    bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.time) / refillMs);
    bucket.time = now;
    remember(this.#buckets, subject, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}

/** Puts the entry last and forgets the one that was used longest ago, once there are too many. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > maxEntries) map.delete(map.keys().next().value as string);
}
