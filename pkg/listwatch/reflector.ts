/**
 * ListWatch: everything there is, then every change to it, as one stream of batches that outlives servers.
 *
 *   list (in pages) → watch from the list's revision → the server ends it or it breaks → watch again from the last
 *   revision seen → … → that revision is no longer kept (410) → list again
 *
 * Guarantees:
 *  - the stream, folded, equals the server's state: nothing is missed and nothing comes twice, whatever breaks;
 *  - memory is bounded by one page or one batch: the next is asked for when the consumer has taken the last one;
 *  - a failure waits (exponential back-off with jitter) and goes on; only `maxRetries` failures in a row end it.
 * client-go: tools/cache Reflector.
 */
import { ApiError, isApiError, isExpired, qualifiedResource } from '../api/errors.ts';
import type { Status } from '../api/generated/meta-v1.ts';
import type { KubeObject, ResourceRef } from '../api/object.ts';
import { Backoff } from './backoff.ts';
import type { Environment, InformerOptions, RetryOptions } from './contract.ts';
import { pause } from './pause.ts';
import { type ReflectorMetrics, reflectorMetrics } from './reflector-metrics.ts';

export type ObjectEvent<T> = { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T };

/**
 * `page`: a part of a list; after the `last` one, what was in no page since the `first` is gone.
 * `events`: changes in the server's order. `revision` is that up to which all is known.
 */
export type Delta<T> =
  | { readonly type: 'page'; readonly objects: readonly T[]; readonly first: boolean; readonly last: boolean; readonly revision: string }
  | { readonly type: 'events'; readonly events: readonly ObjectEvent<T>[]; readonly revision: string };

/** Between client-go's (800 ms to 30 s) and what a cluster that starts in two seconds needs. */
export const defaultRetry: RetryOptions = { initialMs: 100, maxMs: 30_000, factor: 2, jitter: 1, maxRetries: Infinity };

/** Objects asked for at once, as in client-go. */
const pageSize = 500;
/** A watch that ends sooner, without an event, is a server that is not well: it counts as a failure. */
const shortSessionMs = 1_000;
/** A watch lasts 5 to 10 minutes, at random, so that clients spread over the servers there are. */
const sessionSeconds = 300;

export type ReflectOptions<T> = Pick<InformerOptions<T>, 'namespace' | 'labelSelector' | 'fieldSelector' | 'retry'>;

/** Ends when the signal is aborted; throws the last error once `maxRetries` is exceeded. */
export async function* reflect<T extends KubeObject>(
  env: Environment,
  ref: ResourceRef<T>,
  options: ReflectOptions<T> & { readonly signal: AbortSignal },
): AsyncGenerator<Delta<T>, void, void> {
  const { signal } = options;
  const retry = { ...defaultRetry, ...options.retry };
  const name = nameOf(ref, options);
  const metrics = reflectorMetrics(env.metrics, { resource: qualifiedResource(ref), selector: name.slice(qualifiedResource(ref).length) });
  const random = env.random.fork(`reflector/${name}`);
  const backoff = new Backoff(retry, random);
  const source: Source<T> = { env, ref, options, metrics, random: () => random.next() };
  const position: Position = { revision: undefined, healthy: false };
  let lists = 0;
  let watches = 0;

  while (!signal.aborted) {
    let operation: 'list' | 'watch' = 'list';
    try {
      if (position.revision === undefined) {
        if (lists++ > 0) metrics.relist();
        yield* list(source, position);
      }
      operation = 'watch';
      if (watches++ > 0) metrics.reconnect();
      metrics.connected(true);
      yield* watch(source, position);
      backoff.reset();
    } catch (error) {
      if (signal.aborted) return;
      if (position.healthy) backoff.reset();
      const expired = isExpired(error);
      if (expired) position.revision = undefined;
      const fresh = backoff.attempts === 0;
      const wait = Math.max(backoff.next(), retryAfterMs(error));
      metrics.failed(operation, isApiError(error) ? error.reason : 'Unknown');
      if (backoff.attempts > retry.maxRetries) throw error;
      env.log.debug(`${operation} failed`, { resource: name, error, attempt: backoff.attempts, waitMs: wait });
      metrics.connected(false);
      // A revision that is no longer kept is nobody's fault the first time: list again at once.
      if (!(expired && fresh)) await pause(env.clock, wait, signal);
    } finally {
      metrics.connected(false);
    }
  }
}

