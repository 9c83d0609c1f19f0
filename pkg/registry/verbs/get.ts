import { badRequest } from '../../api/errors.ts';
import type { ObjectKey } from '../contract.ts';
import type { Resource } from '../resource.ts';
import type { StoredEntry } from '../stored-entry.ts';

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

/** Empty and absent: undefined. Throws BadRequest for what is no revision. One beyond 2^53 is none that will ever come. */
export function parseResourceVersion(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const wellFormed = /^\d+$/.test(text);
  if (!wellFormed || BigInt(text) >= 2n ** 64n) {
    const value = JSON.stringify(text);
    const why = `strconv.ParseUint: parsing ${value}: ${wellFormed ? 'value out of range' : 'invalid syntax'}`;
    throw badRequest(`invalid resource version: resourceVersion: Invalid value: ${value}: ${why}`);
  }
  return Number(text);
}
