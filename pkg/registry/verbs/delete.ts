/**
 * Deletion. What has finalizers, or a grace period to wait for, is only marked (`deletionTimestamp`) and goes away
 * with the write that takes the last of them off; everything else is gone at once.
 * https://kubernetes.io/docs/concepts/architecture/garbage-collection/
 */
import { conflict, invalid, notFound } from '../../api/errors.ts';
import type { DeleteOptions, StatusCause } from '../../api/generated/meta-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { formatTime } from '../../clock/clock.ts';
import { invalidField, unsupportedField } from '../../runtime/field-errors.ts';
import type { ObjectKey, RequestContext, ResourceDeclaration } from '../contract.ts';
import { assign, metadataOf, type Raw, raw, strings, text } from '../raw.ts';
import type { Resource, Strategy } from '../resource.ts';
import { StoredEntry } from '../stored-entry.ts';
import { findEntry } from './get.ts';
import { admit, commit, draftOf, encodeFor, liveOf, maxTries, strategyContext, type Write } from './write.ts';

export interface DeleteCall {
  readonly declaration: ResourceDeclaration;
  readonly context: RequestContext;
  readonly key: ObjectKey;
}
export interface Deleted {
  readonly entry: StoredEntry;
  readonly gone: boolean;
}

export async function deleteEntry(resource: Resource, call: DeleteCall, options: DeleteOptions): Promise<Deleted> {
  const { declaration, key } = call;
  checkDeleteOptions(options);
  for (let tries = 1; tries <= maxTries; tries++) {
    const current = await findEntry(resource, key);
    if (!current) throw notFound(declaration, key.name);
    const deleted = await attempt(resource, call, options, current);
    if (deleted) return deleted;
    resource.metrics.conflict();
  }
  throw conflict(declaration, key.name, 'it is being changed too often; please try again');
}

/** undefined: somebody else was faster. */
async function attempt(resource: Resource, call: DeleteCall, options: DeleteOptions, current: StoredEntry): Promise<Deleted | undefined> {
  const { environment, strategy, format, cache } = resource;
  const { context, key } = call;
  const dryRun = context.dryRun || (options.dryRun?.includes('All') ?? false);
  const now = environment.clock.now();
  const write: Write = { resource, declaration: call.declaration, context, key, subresource: '', operation: 'DELETE', now };
  const live = liveOf(resource, current);
  const old = live instanceof Promise ? await live : live;
  checkPreconditions(call.declaration, options, old);
  await admit(write, undefined, old);

  const storeKey = cache.keyOf(key.namespace, key.name);
  const expect = current.revision;
  const { state, object } = mark(strategy, options, old, now);
  if (state === 'pending') return { entry: current, gone: false };
  if (state === 'gone' && !object) {
    if (dryRun) return { entry: current, gone: true };
    const released = (await strategy.companions?.(undefined, raw(old), strategyContext(write))) ?? [];
    const result = await commit(write, [{ key: storeKey, value: undefined, expect }, ...released]);
    return result.ok ? { entry: current.at(result.revision), gone: true } : undefined;
  }
  const encoded = encodeFor(resource, object ?? raw(old));
  const { value, shaped } = encoded instanceof Promise ? await encoded : encoded;
  const gone = state === 'gone';
  if (dryRun) return { entry: new StoredEntry(format, value, current.revision), gone };
  if (gone) {
    const result = await commit(write, [{ key: storeKey, value: undefined, expect }]);
    return result.ok ? { entry: new StoredEntry(format, value, result.revision), gone } : undefined;
  }
  if (shaped) environment.written.announce(storeKey, value, shaped);
  const result = await commit(write, [{ key: storeKey, value, expect }]);
  return result.ok ? { entry: environment.written.entry(format, { key: storeKey, value, revision: result.revision }), gone } : undefined;
}

/** `pending`: it waits already, and nothing changes. `gone`: nothing holds it; with an `object`, that is how it went. */
interface Marked {
  readonly state: 'marked' | 'pending' | 'gone';
  readonly object?: Raw;
}

