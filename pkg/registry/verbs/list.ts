/**
 * Lists and their pages. The first page comes from the cache; the others, and every read of the past, from the store
 * at the revision of the first, so that all pages show one state. Once that revision is compacted the list is
 * `Expired`, with a token that goes on from the same place in the present.
 */
import { ApiError, badRequest, invalid, isExpired } from '../../api/errors.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { forbiddenField, unsupportedField } from '../../runtime/field-errors.ts';
import { sortKey } from '../../storage/key-order.ts';
import { isStoreError } from '../../storage/store.ts';
import { type Filter, filterOf } from '../cache/filter.ts';
import { tooLargeResourceVersion } from '../cache/store-failure.ts';
import type { ListQuery } from '../contract.ts';
import type { Resource } from '../resource.ts';
import type { StoredEntry } from '../stored-entry.ts';
import { formatContinue, parseContinue } from './continue-token.ts';
import { parseResourceVersion } from './get.ts';

export interface Page {
  readonly entries: readonly StoredEntry[];
  readonly revision: number;
  readonly continue?: string;
  readonly remaining?: number;
}

/** Items read from the store at once while a selective list looks for enough that match. */
const storeStep = 1_000;

export async function listEntries(resource: Resource, query: ListQuery): Promise<Page> {
  const { cache } = resource;
  checkListOptions(query);
  const filter = filterOf(query, resource.declaration, resource.indexedField);
  const limit = query.limit && query.limit > 0 ? query.limit : undefined;

  if (query.continue) {
    const token = parseContinue(query.continue);
    const { revision } = token;
    const after = scopeOf(filter) + token.after;
    if (revision === -1) return listNow(resource, filter, limit, after);
    await cache.ready(false);
    return listAt(resource, filter, { revision, limit, after, paging: true });
  }
  const asked = parseResourceVersion(query.resourceVersion);
  // A limit with a revision means that very revision: what was before there was a way to say so.
  const exact = query.resourceVersionMatch === 'Exact' || (!query.resourceVersionMatch && limit !== undefined);
  if (asked !== undefined && asked > 0) {
    await cache.ready(false);
    if (asked > cache.revision) await (exact ? resource.environment.feed.fresh() : reachFresh(resource, asked));
    if (exact) return listAt(resource, filter, { revision: asked, limit, after: undefined, paging: false });
    return listCached(resource, filter, limit, undefined);
  }
  if (asked === 0) {
    await cache.ready(false);
    // What is at hand comes whole, as Kubernetes' watch cache gives it.
    return listCached(resource, filter, undefined, undefined);
  }
  return listNow(resource, filter, limit, undefined);
}

/** Waits for a revision that this server has not seen; asks the store first, since it may be there already. */
async function reachFresh(resource: Resource, asked: number): Promise<void> {
  await resource.environment.feed.fresh();
  await resource.environment.feed.reach(asked);
}

/** As fresh as the store. */
async function listNow(resource: Resource, filter: Filter, limit: number | undefined, after: string | undefined): Promise<Page> {
  if (await resource.cache.ready(true)) return listCached(resource, filter, limit, after);
  for (let tries = 1; ; tries++) {
    const revision = await resource.environment.store.revision();
    try {
      return await listAt(resource, filter, { revision, limit, after, paging: false });
    } catch (error) {
      // What was newest a moment ago can be compacted by now; the present never is.
      if (tries === maxTries || !isExpired(error)) throw error;
    }
  }
}

const maxTries = 5;

/** What the cache holds, told as the state at `revision`. */
function listCached(
  resource: Resource,
  filter: Filter,
  limit: number | undefined,
  after: string | undefined,
  revision = resource.cache.revision,
): Page {
  const { cache } = resource;
  const entries: StoredEntry[] = [];
  let more = false;
  cache.scan(filter, after === undefined ? undefined : sortKey(cache.keyOfPath(after)), (entry) => {
    more = entries.length === limit;
    if (!more) entries.push(entry);
    return !more;
  });
  if (!more) return { entries, revision };
  const last = pathOf(resource, entries.at(-1) as StoredEntry);
  const remaining = cache.count(filter.namespace, sortKey(cache.keyOfPath(last)));
  return { entries, revision, continue: tokenOf(filter, revision, last), ...(filter.selective ? {} : { remaining }) };
}

interface PastOptions {
  readonly revision: number;
  readonly limit: number | undefined;
  readonly after: string | undefined;
  readonly paging: boolean;
}

