import { ApiError, invalid } from '../../api/errors.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { forbiddenField, unsupportedField } from '../../runtime/field-errors.ts';
import { type Filter, filterOf } from '../cache/filter.ts';
import type { View } from '../cache/watch-channel.ts';
import type { RegistryEvent, WatchQuery } from '../contract.ts';
import type { Resource } from '../resource.ts';
import { parseResourceVersion } from './get.ts';
import { listOptions } from './list.ts';

/**
 * Checked at once: throws BadRequest and Invalid. From where a watch starts, by what was asked:
 *  - no revision: what there is now, as fresh as the store, then what follows; `0`: the same from what is at hand;
 *  - a revision: what came after it;
 *  - sendInitialEvents: what there is, not older than the revision, then a bookmark that says so, then what follows;
 *    set to false, with no revision: only what follows.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-watch
 */
export function watchEntries(
  resource: Resource,
  view: View,
  query: WatchQuery,
  filter = filterOf(query, resource.declaration, resource.indexedField),
): AsyncGenerator<readonly RegistryEvent[], void> {
  checkWatchOptions(query);
  return events(resource, view, query, { filter, asked: parseResourceVersion(query.resourceVersion) });
}

interface Checked {
  readonly filter: Filter;
  readonly asked: number | undefined;
}

async function* events(
  { cache, environment }: Resource,
  view: View,
  { signal, sendInitialEvents, bookmarks, timeout }: WatchQuery,
  { filter, asked }: Checked,
): AsyncGenerator<readonly RegistryEvent[], void> {
  if (environment.feed.closed) throw new ApiError('ServiceUnavailable', 'the registry has been closed');
  await cache.ready(asked === undefined);
  if (signal.aborted) return;
  if (asked !== undefined && asked > cache.revision) {
    await environment.feed.fresh();
    await environment.feed.reach(asked);
  }
  let from = asked === undefined || asked === 0 ? undefined : asked;
  if (sendInitialEvents === true) from = undefined;
  else if (sendInitialEvents === false) from ??= cache.revision;
  // Whoever begins with what there is and takes bookmarks is told when that was all, whether asked for or not.
  const initialEnd = from === undefined && bookmarks;
  const schedule = timeout === undefined ? undefined : beforeEnd(environment, timeout);
  yield* cache.watch(filter, view, { from, initialEnd, bookmarks, signal, schedule });
}

/** Kubernetes' own margin. */
const lastBookmark = 2_000;

/** Calls back shortly before the watch's end, unless it is cancelled before; not for one that is that short. */
function beforeEnd({ clock }: Resource['environment'], timeout: number): ((bookmark: () => void) => () => void) | undefined {
  if (timeout <= lastBookmark) return undefined;
  return (bookmark) => {
    const timer = clock.setTimer(timeout - lastBookmark, bookmark);
    return () => timer.cancel();
  };
}

function checkWatchOptions({ sendInitialEvents, resourceVersionMatch: match, continue: token }: WatchQuery): void {
  const causes: StatusCause[] = [];
  const field = 'resourceVersionMatch';
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    causes.push(forbiddenField(field, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  }
  if (match) {
    if (sendInitialEvents === undefined) {
      causes.push(forbiddenField(field, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'));
    }
    if (match !== 'NotOlderThan') causes.push(unsupportedField(field, match, ['NotOlderThan']));
  }
  if (token) causes.push(forbiddenField(field, 'resourceVersionMatch is forbidden when continue is provided'));
  if (causes.length > 0) throw invalid(listOptions, '', causes);
}
