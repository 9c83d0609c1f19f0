import { isNotFound } from '../../api/errors.ts';
import type { DeleteOptions } from '../../api/generated/meta-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import type { InVersion } from '../../runtime/managed-fields.ts';
import { type Filter, filterOf, scopeOf } from '../cache/filter.ts';
import { storeFailure, withoutStoreErrors } from '../cache/store-failure.ts';
import type { View } from '../cache/watch-channel.ts';
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
} from '../contract.ts';
import type { Resource } from '../resource.ts';
import type { StoredEntry } from '../stored-entry.ts';
import { ScaleEntry, type Scaling, updateScale } from '../subresources/scale.ts';
import { createEntry } from '../verbs/create.ts';
import { deleteEntry } from '../verbs/delete.ts';
import { deleteEntries } from '../verbs/delete-collection.ts';
import { getEntry } from '../verbs/get.ts';
import { historyOf } from '../verbs/history.ts';
import { listEntries, type Page } from '../verbs/list.ts';
import { type Updated, updateEntry } from '../verbs/update.ts';
import { watchEntries } from '../verbs/watch.ts';
import { ConvertedBatches } from './converted-watch.ts';
import type { CreationGate } from './creation-gate.ts';
import type { CustomVersion } from './custom-version.ts';

export interface CustomStorageOptions {
  readonly resource: Resource;
  readonly gate: CreationGate;
  readonly version: CustomVersion;
  readonly scaling: Scaling | undefined;
}

/** Entries as they are stored. One function, so that all watches that see them share a channel. */
const stored: View = (entry) => entry;

/** The namespace and the name of a filter, as a query. */
function scopeQuery({ namespace, name }: Filter): Pick<ListQuery, 'namespace' | 'fields'> {
  return { namespace, ...(name === undefined ? {} : { fields: [{ field: 'metadata.name', value: name, equal: true }] }) };
}

/** The verbs of a custom resource at one served version. */
export class CustomStorage implements ResourceStorage {
  readonly declaration: ResourceDeclaration;
  readonly #options: CustomStorageOptions;
  readonly #batches: ConvertedBatches;

  constructor(options: CustomStorageOptions) {
    this.declaration = options.resource.declaration;
    this.#options = options;
    this.#batches = new ConvertedBatches(options.version);
  }

  get inVersion(): InVersion | undefined {
    return this.#options.resource.inVersion;
  }

