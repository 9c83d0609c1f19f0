import type { DeleteOptions } from '../api/generated/meta-v1.ts';
import type { KubeObject } from '../api/object.ts';
import type { FieldTerm } from '../api/selectors.ts';
import type { InVersion } from '../runtime/managed-fields.ts';
import { storeFailure, withoutStoreErrors } from './cache/store-failure.ts';
import type { View } from './cache/watch-channel.ts';
import type {
  Change,
  Entry,
  History,
  HistoryQuery,
  ListPage,
  ListQuery,
  ObjectKey,
  RegistryEvent,
  RequestContext,
  ResourceDeclaration,
  ResourceStorage,
  UpdateOptions,
  WatchQuery,
} from './contract.ts';
import type { Resource } from './resource.ts';
import { bindPod } from './subresources/binding.ts';
import { evictPod } from './subresources/eviction.ts';
import { ScaleEntry, updateScale } from './subresources/scale.ts';
import { createEntry } from './verbs/create.ts';
import { deleteEntry } from './verbs/delete.ts';
import { deleteEntries } from './verbs/delete-collection.ts';
import { getEntry } from './verbs/get.ts';
import { historyOf } from './verbs/history.ts';
import { listEntries, type Page } from './verbs/list.ts';
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

/** One resource as it is served at one version: the verbs, with objects turned on the way in and out. */
export class VersionedStorage implements ResourceStorage {
  readonly declaration: ResourceDeclaration;
  readonly #resource: Resource;
  readonly #version: Version;

  constructor(declaration: ResourceDeclaration, resource: Resource, version: Version) {
    this.declaration = declaration;
    this.#resource = resource;
    this.#version = version;
  }

  async get(_context: RequestContext, key: ObjectKey, options: { resourceVersion?: string; subresource?: string } = {}): Promise<Entry> {
    try {
      const entry = await getEntry(this.#resource, key, options.resourceVersion);
      return options.subresource === 'scale' ? new ScaleEntry(entry) : this.#version.view(entry);
    } catch (error) {
      throw storeFailure(error);
    }
  }

  async list(_context: RequestContext, query: ListQuery): Promise<ListPage> {
    try {
      const page = await listEntries(this.#resource, this.#inStored(query));
      return { ...page, entries: this.#views(page.entries) };
    } catch (error) {
      throw storeFailure(error);
    }
  }

  async history(key: ObjectKey, query: HistoryQuery): Promise<History> {
    try {
      const past = await historyOf(this.#resource, key, query);
      return { ...past, entries: past.entries.map((each) => ({ ...each, entry: each.entry && this.#version.view(each.entry) })) };
    } catch (error) {
      throw storeFailure(error);
    }
  }

  watch(_context: RequestContext, query: WatchQuery): AsyncGenerator<readonly RegistryEvent[], void> {
    return withoutStoreErrors(watchEntries(this.#resource, this.#version.view, this.#inStored(query)));
  }

  async create(context: RequestContext, namespace: string, object: KubeObject): Promise<Entry> {
    try {
      const call = { declaration: this.declaration, context, namespace };
      return this.#version.view(await createEntry(this.#resource, call, this.#version.toStored(object)));
    } catch (error) {
      throw storeFailure(error);
    }
  }

  async update(
    context: RequestContext,
    key: ObjectKey,
    change: Change,
    options: UpdateOptions = {},
  ): Promise<{ entry: Entry; created: boolean }> {
    try {
      const call = { ...options, declaration: this.declaration, context, key };
      if (options.subresource === 'scale')
        return { entry: new ScaleEntry(await updateScale(this.#resource, call, change)), created: false };
      const special = options.subresource === 'binding' ? bindPod : options.subresource === 'eviction' ? evictPod : undefined;
      if (special) return await special(this.#resource, call, change);
      const updated = await updateEntry(this.#resource, call, this.#inVersion(change));
      return { entry: this.#version.view(updated.entry), created: updated.created };
    } catch (error) {
      throw storeFailure(error);
    }
  }

  async delete(context: RequestContext, key: ObjectKey, options: DeleteOptions): Promise<{ entry: Entry; gone: boolean }> {
    try {
      const deleted = await deleteEntry(this.#resource, { declaration: this.declaration, context, key }, options);
      return { entry: this.#version.view(deleted.entry), gone: deleted.gone };
    } catch (error) {
      throw storeFailure(error);
    }
  }

  async deleteCollection(context: RequestContext, query: ListQuery, options: DeleteOptions): Promise<readonly Entry[]> {
    try {
      const select = (): Promise<Page> => listEntries(this.#resource, this.#inStored(query));
      return this.#views(await deleteEntries(this.#resource, { declaration: this.declaration, context, select }, options));
    } catch (error) {
      throw storeFailure(error);
    }
  }

  get inVersion(): InVersion | undefined {
    return this.#resource.inVersion;
  }

  #views(entries: Parameters<View>[0][] | readonly Parameters<View>[0][]): readonly Entry[] {
    return this.#version.view === storedView ? entries : entries.map(this.#version.view);
  }

  #inStored<Query extends { readonly fields?: readonly FieldTerm[] }>(query: Query): Query {
    if (!query.fields || this.#version === storedVersion) return query;
    return { ...query, fields: query.fields.map((term) => ({ ...term, field: this.#version.storedField(term.field) })) };
  }

  /** The change as the caller knows it speaks of its own version on both sides. */
  #inVersion(change: Change): Change {
    const { view, outward, toStored } = this.#version;
    if (view === storedView) return change;
    return async (current) => toStored(await change(current && outward(current)));
  }
}

/** The stored version is served as it is. */
export const storedView: View = (entry) => entry;
export const storedVersion: Version = {
  view: storedView,
  outward: (object) => object,
  toStored: (object) => object,
  storedField: (name) => name,
};
