import { isNotFound } from '../../api/errors.ts';
import { type Filter, filterOf, scopeOf } from '../cache/filter.ts';
import type { ListQuery, WatchQuery } from '../contract.ts';
import type { Resource } from '../resource.ts';
import { type Serving, storedView } from '../served-storage.ts';
import type { StoredEntry } from '../stored-entry.ts';
import type { Scaling } from '../subresources/scale.ts';
import { createEntry } from '../verbs/create.ts';
import { listEntries, type Page } from '../verbs/list.ts';
import { type Updated, updateEntry } from '../verbs/update.ts';
import { watchEntries } from '../verbs/watch.ts';
import { ConvertedBatches } from './converted-watch.ts';
import type { CreationGate } from './creation-gate.ts';
import type { CustomVersion } from './custom-version.ts';

export interface CustomServingOptions {
  /** Works on objects in the version that is served. */
  readonly resource: Resource;
  readonly gate: CreationGate;
  readonly version: CustomVersion;
  readonly scaling: Scaling | undefined;
}

/** A custom resource at one version. */
export function customServing({ resource, gate, version, scaling }: CustomServingOptions): Serving {
  const { declaration } = resource;
  const batches = new ConvertedBatches(version);
  const { prepare } = version;
  return {
    resource,
    view: version.view,
    scaling,
    ...(prepare ? { prepare: (entries) => prepare.call(version, entries) } : {}),
    select: (query) => select(query, resource, version),
    watch(query: WatchQuery) {
      if (!version.prepare) return watchEntries(resource, version.view, query);
      const filter = filterOf(query, declaration, undefined);
      return batches.of(watchEntries(resource, storedView, query, scopeOf(filter)), filter);
    },
    create: (call, object) => gate.pass(declaration, object.metadata?.name ?? '', () => createEntry(resource, call, object)),
    async update({ createIfMissing = false, ...call }, change) {
      const update = (mayCreate: boolean): Promise<Updated> => updateEntry(resource, { ...call, createIfMissing: mayCreate }, change);
      const pass = (): Promise<Updated> => gate.pass(declaration, call.key.name, () => update(true));
      if (!createIfMissing) return update(false);
      if (gate.open) return pass();
      // What is there can still be changed; what is not finds the gate shut.
      try {
        return await update(false);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        return pass();
      }
    },
  };
}

/** By the objects of this version: they are converted before they are judged, where a query judges them at all. */
async function select(query: ListQuery, resource: Resource, version: CustomVersion): Promise<Page> {
  const filter = filterOf(query, resource.declaration, undefined);
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

/** The namespace and the name of a filter, as a query. */
function scopeQuery({ namespace, name }: Filter): Pick<ListQuery, 'namespace' | 'fields'> {
  return { namespace, ...(name === undefined ? {} : { fields: [{ field: 'metadata.name', value: name, equal: true }] }) };
}
