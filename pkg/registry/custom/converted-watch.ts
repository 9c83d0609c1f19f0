/**
 * Watches of a version that has to be asked for. A batch is converted once for all watches that see it, and judged once
 * for all that ask the same: by the converted object, since labels and fields may differ between versions.
 */
import { deepFreeze, type KubeObject } from '../../api/object.ts';
import type { Entry, RegistryEvent } from '../contract.ts';
import type { StoredEntry } from '../stored-entry.ts';
import { type CustomVersion, ShownEntry } from './custom-version.ts';

type Batch = readonly RegistryEvent[];

export interface Selection {
  /** Two selections with one id select the same. */
  readonly id: string;
  /** undefined: everything. */
  readonly test: ((object: KubeObject) => boolean) | undefined;
}

export class ConvertedBatches {
  readonly #version: CustomVersion;
  readonly #converted = new WeakMap<Batch, Promise<Batch>>();
  readonly #selected = new WeakMap<Batch, Map<string, Batch>>();

  constructor(version: CustomVersion) {
    this.#version = version;
  }

  /** `batches`: of stored entries, with what was there before. */
  async *of(batches: AsyncIterable<Batch>, { id, test }: Selection): AsyncGenerator<Batch, void> {
    for await (const batch of batches) {
      let pending = this.#converted.get(batch);
      if (!pending) {
        pending = this.#convert(batch);
        this.#converted.set(batch, pending);
      }
      const converted = await pending;
      const told = test ? this.#select(converted, id, test) : converted;
      if (told.length > 0) yield told;
    }
  }

  async #convert(batch: Batch): Promise<Batch> {
    const entries = batch.flatMap((event) => (event.type === 'BOOKMARK' ? [] : [event.entry, event.previous ?? event.entry]));
    await this.#version.prepare?.(entries as StoredEntry[]);
    const view = (entry: Entry): Entry => this.#version.view(entry as StoredEntry);
    return batch.map((event) => {
      if (event.type === 'BOOKMARK') return event;
      return { type: event.type, entry: view(event.entry), ...(event.previous ? { previous: view(event.previous) } : {}) };
    });
  }

  #select(batch: Batch, id: string, test: (object: KubeObject) => boolean): Batch {
    let byId = this.#selected.get(batch);
    if (!byId) {
      byId = new Map();
      this.#selected.set(batch, byId);
    }
    let told = byId.get(id);
    if (!told) {
      told = batch.flatMap((event) => judge(event, test) ?? []);
      byId.set(id, told);
    }
    return told;
  }
}

/** As a watch with that selection is told of it. */
function judge(event: RegistryEvent, test: (object: KubeObject) => boolean): RegistryEvent | undefined {
  if (event.type === 'BOOKMARK') return event;
  const { entry, previous } = event;
  const was = previous !== undefined && test(previous.object);
  if (event.type === 'DELETED') return was ? event : undefined;
  if (test(entry.object)) return { type: was ? 'MODIFIED' : 'ADDED', entry };
  // It has moved out: told as a deletion, with the last state that was selected.
  return previous && was ? { type: 'DELETED', entry: atRevision(previous, entry.revision) } : undefined;
}

function atRevision({ object }: Entry, revision: number): Entry {
  const metadata = { ...object.metadata, resourceVersion: String(revision) };
  return new ShownEntry({ revision }, deepFreeze({ ...object, metadata }));
}
