import { compareKeys, rangeTest } from '../key-order.ts';
import type { KeyRange, KeyValue, Operation, StoreEvent } from '../store.ts';

interface Step {
  readonly revision: number;
  readonly state: ReadonlyMap<string, KeyValue>;
  readonly records: ReadonlyMap<string, Uint8Array | undefined>;
  readonly events: readonly StoreEvent[];
}

/**
 * What a store should be, as plainly as it can be said: the whole state copied at every commit. It does not number
 * its commits, since other clients may share the real store: it is told the revision that the store gave.
 */
export class ModelStore {
  readonly #steps: Step[];
  compacted: number;

  constructor(revision: number, compacted: number) {
    this.#steps = [{ revision, state: new Map(), records: new Map(), events: [] }];
    this.compacted = compacted;
  }

  get revision(): number {
    return this.#last.revision;
  }

  get #last(): Step {
    return this.#steps.at(-1) as Step;
  }

  /** The oldest revision that the model knows and the store still has. */
  get oldest(): number {
    return Math.max(this.compacted, (this.#steps[0] as Step).revision);
  }

  get(key: string, revision: number = this.revision): KeyValue | undefined {
    return this.#at(revision).state.get(key);
  }

  list(range: KeyRange, revision: number = this.revision): KeyValue[] {
    const holds = rangeTest(range);
    return [...this.#at(revision).state.values()].filter((item) => holds(item.key)).sort((a, b) => compareKeys(a.key, b.key));
  }

  record(key: string, revision: number): Uint8Array | undefined {
    return this.#at(revision).records.get(key);
  }

  /** True if the newest write of the key at or before `revision` is a deletion that has been compacted. */
  recordMayBeGone(key: string, revision: number): boolean {
    if (this.get(key, revision)) return false;
    return (this.events(keyOnly(key), 0, revision).at(-1)?.revision ?? 0) <= this.compacted;
  }

  events(range: KeyRange, from: number, to: number = this.revision): StoreEvent[] {
    const holds = rangeTest(range);
    return this.#steps.flatMap((step) => step.events).filter((e) => e.revision >= from && e.revision <= to && holds(e.key));
  }

  /** The keys whose expectation does not hold, with what stands there. */
  conflicts(operations: readonly Operation[]): Map<string, KeyValue | undefined> {
    const failed = operations.filter((o) => o.expect !== undefined && o.expect !== (this.get(o.key)?.modRevision ?? 0));
    return new Map(failed.map((o) => [o.key, this.get(o.key)]));
  }

  /** True if the operations would change something. */
  changes(operations: readonly Operation[]): boolean {
    return operations.some((o) => o.value !== undefined || this.get(o.key) !== undefined);
  }

  apply(operations: readonly Operation[], revision: number, record: Uint8Array | undefined): void {
    const state = new Map(this.#last.state);
    const records = new Map(this.#last.records);
    const events: StoreEvent[] = [];
    for (const { key, value } of operations) {
      const previous = state.get(key);
      if (value) {
        const createRevision = previous?.createRevision ?? revision;
        const item = { key, value, createRevision, modRevision: revision, version: (previous?.version ?? 0) + 1 };
        state.set(key, item);
        events.push({ type: 'put', key, revision, item, ...(previous && { previous }) });
      } else if (previous) {
        state.delete(key);
        events.push({ type: 'delete', key, revision, previous });
      }
      if (value || previous) records.set(key, record);
    }
    this.#steps.push({ revision, state, records, events });
  }

  #at(revision: number): Step {
    return this.#steps.findLast((step) => step.revision <= revision) ?? (this.#steps[0] as Step);
  }
}

function keyOnly(key: string): KeyRange {
  return { start: key, end: `${key}\0` };
}
