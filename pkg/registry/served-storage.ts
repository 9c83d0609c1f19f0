import { notFound } from '../api/errors.ts';
import type { DeleteOptions } from '../api/generated/meta-v1.ts';
import type { KubeObject } from '../api/object.ts';
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
import type { StoredEntry } from './stored-entry.ts';
import { ScaleEntry, type Scaling, updateScale } from './subresources/scale.ts';
import type { CreateCall } from './verbs/create.ts';
import { deleteEntry } from './verbs/delete.ts';
import { deleteEntries } from './verbs/delete-collection.ts';
import { findEntry } from './verbs/get.ts';
import { historyOf } from './verbs/history.ts';
import type { Page } from './verbs/list.ts';
import type { UpdateCall, Updated } from './verbs/update.ts';

/**
 * What tells one served version of a resource from another: how stored entries are shown, how a query of that version
 * finds them, and what a write goes through. Built-in kinds convert at once (`builtin-serving.ts`); a custom resource may
 * have to ask somebody (`custom/custom-serving.ts`).
 */
export interface Serving {
  readonly resource: Resource;
  /** Comes before `view` for these entries, where it has to wait for something. Throws ApiErrors. */
  prepare?(entries: readonly StoredEntry[]): Promise<void>;
  readonly view: View;
  /** A page of what the query selects, fields by their names in this version. */
  select(query: ListQuery): Promise<Page>;
  watch(query: WatchQuery): AsyncIterable<readonly RegistryEvent[]>;
  create(call: CreateCall, object: KubeObject): Promise<StoredEntry>;
  update(call: UpdateCall, change: Change): Promise<Updated>;
  /** Where the Scale's numbers stand, if not where they do in most kinds. */
  readonly scaling?: Scaling | undefined;
  /** Writes to subresources that are neither the object itself nor its Scale. */
  readonly special?: Readonly<Record<string, (resource: Resource, call: UpdateCall, change: Change) => Promise<Updated>>>;
}

/** The verbs of one resource as it is served at one version. */
export class ServedStorage implements ResourceStorage {
  readonly declaration: ResourceDeclaration;
  readonly #serving: Serving;

  constructor(declaration: ResourceDeclaration, serving: Serving) {
    this.declaration = declaration;
    this.#serving = serving;
  }

  get inVersion(): InVersion | undefined {
    return this.#serving.resource.inVersion;
  }

  async get(_context: RequestContext, key: ObjectKey, options: { resourceVersion?: string; subresource?: string } = {}): Promise<Entry> {
    const { resource, scaling } = this.#serving;
    try {
      const found = await findEntry(resource, key, options.resourceVersion);
      if (!found) throw notFound(this.declaration, key.name);
      const entry = await this.#view(found);
      return options.subresource === 'scale' ? new ScaleEntry(entry, scaling) : entry;
    } catch (error) {
      throw storeFailure(error);
    }
  }

  async list(_context: RequestContext, query: ListQuery): Promise<ListPage> {
    try {
      const page = await this.#serving.select(query);
      return { ...page, entries: await this.#views(page.entries) };
    } catch (error) {
      throw storeFailure(error);
    }
  }

  async history(key: ObjectKey, query: HistoryQuery): Promise<History> {
    const { resource, view } = this.#serving;
    try {
      const past = await historyOf(resource, key, query);
      await this.#serving.prepare?.(past.entries.flatMap(({ entry }) => entry ?? []));
      return { ...past, entries: past.entries.map((each) => ({ ...each, entry: each.entry && view(each.entry) })) };
    } catch (error) {
      throw storeFailure(error);
    }
  }

  watch(_context: RequestContext, query: WatchQuery): AsyncIterable<readonly RegistryEvent[]> {
    return withoutStoreErrors(this.#serving.watch(query));
  }

  async create(context: RequestContext, namespace: string, object: KubeObject): Promise<Entry> {
    try {
      return await this.#view(await this.#serving.create({ declaration: this.declaration, context, namespace }, object));
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
    const { resource, scaling, special } = this.#serving;
    const call = { ...options, declaration: this.declaration, context, key };
    try {
      if (options.subresource === 'scale') {
        const scaled = await updateScale(resource, { ...call, ...(scaling ? { scaling } : {}) }, change);
        return { entry: new ScaleEntry(await this.#view(scaled), scaling), created: false };
      }
      const write = special?.[options.subresource ?? ''];
      if (write) return await write(resource, call, change);
      const { entry, created } = await this.#serving.update(call, change);
      return { entry: await this.#view(entry), created };
    } catch (error) {
      throw storeFailure(error);
    }
  }

  async delete(context: RequestContext, key: ObjectKey, options: DeleteOptions): Promise<{ entry: Entry; gone: boolean }> {
    try {
      const { entry, gone } = await deleteEntry(this.#serving.resource, { declaration: this.declaration, context, key }, options);
      return { entry: await this.#view(entry), gone };
    } catch (error) {
      throw storeFailure(error);
    }
  }

  async deleteCollection(context: RequestContext, query: ListQuery, options: DeleteOptions): Promise<readonly Entry[]> {
    try {
      const call = { declaration: this.declaration, context, select: () => this.#serving.select(query) };
      return await this.#views(await deleteEntries(this.#serving.resource, call, options));
    } catch (error) {
      throw storeFailure(error);
    }
  }

  #view(entry: StoredEntry): Entry | Promise<Entry> {
    const serving = this.#serving;
    return serving.prepare ? serving.prepare([entry]).then(() => serving.view(entry)) : serving.view(entry);
  }

  async #views(entries: readonly StoredEntry[]): Promise<readonly Entry[]> {
    const { view } = this.#serving;
    await this.#serving.prepare?.(entries);
    return view === storedView ? entries : entries.map(view);
  }
}

/** Entries as they are stored. One function, so that all watches that see them share a channel. */
export const storedView: View = (entry) => entry;
