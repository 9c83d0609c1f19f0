import { futureError } from '../commit-check.ts';
import type { StoreError } from '../store.ts';
import type { Changes } from './environment.ts';
import { gapAt, isDeletion, type Meta, refRevision } from './layout.ts';
import type { Versions } from './versions.ts';

/** What one step did: keys that are gone from the index, and how the store's numbers change. */
export interface CompactionStep {
  readonly erased: readonly string[];
  readonly meta: Pick<Meta, 'compacted' | 'cleaned'>;
}

/**
 * Compaction to revision r: reads before r are refused from the first step on, and the log's entries up to r are
 * looked at in order. Each one puts an end to the version before it, which only reads before r could still see; a
 * deletion ends itself too. So the work is in proportion to what happened since the last compaction, not to the
 * size of the store. A crash in between loses nothing but the work of one step: steps are idempotent.
 */
export class Compaction {
  readonly #versions: Versions;
  #target: number;
  #requests: { readonly revision: number; readonly done: PromiseWithResolvers<void> }[] = [];

  constructor(versions: Versions) {
    this.#versions = versions;
    // A compaction that a crash has cut short goes on.
    this.#target = versions.meta.compacted;
  }

  get wanted(): boolean {
    const { compacted, cleaned } = this.#versions.meta;
    return this.#target > compacted || this.#reachable > cleaned;
  }

  async request(wanted: number): Promise<void> {
    const { meta } = this.#versions;
    if (wanted > meta.revision) throw futureError(wanted, meta.revision);
    // A revision that was passed over cannot be the oldest one.
    const revision = gapAt(meta, wanted)?.until ?? wanted;
    if (revision <= meta.cleaned) return;
    this.#target = Math.max(this.#target, revision);
    const done = Promise.withResolvers<void>();
    this.#requests.push({ revision, done });
    return done.promise;
  }

  /** Adds one step to the changes of a transaction; undefined if there is nothing to do. */
  step(changes: Changes, size: number): CompactionStep | undefined {
    if (!this.wanted) return undefined;
    const { meta } = this.#versions;
    const end = Math.max(meta.cleaned, this.#reachable);
    const limit = Math.max(minStep, size);
    let entries = this.#versions.headers(meta.cleaned + 1, end, limit);
    let cleaned = end;
    if (entries.length === limit) {
      // The last revision may go on beyond the step, which is longer than any revision.
      cleaned = refRevision((entries.at(-1) as (typeof entries)[number]).ref) - 1;
      entries = entries.filter((entry) => refRevision(entry.ref) <= cleaned);
    }
    const erased: string[] = [];
    for (const { key, ref, previous } of entries) {
      if (previous > 0 && !isDeletion(previous)) changes.log.push([previous, null]);
      if (!isDeletion(ref)) continue;
      changes.log.push([ref, null]);
      if (this.#versions.entry(key)?.refs[0] !== ref) continue;
      changes.index.push([key, null]);
      changes.deleted.push([key, null]);
      erased.push(key);
    }
    return { erased, meta: { compacted: Math.max(meta.compacted, this.#target), cleaned } };
  }

  /** The store's numbers have moved on: whoever waited for that learns of it. */
  advanced(): void {
    const { cleaned } = this.#versions.meta;
    for (const request of this.#requests) if (request.revision <= cleaned) request.done.resolve();
    this.#requests = this.#requests.filter((request) => request.revision > cleaned);
  }

  failed(error: StoreError): void {
    for (const request of this.#requests) request.done.reject(error);
    this.#requests = [];
    this.#target = this.#versions.meta.compacted;
  }

  /** As far as readers that are at work allow. */
  get #reachable(): number {
    return Math.min(this.#target, this.#versions.oldestPin);
  }
}

/** Log entries in the smallest step; longer than the longest commit (60). */
const minStep = 65;
