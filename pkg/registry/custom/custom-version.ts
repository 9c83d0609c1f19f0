/**
 * One version of a custom resource over what is stored. Entries are asked for in two steps, so that a version which
 * has to ask somebody else (a conversion webhook) can do so once for many: `prepare`, then `view`, which never waits.
 */
import { apiVersionOf, deepFreeze, type KubeObject } from '../../api/object.ts';
import { encodeJson } from '../../runtime/encode.ts';
import type { View } from '../cache/watch-channel.ts';
import type { Entry } from '../contract.ts';
import { kube, type Raw, raw } from '../raw.ts';
import type { Turn } from '../resource.ts';
import type { StoredEntry } from '../stored-entry.ts';
import type { CustomFormat } from './custom-format.ts';

export interface CustomVersion extends Turn {
  /** After it `view` can be asked for these entries; undefined: at once. Throws ApiErrors. */
  prepare?(entries: readonly StoredEntry[]): Promise<void>;
  readonly view: View;
}

export interface VersionRef {
  readonly group: string;
  readonly version: string;
}

/** Conversion `None`: the versions of an object differ in their name alone. */
export function plainVersion(format: CustomFormat, ref: VersionRef): CustomVersion {
  const apiVersion = apiVersionOf(ref);
  const entries = new WeakMap<StoredEntry, Entry>();
  const view: View = (entry) => {
    let shown = entries.get(entry);
    if (!shown) {
      const { object } = entry;
      const named = object.apiVersion === apiVersion;
      shown =
        named && format.isAsStored(object)
          ? entry
          : new ShownEntry(entry, named ? object : deepFreeze(format.asVersion(object, ref.version)));
      entries.set(entry, shown);
    }
    return shown;
  };
  return {
    view,
    live: (entry) => view(entry).object,
    stored: (object: Raw) => raw(format.asStored(kube(object))),
    outdated: (entry) => entry.object.apiVersion !== format.apiVersion || !format.isAsStored(entry.object),
  };
}

/** An object that reads otherwise than it is stored. */
export class ShownEntry implements Entry {
  readonly object: KubeObject;
  readonly revision: number;
  #json: Uint8Array | undefined;

  constructor({ revision }: { readonly revision: number }, object: KubeObject) {
    this.revision = revision;
    this.object = object;
  }

  json(): Uint8Array {
    this.#json ??= encodeJson(this.object);
    return this.#json;
  }
}