async function listAt(resource: Resource, filter: Filter, options: PastOptions): Promise<Page> {
  const { revision, limit, after } = options;
  const { cache, environment } = resource;
  // No list has been at that revision yet: nobody was given such a token.
  const fromFuture = (): ApiError =>
    options.paging
      ? badRequest('invalid continue token: continue key is not valid: its resourceVersion is in the future')
      : tooLargeResourceVersion(revision, cache.revision);
  if (!Number.isSafeInteger(revision)) throw fromFuture();
  if (options.paging && environment.pageAge.isOver(revision)) throw expiredPage(tokenOf(filter, -1, after as string));
  try {
    // Where nothing has changed since, the present is that past; but only as long as the store keeps it.
    const kept = (await environment.store.compactedRevision()) <= revision;
    if (kept && cache.changedAt <= revision && revision <= cache.revision) return listCached(resource, filter, limit, after, revision);
    return await readPast(resource, filter, options);
  } catch (error) {
    if (isStoreError(error, 'FutureRevision')) throw fromFuture();
    if (isStoreError(error, 'Compacted')) throw options.paging ? expiredPage(tokenOf(filter, -1, after as string)) : expiredList();
    throw error;
  }
}

async function readPast(resource: Resource, filter: Filter, options: PastOptions): Promise<Page> {
  const { revision, limit, after } = options;
  const { cache, environment } = resource;
  const range = cache.rangeOf(filter.namespace);
  const entries: StoredEntry[] = [];
  const first = after === undefined ? range.start : `${cache.keyOfPath(after)}\0`;
  let start = sortKey(first) < sortKey(range.start) ? range.start : first;
  for (;;) {
    // One more than wanted tells whether there is a next page.
    const step = limit === undefined ? storeStep : filter.selective ? Math.max(storeStep, limit) : limit - entries.length + 1;
    const read = await environment.store.list({ ...range, start }, { revision, limit: step });
    for (const [i, item] of read.items.entries()) {
      const entry = cache.entryFor(item.key, item.value, item.modRevision);
      if (filter.selective && !selects(filter, entry)) continue;
      if (entries.length === limit) {
        const last = pathOf(resource, entries.at(-1) as StoredEntry);
        const remaining = read.count - i;
        return { entries, revision, continue: tokenOf(filter, revision, last), ...(filter.selective ? {} : { remaining }) };
      }
      entries.push(entry);
    }
    if (read.items.length >= read.count) return { entries, revision };
    start = `${(read.items.at(-1) as { key: string }).key}\0`;
  }
}

function selects(filter: Filter, entry: StoredEntry): boolean {
  return (
    (filter.name === undefined || entry.peek().metadata.name === filter.name) && (filter.matches === undefined || filter.matches(entry))
  );
}

function pathOf(resource: Resource, entry: StoredEntry): string {
  const object = entry.peek();
  return resource.declaration.namespaced ? `${object.metadata.namespace}/${object.metadata.name}` : object.metadata.name;
}

/** A token says where in its own list to go on: that of one namespace leads nowhere in another. */
function scopeOf({ namespaced, namespace }: Filter): string {
  return namespaced && namespace !== '' ? `${namespace}/` : '';
}

function tokenOf(filter: Filter, revision: number, last: string): string {
  return formatContinue({ revision, after: last.slice(scopeOf(filter).length) });
}

function expiredList(): ApiError {
  return new ApiError('Expired', 'The resourceVersion for the provided list is too old.');
}

function expiredPage(token: string): ApiError {
  const message =
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
    'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
    'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
    'deleted between the time the first chunk was returned and now may show up in the list.';
  return new ApiError('Expired', message, { metadata: { continue: token } });
}

/** The combinations of list options that have no meaning. */
function checkListOptions(query: ListQuery): void {
  const { resourceVersion = '', resourceVersionMatch: match } = query;
  if (match) checkMatch(query, match);
  if (query.continue && resourceVersion !== '' && resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
}

function checkMatch(query: ListQuery, match: string): void {
  const { resourceVersion = '' } = query;
  const causes: StatusCause[] = [];
  const field = 'resourceVersionMatch';
  if (resourceVersion === '') causes.push(forbiddenField(field, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
  if (query.continue) causes.push(forbiddenField(field, 'resourceVersionMatch is forbidden when continue is provided'));
  if (match !== 'Exact' && match !== 'NotOlderThan') causes.push(unsupportedField(field, match, ['Exact', 'NotOlderThan', '']));
  if (match === 'Exact' && resourceVersion === '0') {
    causes.push(forbiddenField(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  if (causes.length > 0) throw invalid(listOptions, '', causes);
}

export const listOptions = { group: 'meta.k8s.io', kind: 'ListOptions' };
