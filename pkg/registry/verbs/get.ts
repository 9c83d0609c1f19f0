import { badRequest, notFound } from '../../api/errors.ts';
import type { ObjectKey } from '../contract.ts';
import type { Resource } from '../resource.ts';
import type { StoredEntry } from '../stored-entry.ts';

/** Throws NotFound. */
export async function getEntry(resource: Resource, key: ObjectKey, resourceVersion?: string): Promise<StoredEntry> {
  const { declaration } = resource;
  const entry = await findEntry(resource, key, resourceVersion);
  if (!entry) throw notFound(declaration, key.name);
  return entry;
}

/** As of now, or not older than `resourceVersion`; `0`: what is at hand. */
export async function findEntry(resource: Resource, key: ObjectKey, resourceVersion = ''): Promise<StoredEntry | undefined> {
  const { cache, environment } = resource;
  const storeKey = cache.keyOf(key.namespace, key.name);
  const atLeast = parseResourceVersion(resourceVersion);
  const certain = await cache.ready(atLeast === undefined);
  if (!certain) {
    const { item } = await environment.store.get(storeKey);
    return item && cache.entryFor(storeKey, item.value, item.modRevision);
  }
  if (atLeast !== undefined && atLeast > cache.revision) await environment.feed.reach(atLeast);
  return cache.get(storeKey);
}

/** Empty and absent: undefined. Throws BadRequest for what is no revision. */
export function parseResourceVersion(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const revision = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(revision)) {
    throw badRequest(`invalid resource version: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  return revision;
}
