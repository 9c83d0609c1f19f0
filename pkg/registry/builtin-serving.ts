import type { KubeObject } from '../api/object.ts';
import type { FieldTerm } from '../api/selectors.ts';
import type { View } from './cache/watch-channel.ts';
import type { Change } from './contract.ts';
import type { Resource } from './resource.ts';
import { type Serving, storedView } from './served-storage.ts';
import { bindPod } from './subresources/binding.ts';
import { evictPod } from './subresources/eviction.ts';
import { createEntry } from './verbs/create.ts';
import { listEntries } from './verbs/list.ts';
import { updateEntry } from './verbs/update.ts';
import { watchEntries } from './verbs/watch.ts';

/** Between the version that is served and the one that is stored. */
export interface Version {
  readonly view: View;
  /** From the stored version. The argument is not changed. */
  outward(object: KubeObject): KubeObject;
  /** To the stored version. The argument is not changed. */
  toStored(object: KubeObject): KubeObject;
  /** A field that a selector names, as the stored version calls it. Throws BadRequest where it cannot be selected by. */
  storedField(name: string): string;
}

/** The stored version is served as it is. */
export const storedVersion: Version = {
  view: storedView,
  outward: (object) => object,
  toStored: (object) => object,
  storedField: (name) => name,
};

/** A built-in kind at one version: converted at once, on the way in and out. */
export function builtinServing(resource: Resource, version: Version): Serving {
  const { view, outward, toStored } = version;
  const inStored = <Query extends { readonly fields?: readonly FieldTerm[] }>(query: Query): Query => {
    if (!query.fields || version === storedVersion) return query;
    return { ...query, fields: query.fields.map((term) => ({ ...term, field: version.storedField(term.field) })) };
  };
  /** The change as the caller knows it speaks of its own version on both sides. */
  const turned = (change: Change): Change =>
    view === storedView ? change : async (current) => toStored(await change(current && outward(current)));
  return {
    resource,
    view,
    select: (query) => listEntries(resource, inStored(query)),
    watch: (query) => watchEntries(resource, view, inStored(query)),
    create: (call, object) => createEntry(resource, call, toStored(object)),
    update: (call, change) => updateEntry(resource, call, turned(change)),
    special: { binding: bindPod, eviction: evictPod },
  };
}