  async get(_context: RequestContext, key: ObjectKey, options: { resourceVersion?: string; subresource?: string } = {}): Promise<Entry> {
    return this.#carryOut(async () => {
      const { resource, scaling } = this.#options;
      const entry = await this.#view(await getEntry(resource, key, options.resourceVersion));
      return options.subresource === 'scale' ? new ScaleEntry(entry, scaling) : entry;
    });
  }

  async list(_context: RequestContext, query: ListQuery): Promise<ListPage> {
    return this.#carryOut(async () => {
      const page = await this.#select(query);
      return { ...page, entries: await this.#views(page.entries) };
    });
  }

  watch(_context: RequestContext, query: WatchQuery): AsyncIterable<readonly RegistryEvent[]> {
    const { resource, version } = this.#options;
    if (!version.prepare) return withoutStoreErrors(watchEntries(resource, version.view, query));
    const filter = filterOf(query, this.declaration, undefined);
    return withoutStoreErrors(this.#batches.of(watchEntries(resource, stored, query, scopeOf(filter)), filter));
  }

  async history(key: ObjectKey, query: HistoryQuery): Promise<History> {
    return this.#carryOut(async () => {
      const { resource, version } = this.#options;
      const past = await historyOf(resource, key, query);
      await version.prepare?.(past.entries.flatMap(({ entry }) => entry ?? []));
      return { ...past, entries: past.entries.map((each) => ({ ...each, entry: each.entry && version.view(each.entry) })) };
    });
  }

  async create(context: RequestContext, namespace: string, object: KubeObject): Promise<Entry> {
    return this.#carryOut(async () => {
      const { resource, gate } = this.#options;
      const { declaration } = this;
      const create = () => createEntry(resource, { declaration, context, namespace }, object);
      return this.#view(await gate.pass(declaration, object.metadata?.name ?? '', create));
    });
  }

  async update(
    context: RequestContext,
    key: ObjectKey,
    change: Change,
    options: UpdateOptions = {},
  ): Promise<{ entry: Entry; created: boolean }> {
    return this.#carryOut(async () => {
      const { resource, scaling } = this.#options;
      const call = { ...options, declaration: this.declaration, context, key };
      if (options.subresource === 'scale') {
        const scaled = await updateScale(resource, { ...call, ...(scaling ? { scaling } : {}) }, change);
        return { entry: new ScaleEntry(await this.#view(scaled), scaling), created: false };
      }
      const update = (createIfMissing: boolean) => updateEntry(resource, { ...call, createIfMissing }, change);
      const updated = await this.#updateOrCreate(key, update, options.createIfMissing ?? false);
      return { entry: await this.#view(updated.entry), created: updated.created };
    });
  }

  async delete(context: RequestContext, key: ObjectKey, options: DeleteOptions): Promise<{ entry: Entry; gone: boolean }> {
    return this.#carryOut(async () => {
      const deleted = await deleteEntry(this.#options.resource, { declaration: this.declaration, context, key }, options);
      return { entry: await this.#view(deleted.entry), gone: deleted.gone };
    });
  }

  async deleteCollection(context: RequestContext, query: ListQuery, options: DeleteOptions): Promise<readonly Entry[]> {
    return this.#carryOut(async () => {
      const call = { declaration: this.declaration, context, select: () => this.#select(query) };
      return this.#views(await deleteEntries(this.#options.resource, call, options));
    });
  }

  async #carryOut<T>(verb: () => Promise<T>): Promise<T> {
    try {
      return await verb();
    } catch (error) {
      throw storeFailure(error);
    }
  }

  /** Where the gate is shut, what is there can still be changed; what is not finds the gate. */
  async #updateOrCreate(key: ObjectKey, update: (createIfMissing: boolean) => Promise<Updated>, mayCreate: boolean): Promise<Updated> {
    const { gate } = this.#options;
    const pass = () => gate.pass(this.declaration, key.name, () => update(true));
    if (!mayCreate) return update(false);
    if (gate.open) return pass();
    try {
      return await update(false);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return pass();
    }
  }

  /** A page of what the query selects, by the objects of this version. */
  async #select(query: ListQuery): Promise<Page> {
    const { resource, version } = this.#options;
    const filter = filterOf(query, this.declaration, undefined);
    const { test } = filter;
    if (!version.prepare || !test) return listEntries(resource, query);
    const { labels: _labels, fields: _fields, ...rest } = query;
    const entries: StoredEntry[] = [];
    let step: ListQuery = { ...rest, ...scopeQuery(filter) };
    for (;;) {
      const page = await listEntries(resource, step);
      await version.prepare(page.entries);
      entries.push(...page.entries.filter((entry) => test(version.view(entry).object)));
      const left = (query.limit ?? Number.POSITIVE_INFINITY) - entries.length;
      if (page.continue === undefined || left <= 0) {
        const { remaining: _remaining, ...told } = page;
        return { ...told, entries };
      }
      const { resourceVersion: _revision, resourceVersionMatch: _match, ...next } = step;
      step = { ...next, continue: page.continue, limit: left };
    }
  }

  async #view(entry: StoredEntry): Promise<Entry> {
    const { version } = this.#options;
    if (version.prepare) await version.prepare([entry]);
    return version.view(entry);
  }

  async #views(entries: readonly StoredEntry[]): Promise<readonly Entry[]> {
    const { version } = this.#options;
    if (version.prepare) await version.prepare(entries);
    return entries.map(version.view);
  }
}
