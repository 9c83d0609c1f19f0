import type { KubeObject } from '../../api/object.ts';
import type { ObjectFormat } from '../object-format.ts';
import { metadataOf, type Raw } from '../raw.ts';
import { StoredEntry } from '../stored-entry.ts';

/**
 * What this process writes, by the bytes it wrote, so that neither the writer nor the cache decodes what was just
 * encoded. The commit's answer and the store's event come in either order; both get the same entry. An engine that
 * hands on other bytes (etcd) makes the cache decode on demand.
 *
 * The newest entries keep what their writers decoded, long enough for the watches in this process to ask for it.
 */
export class WrittenEntries {
  readonly #drafts = new WeakMap<Uint8Array, Raw>();
  readonly #entries = new WeakMap<Uint8Array, StoredEntry>();
  readonly #newest: StoredEntry[] = [];
  /** Where in `#newest` the oldest one stands, once it is full. */
  #oldest = 0;

  /** Before the commit. The object must not be changed any more. */
  announce(value: Uint8Array, object: Raw): void {
    this.#drafts.set(value, object);
  }

  /** After the commit, or when its event comes. */
  entry(format: ObjectFormat, value: Uint8Array, revision: number): StoredEntry {
    const known = this.#entries.get(value);
    if (known?.revision === revision) return known;
    const draft = this.#drafts.get(value);
    if (!draft) return new StoredEntry(format, value, revision);
    this.#drafts.delete(value);
    metadataOf(draft)['resourceVersion'] = String(revision);
    const entry = new StoredEntry(format, value, revision, draft as unknown as KubeObject);
    this.#entries.set(value, entry);
    this.#newest[this.#oldest]?.forget();
    this.#newest[this.#oldest] = entry;
    this.#oldest = (this.#oldest + 1) % newestKept;
    return entry;
  }
}

/** Above what is written between an event and its readers' next turn: twice the usual number of writes in flight. */
const newestKept = 128;