interface Source<T extends KubeObject> {
  readonly env: Environment;
  readonly ref: ResourceRef<T>;
  readonly options: ReflectOptions<T> & { readonly signal: AbortSignal };
  readonly metrics: ReflectorMetrics;
  random(): number;
}
interface Position {
  /** Everything up to here has been delivered; undefined: list first. */
  revision: string | undefined;
  /** The present watch has shown that the server is well: it brought something new, or lasted. */
  healthy: boolean;
}

async function* list<T extends KubeObject>(source: Source<T>, position: Position): AsyncGenerator<Delta<T>, void, void> {
  const { env, ref, metrics, options } = source;
  const began = env.clock.monotonic();
  position.healthy = false;
  const query = { ...selection(options), signal: options.signal };
  const resource = env.client.resource(ref);
  let page = await resource.list({ ...query, limit: pageSize });
  let items = 0;
  for (let first = true; ; first = false) {
    const next = page.metadata.continue;
    items += page.items.length;
    const revision = page.metadata.resourceVersion ?? '';
    yield { type: 'page', objects: page.items, first, last: !next, revision };
    if (!next) {
      position.revision = revision;
      break;
    }
    try {
      page = await resource.list({ ...query, limit: pageSize, continue: next });
    } catch (error) {
      if (!isExpired(error)) throw error;
      // The pages' common revision has been compacted away: once more from the start, and in one piece.
      page = await resource.list(query);
      items = page.items.length;
      position.revision = page.metadata.resourceVersion ?? '';
      yield { type: 'page', objects: page.items, first: true, last: true, revision: position.revision };
      break;
    }
  }
  metrics.listed((env.clock.monotonic() - began) / 1000, items);
  metrics.revision(position.revision ?? '');
}

async function* watch<T extends KubeObject>(source: Source<T>, position: Position): AsyncGenerator<Delta<T>, void, void> {
  const { env, ref, metrics, options } = source;
  const { signal } = options;
  const began = env.clock.monotonic();
  position.healthy = false;
  let count = 0;
  metrics.watchStarted();
  const sinceMs = (): number => env.clock.monotonic() - began;
  try {
    const batches = env.client.resource(ref).watch({
      ...selection(options),
      signal,
      resourceVersion: position.revision as string,
      allowWatchBookmarks: true,
      timeoutSeconds: Math.floor(sessionSeconds * (1 + source.random())),
    });
    for await (const batch of batches) {
      const events: ObjectEvent<T>[] = [];
      let revision = position.revision as string;
      for (const event of batch) {
        metrics.event(event.type);
        if (event.type === 'ERROR') throw ApiError.fromStatus(event.object as Partial<Status>, 500);
        revision = event.object.metadata.resourceVersion;
        if (event.type !== 'BOOKMARK') events.push({ type: event.type, object: event.object });
      }
      count += batch.length;
      if (events.length > 0) {
        const received = env.clock.monotonic();
        yield { type: 'events', events, revision };
        metrics.delivered((env.clock.monotonic() - received) / 1000);
      }
      // A bookmark that tells nothing new is no sign of life: a server could send one at once and hang up.
      if (revision !== position.revision) position.healthy = true;
      position.revision = revision;
      metrics.revision(revision);
    }
  } finally {
    if (sinceMs() >= shortSessionMs) position.healthy = true;
    metrics.watchEnded(sinceMs() / 1000, count, !position.healthy);
  }
  if (!signal.aborted && !position.healthy) {
    throw new ApiError(
      'ServiceUnavailable',
      `the watch of ${nameOf(ref, options)} ended after ${Math.round(sinceMs())} ms without an event`,
    );
  }
}

function selection<T>({
  namespace,
  labelSelector,
  fieldSelector,
}: ReflectOptions<T>): Partial<Record<'namespace' | 'labelSelector' | 'fieldSelector', string>> {
  return { ...(namespace ? { namespace } : {}), ...(labelSelector ? { labelSelector } : {}), ...(fieldSelector ? { fieldSelector } : {}) };
}

/** What tells one reflector from another, in logs, metrics and the informer factory: `pods/default?spec.nodeName=a`. */
export function nameOf<T>(ref: { readonly group: string; readonly resource: string }, options: ReflectOptions<T>): string {
  const { namespace, labelSelector, fieldSelector } = options;
  const selectors = [labelSelector, fieldSelector].filter(Boolean).join('&');
  return `${qualifiedResource(ref)}${namespace ? `/${namespace}` : ''}${selectors ? `?${selectors}` : ''}`;
}

/** What a server that is too busy asks for (429, 503 with Retry-After); 0 if it asks for nothing. */
function retryAfterMs(error: unknown): number {
  return isApiError(error) ? (error.details?.retryAfterSeconds ?? 0) * 1000 : 0;
}
