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
  const marked = mark(strategy, options, old, now);
  if (marked === 'gone') {
    if (dryRun) return { entry: current, gone: true };
    const released = (await strategy.companions?.(undefined, raw(old), strategyContext(write))) ?? [];
    const result = await commit(write, [{ key: storeKey, value: undefined, expect }, ...released]);
    return result.ok ? { entry: current.at(result.revision), gone: true } : undefined;
  }
  if (marked === 'pending') return { entry: current, gone: false };
  const encoded = encodeFor(resource, marked);
  const { value, shaped } = encoded instanceof Promise ? await encoded : encoded;
  if (dryRun) return { entry: new StoredEntry(format, value, current.revision), gone: false };
  if (shaped) environment.written.announce(storeKey, value, shaped);
  const result = await commit(write, [{ key: storeKey, value, expect }]);
  return result.ok
    ? { entry: environment.written.entry(format, { key: storeKey, value, revision: result.revision }), gone: false }
    : undefined;
}

/** The object as it waits for its end; `pending`: it waits already, and nothing changes; `gone`: nothing holds it. */
function mark(strategy: Strategy, options: DeleteOptions, old: KubeObject, now: number): Raw | 'pending' | 'gone' {
  const object = draftOf(old);
  const metadata = metadataOf(object);
  const grace = strategy.gracePeriod?.(old, options);
  if (metadata['deletionTimestamp'] !== undefined && grace !== undefined && typeof metadata['deletionGracePeriodSeconds'] === 'number') {
    // While it waits, the wait can only be made shorter; its finalizers are no longer up to whoever deletes.
    const pending = metadata['deletionGracePeriodSeconds'];
    const asked = options.gracePeriodSeconds === undefined ? pending : grace;
    if (asked >= pending) return pending === 0 && !held(strategy, object) ? 'gone' : 'pending';
    if (asked === 0 && !held(strategy, object)) return 'gone';
    const end = Date.parse(text(metadata['deletionTimestamp'])) + (asked - pending) * 1000;
    metadata['deletionTimestamp'] = formatTime(end);
    metadata['deletionGracePeriodSeconds'] = asked;
    return object;
  }
  const finalizers = collectionFinalizers(strategy, options, strings(metadata['finalizers']));
  assign(metadata, 'finalizers', finalizers.length > 0 ? finalizers : undefined);
  const waits = grace !== undefined && grace > 0;
  if (!waits && !held(strategy, object)) return 'gone';
  if (metadata['deletionTimestamp'] === undefined) {
    metadata['deletionTimestamp'] = formatTime(now + (grace ?? 0) * 1000);
    metadata['deletionGracePeriodSeconds'] = grace ?? 0;
    if (typeof metadata['generation'] === 'number' && metadata['generation'] > 0) metadata['generation']++;
    strategy.prepareDelete?.(object);
  } else if (strings(raw(old)['metadata'] && metadataOf(raw(old))['finalizers']).join() === finalizers.join()) {
    return 'pending';
  }
  return object;
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

function checkPreconditions(declaration: ResourceDeclaration, { preconditions }: DeleteOptions, { metadata }: KubeObject): void {
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
