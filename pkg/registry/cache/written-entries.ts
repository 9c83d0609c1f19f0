import type { KubeObject } from '../../api/object.ts';
import type { ObjectFormat } from '../object-format.ts';
import { metadataOf, type Raw } from '../raw.ts';
import { StoredEntry } from '../stored-entry.ts';

/** What a writer has encoded. */
interface Written {
  readonly key: string;
  readonly value: Uint8Array;
  /** The writer's object, until there is an entry that has it. */
  draft: Raw | undefined;
  entry: StoredEntry | undefined;
}

/**
 * What this process writes, by its key and the bytes it wrote, so that neither the writer nor the cache decodes what
 * was just encoded. The commit's answer and the store's event come in either order; both get the same entry. An engine
 * that hands on other bytes (etcd), and two writers of one key at a time, make the cache decode on demand.
 *
 * The newest are kept, long enough for the watches in this process to ask for what their writers decoded. (Weak maps
 * by the bytes would need no bound, but cost five times as much, and the garbage collector has to go through them.)
 */
export class WrittenEntries {
  readonly #byKey = new Map<string, Written>();
  readonly #newest: Written[] = [];
  /** Where in `#newest` the oldest one stands, once it is full. */
  #oldest = 0;

  /** Before the commit. The object must not be changed any more. */
  announce(key: string, value: Uint8Array, object: Raw): void {
    const gone = this.#newest[this.#oldest];
    if (gone) {
      gone.entry?.forget();
      if (this.#byKey.get(gone.key) === gone) this.#byKey.delete(gone.key);
    }
    const written: Written = { key, value, draft: object, entry: undefined };
    this.#newest[this.#oldest] = written;
    this.#oldest = (this.#oldest + 1) % newestKept;
    this.#byKey.set(key, written);
  }

  /** After the commit, or when its event comes. */
  entry(format: ObjectFormat, { key, value, revision }: { key: string; value: Uint8Array; revision: number }): StoredEntry {
    const written = this.#byKey.get(key);
    if (written?.value !== value) return new StoredEntry(format, value, revision);
    if (written.entry?.revision === revision) return written.entry;
    const { draft } = written;
    if (!draft) return new StoredEntry(format, value, revision);
    metadataOf(draft)['resourceVersion'] = String(revision);
    written.draft = undefined;
    written.entry = new StoredEntry(format, value, revision, draft as unknown as KubeObject);
    return written.entry;
  }
}

/** More than are in flight at a time (200 from outside, `limit.ts`): what is written between an event and its readers' next turn. */
const newestKept = 256;
