/**
 * An API server of a few hundred lines, in memory, for tests of control loops. With `createFakeClient` it knows
 * revisions, conflicts, uids, generations, status apart from spec, finalizers, grace periods of pods, watches with
 * history, pages, and discovery; it knows no schemas, defaults or validation. Failures are put in with `intercept`.
 */
import { ApiError } from '../api/errors.ts';
import type { WatchEvent } from '../api/http.ts';
import { apiVersionOf, copyOf, deepFreeze, type KubeObject, keyOf, type ResourceRef } from '../api/object.ts';
import { parseFieldSelector, parseSelector } from '../api/selectors.ts';
import type { WatchOptions } from '../client/client.ts';
import type { Clock } from '../clock/clock.ts';
import { type Random, SeededRandom } from '../clock/random.ts';
import type { Causes } from '../trace/cause.ts';
import type { Loose } from './fake-writes.ts';

export interface Call {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';
  readonly ref: ResourceRef;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  readonly agent: string;
  readonly causes: Causes;
}

interface Change {
  readonly revision: number;
  readonly table: string;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
}

/** The server's side: one for all clients of a test. */
export class FakeServer {
  readonly clock: Clock;
  readonly random: Random;
  /** Every request, in order. */
  readonly calls: Call[] = [];
  /** Called before each request is done; what it throws, the client gets; what it awaits, the client waits for. */
  intercept: ((call: Call) => Promise<void> | void) | undefined;
  /** Resources that discovery knows, beside those that objects were written to. */
  readonly served = new Map<string, ResourceRef>();
  /** Watches end after so long, whatever they asked for; undefined: what they asked for. */
  sessionMs: number | undefined;
  /** The history begins after this revision, without a gap; watches from before it fail with Expired. */
  #compacted = 0;
  #revision = 0;
  readonly #tables = new Map<string, Map<string, KubeObject>>();
  readonly #history: Change[] = [];
  readonly #watchers = new Set<() => void>();
  /** Open watches are cut (as by a restart of the server) when this changes. */
  #epoch = 0;

  constructor(clock: Clock, random: Random = new SeededRandom(1)) {
    this.clock = clock;
    this.random = random;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Every watch breaks now, as when a server goes away. */
  breakWatches(): void {
    this.#epoch++;
    this.#wake();
  }

  /** Forgets the history: watches can only start at the present. */
  compact(): void {
    this.#compacted = this.#revision;
    this.#history.length = 0;
  }

  /** For assertions, without a request. */
  all<T extends KubeObject>(ref: ResourceRef<T>, namespace?: string): T[] {
    const found = [...this.table(ref).values()] as T[];
    return found.filter((object) => !namespace || object.metadata.namespace === namespace).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  find<T extends KubeObject>(ref: ResourceRef<T>, key: string): T | undefined {
    return this.table(ref).get(key) as T | undefined;
  }

  table(ref: ResourceRef): Map<string, KubeObject> {
    const name = tableName(ref);
    let table = this.#tables.get(name);
    if (!table) {
      table = new Map();
      this.#tables.set(name, table);
    }
    this.served.set(name, ref);
    return table;
  }

  /** Puts `after` in the place of `before` under the next revision. */
  commit(ref: ResourceRef, before: KubeObject | undefined, after: Loose | undefined): KubeObject {
    const revision = ++this.#revision;
    const stored = copyOf(after ?? (before as KubeObject)) as Loose;
    stored.metadata.resourceVersion = String(revision);
    const object = deepFreeze(stored) as KubeObject;
    const table = this.table(ref);
    if (after) table.set(keyOf(object), object);
    else table.delete(keyOf(object));
    // What was deleted is told with the revision of its deletion.
    this.#history.push({ revision, table: tableName(ref), before: after ? before : object, after: after ? object : undefined });
    this.#wake();
    return object;
  }

  async *watch(ref: ResourceRef, options: WatchOptions): AsyncGenerator<readonly WatchEvent[]> {
    const accepts = filterOf(options);
    const epoch = this.#epoch;
    const end = this.clock.monotonic() + (this.sessionMs ?? (options.timeoutSeconds ?? 600) * 1000);
    let position = Number(options.resourceVersion ?? this.#revision);
    if (position < this.#compacted) throw new ApiError('Expired', `too old resource version: ${position} (${this.#compacted})`);
    // What stood at that revision: what stands now, with every change since then taken back.
    const known = new Map([...this.table(ref)]);
    for (const { table, before, after } of this.#history.slice(position - this.#compacted).reverse()) {
      if (table !== tableName(ref)) continue;
      if (before && after) known.set(keyOf(before), before);
      else if (after) known.delete(keyOf(after));
      else if (before) known.set(keyOf(before), before);
    }
    for (const [key, object] of known) if (!accepts(object)) known.delete(key);
    for (;;) {
      if (options.signal.aborted) return;
      if (this.#epoch !== epoch) throw new ApiError('ServiceUnavailable', 'the connection was lost');
      if (position < this.#compacted) throw new ApiError('Expired', 'too old resource version');
      const batch: WatchEvent[] = [];
      for (const { table, before, after, revision } of this.#history.slice(position - this.#compacted)) {
        position = revision;
        if (table !== tableName(ref)) continue;
        const key = keyOf((after ?? before) as KubeObject);
        if (after && accepts(after)) {
          batch.push({ type: known.has(key) ? 'MODIFIED' : 'ADDED', object: after });
          known.set(key, after);
        } else if (known.delete(key)) {
          batch.push({ type: 'DELETED', object: after ?? before });
        }
      }
      if (batch.length > 0) {
        yield batch;
        continue;
      }
      const left = end - this.clock.monotonic();
      if (left <= 0) {
        if (options.allowWatchBookmarks) {
          yield [
            {
              type: 'BOOKMARK',
              object: { apiVersion: apiVersionOf(ref), kind: ref.kind, metadata: { resourceVersion: String(this.#revision) } },
            },
          ];
        }
        return;
      }
      await this.#changed(left, options.signal);
    }
  }

  #wake(): void {
    for (const wake of [...this.#watchers]) wake();
  }

  #changed(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#watchers.delete(wake);
        timer.cancel();
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = this.clock.setTimer(ms, wake);
      this.#watchers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}

const tableName = (ref: ResourceRef): string => `${ref.group}/${ref.resource}`;

export function filterOf(options: {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}): (object: KubeObject) => boolean {
  const labels = parseSelector(options.labelSelector ?? '');
  const fields = parseFieldSelector(options.fieldSelector ?? '').map(({ field, equal, value }) => ({
    steps: field.split('.'),
    equal,
    value,
  }));
  return (object) =>
    (!options.namespace || object.metadata.namespace === options.namespace) &&
    labels.matches(object.metadata.labels) &&
    fields.every(({ steps, equal, value }) => {
      const found = steps.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], object);
      return (String(found ?? '') === value) === equal;
    });
}
