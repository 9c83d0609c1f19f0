import { ApiError } from '../../api/errors.ts';
import type { DeleteOptions } from '../../api/generated/meta-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { storeFailure, withoutStoreErrors } from '../cache/store-failure.ts';
import type {
  Change,
  CustomFacts,
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
import { listEntries } from '../verbs/list.ts';
import { updateEntry } from '../verbs/update.ts';
import { watchEntries } from '../verbs/watch.ts';
import type { CustomVersion } from './custom-version.ts';

export interface CustomStorageOptions {
  readonly resource: Resource;
  readonly facts: CustomFacts;
  readonly version: CustomVersion;
  readonly scaling: Scaling | undefined;
}

/** The verbs of a custom resource at one served version. */
export class CustomStorage implements ResourceStorage {
  readonly declaration: ResourceDeclaration;
  readonly #options: CustomStorageOptions;

  constructor(options: CustomStorageOptions) {
    this.declaration = options.resource.declaration;
    this.#options = options;
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
      const page = await listEntries(this.#options.resource, query);
      return { ...page, entries: await this.#views(page.entries) };
    });
  }

  watch(_context: RequestContext, query: WatchQuery): AsyncIterable<readonly RegistryEvent[]> {
    const { resource, version } = this.#options;
    return withoutStoreErrors(watchEntries(resource, version.view, query));
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
      this.#refuseWhenTerminating();
      const { resource } = this.#options;
      return this.#view(await createEntry(resource, { declaration: this.declaration, context, namespace }, object));
    });
  }

  async update(
    context: RequestContext,
    key: ObjectKey,
    change: Change,
    options: UpdateOptions = {},
  ): Promise<{ entry: Entry; created: boolean }> {
    return this.#carryOut(async () => {
      const { resource, scaling, facts } = this.#options;
      const call = { ...options, declaration: this.declaration, context, key };
      if (options.subresource === 'scale') {
        const scaled = await updateScale(resource, { ...call, ...(scaling ? { scaling } : {}) }, change);
        return { entry: new ScaleEntry(await this.#view(scaled), scaling), created: false };
      }
      const createIfMissing = (options.createIfMissing ?? false) && !facts.terminating;
      const updated = await updateEntry(resource, { ...call, createIfMissing }, change);
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
    return this.#carryOut(async () =>
      this.#views(await deleteEntries(this.#options.resource, { declaration: this.declaration, context }, query, options)),
    );
  }

  async #carryOut<T>(verb: () => Promise<T>): Promise<T> {
    try {
      return await verb();
    } catch (error) {
      throw storeFailure(error);
    }
  }

  #refuseWhenTerminating(): void {
    if (!this.#options.facts.terminating) return;
    throw new ApiError('MethodNotAllowed', 'create not allowed while custom resource definition is terminating', {
      details: { group: this.declaration.group, kind: this.declaration.resource },
    });
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