/** The object as it waits for its end, or has come to it. */
function mark(strategy: Strategy, options: DeleteOptions, old: KubeObject, now: number): Marked {
  const object = draftOf(old);
  const metadata = metadataOf(object);
  const grace = strategy.gracePeriod?.(old, options);
  const waiting = metadata['deletionTimestamp'] !== undefined;
  let ends: number | undefined;
  if (!waiting && grace !== undefined) {
    ends = grace;
    startDeletion(strategy, object, now, grace);
  } else if (waiting && grace !== undefined && Number(metadata['deletionGracePeriodSeconds'] ?? 0) > 0) {
    // The wait can only be made shorter, and finalizers are no longer up to whoever deletes again.
    ends = shortened(metadata, options, now);
    if (ends === undefined) return { state: 'pending' };
  }
  const before = strings(metadata['finalizers']);
  const finalizers = collectionFinalizers(strategy, options, before);
  assign(metadata, 'finalizers', finalizers.length > 0 ? finalizers : undefined);
  if (ends !== undefined) return { state: ends > 0 || held(strategy, object) ? 'marked' : 'gone', object };
  if (!held(strategy, object)) return { state: 'gone' };
  if (waiting) return before.join() === finalizers.join() ? { state: 'pending' } : { state: 'marked', object };
  startDeletion(strategy, object, now, 0);
  return { state: 'marked', object };
}

function startDeletion(strategy: Strategy, object: Raw, now: number, grace: number): void {
  const metadata = metadataOf(object);
  metadata['deletionTimestamp'] = formatTime(now + grace * 1000);
  metadata['deletionGracePeriodSeconds'] = grace;
  if (typeof metadata['generation'] === 'number' && metadata['generation'] > 0) metadata['generation']++;
  strategy.prepareDelete?.(object);
}

/** The seconds that are left of a wait, in place; undefined: it is as short already. What lies in the past is a second at least. */
function shortened(metadata: Raw, { gracePeriodSeconds }: DeleteOptions, now: number): number | undefined {
  const pending = Number(metadata['deletionGracePeriodSeconds']);
  if (gracePeriodSeconds === undefined) return undefined;
  let asked = gracePeriodSeconds < 0 ? 1 : gracePeriodSeconds;
  if (asked >= pending) return undefined;
  let end = Date.parse(text(metadata['deletionTimestamp'])) + (asked - pending) * 1000;
  if (end < now) {
    end = now;
    if (asked !== 0) asked = 1;
  }
  metadata['deletionTimestamp'] = formatTime(end);
  metadata['deletionGracePeriodSeconds'] = asked;
  return asked;
}

function held(strategy: Strategy, object: Raw): boolean {
  return strings(metadataOf(object)['finalizers']).length > 0 || (strategy.holdsDeletion?.(object) ?? false);
}

/** The two finalizers by which the garbage collector is told what to do with dependents first. */
function collectionFinalizers(strategy: Strategy, options: DeleteOptions, present: readonly string[]): string[] {
  const others = present.filter((finalizer) => finalizer !== 'orphan' && finalizer !== 'foregroundDeletion');
  if (strategy.collection === 'none') return others;
  let policy = options.propagationPolicy;
  if (options.orphanDependents !== undefined) policy = options.orphanDependents ? 'Orphan' : 'Background';
  if (policy === undefined) {
    if (present.includes('orphan')) policy = 'Orphan';
    else if (present.includes('foregroundDeletion')) policy = 'Foreground';
    else if (strategy.collection === 'orphan') policy = 'Orphan';
  }
  if (policy === 'Orphan') return [...others, 'orphan'];
  if (policy === 'Foreground') return [...others, 'foregroundDeletion'];
  return others;
}

function checkPreconditions({ group, kind }: ResourceDeclaration, { preconditions }: DeleteOptions, { metadata }: KubeObject): void {
  // Kubernetes names the kind, not the resource, in these two.
  const declaration = { group, resource: kind };
  if (preconditions?.uid !== undefined && preconditions.uid !== metadata.uid) {
    throw conflict(
      declaration,
      metadata.name,
      `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== metadata.resourceVersion) {
    throw conflict(
      declaration,
      metadata.name,
      `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
  }
}

const policies = ['Foreground', 'Background', 'Orphan'];

/** Throws Invalid. */
export function checkDeleteOptions(options: DeleteOptions): void {
  const causes: StatusCause[] = [];
  const { propagationPolicy, orphanDependents, dryRun } = options;
  if (propagationPolicy !== undefined && orphanDependents !== undefined) {
    causes.push(invalidField('propagationPolicy', propagationPolicy, 'orphanDependents and deletionPropagation cannot be both set'));
  }
  if (propagationPolicy !== undefined && !policies.includes(propagationPolicy)) {
    causes.push(unsupportedField('propagationPolicy', propagationPolicy, [...policies, 'nil']));
  }
  if (dryRun?.some((value) => value !== 'All')) causes.push(unsupportedField('dryRun', dryRun, ['All']));
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', causes);
}
