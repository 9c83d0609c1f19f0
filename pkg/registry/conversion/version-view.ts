import { apiVersionOf, deepFreeze, type KubeObject } from '../../api/object.ts';
import { encodeJson } from '../../runtime/encode.ts';
import type { InVersion } from '../../runtime/managed-fields.ts';
import { builtinSchema } from '../../runtime/schema.ts';
import { storedVersion, type Version } from '../builtin-serving.ts';
import { isSelectable, unsupportedField } from '../cache/filter.ts';
import type { View } from '../cache/watch-channel.ts';
import type { Entry, ResourceDeclaration } from '../contract.ts';
import { kube, raw } from '../raw.ts';
import type { StoredEntry } from '../stored-entry.ts';
import { conversionOf } from './conversions.ts';

/** An entry in another version than the stored one; converted when first asked for. */
class ConvertedEntry implements Entry {
  readonly revision: number;
  readonly #stored: StoredEntry;
  readonly #convert: (object: KubeObject) => KubeObject;
  #object: KubeObject | undefined;
  #json: Uint8Array | undefined;

  constructor(stored: StoredEntry, convert: (object: KubeObject) => KubeObject) {
    this.#stored = stored;
    this.revision = stored.revision;
    this.#convert = convert;
  }

  get object(): KubeObject {
    this.#object ??= deepFreeze(this.#convert(this.#stored.object));
    return this.#object;
  }

  json(): Uint8Array {
    this.#json ??= encodeJson(this.object);
    return this.#json;
  }
}

/** How `served` is seen over `stored`. */
export function versionOf(served: ResourceDeclaration, stored: ResourceDeclaration): Version {
  if (served === stored) return storedVersion;
  const { outward: toServed, inward, fields = {} } = conversionOf(served);
  const outward = (object: KubeObject): KubeObject =>
    kube({ ...toServed(raw(object)), apiVersion: apiVersionOf(served), kind: served.kind });
  const toStored = (object: KubeObject): KubeObject =>
    kube({ ...inward(raw(object)), apiVersion: apiVersionOf(stored), kind: stored.kind });
  const entries = new WeakMap<StoredEntry, Entry>();
  const view: View = (entry) => {
    let converted = entries.get(entry);
    if (!converted) {
      converted = new ConvertedEntry(entry, outward);
      entries.set(entry, converted);
    }
    return converted;
  };
  const storedField = (name: string): string => {
    if (!isSelectable(name, served)) throw unsupportedField(name, served);
    return fields[name] ?? name;
  };
  return { view, outward, toStored, storedField };
}

/** Between all versions of a resource; absent where there is one only. */
export function versionsOf(served: readonly ResourceDeclaration[], stored: ResourceDeclaration): InVersion | undefined {
  if (served.length < 2) return undefined;
  const versions = new Map(
    served.map((declaration) => [
      apiVersionOf(declaration),
      { ...versionOf(declaration, stored), schema: builtinSchema(declaration.definition) },
    ]),
  );
  return (object, apiVersion) => {
    const from = versions.get(object.apiVersion);
    const to = versions.get(apiVersion);
    if (!from || !to) return undefined;
    return { object: from === to ? object : to.outward(from.toStored(object)), schema: to.schema };
  };
}
