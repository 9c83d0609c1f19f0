import { conflict, invalid, notFound } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import { equalValues } from '../../runtime/values.ts';
import type { Change, ObjectKey, RequestContext, ResourceDeclaration, UpdateOptions } from '../contract.ts';
import { assign, metadataOf, type Raw, raw, text } from '../raw.ts';
import type { Resource } from '../resource.ts';
import { StoredEntry } from '../stored-entry.ts';
import type { Strategy } from '../strategy.ts';
import { defaultObject, validateTypes } from '../typing.ts';
import { createEntry } from './create.ts';
import { findEntry } from './get.ts';
import { admit, checkIdentity, commit, draftOf, maxTries, mutate, staleConflict, strategyContext, type Write } from './write.ts';

export interface UpdateCall extends UpdateOptions {
  readonly declaration: ResourceDeclaration;
  readonly context: RequestContext;
  readonly key: ObjectKey;
}
export interface Updated {
  readonly entry: StoredEntry;
  readonly created: boolean;
}

/**
 * Writes what `change` makes of the current object, as often as it takes: after a conflict everything begins again
 * from the object that is there then. A change that changes nothing is not written.
 */
export async function updateEntry(resource: Resource, call: UpdateCall, change: Change): Promise<Updated> {
  const { key, declaration, context } = call;
  for (let tries = 1; tries <= maxTries; tries++) {
    const current = await findEntry(resource, key);
    if (!current) {
      const creates = call.createIfMissing && (call.managesFields || resource.strategy.createOnUpdate) && !call.subresource;
      if (!creates) throw notFound(declaration, key.name);
      const object = await change(undefined);
      const options = { declaration, context, namespace: key.namespace, name: key.name };
      return { entry: await createEntry(resource, { ...options, managesFields: call.managesFields ?? false }, object), created: true };
    }
    const entry = await attempt(resource, call, current, change);
    if (entry) return { entry, created: false };
  }
  throw conflict(declaration, key.name, 'it is being changed too often; please try again');
}

/** undefined: somebody else was faster. */
async function attempt(resource: Resource, call: UpdateCall, current: StoredEntry, change: Change): Promise<StoredEntry | undefined> {
  const { environment, declaration, strategy, format, cache } = resource;
  const { context, key, subresource = '' } = call;
  const now = environment.clock.now();
  const write: Write = { resource, declaration: call.declaration, context, key, subresource, operation: 'UPDATE', now };
  const old = current.object;

  const draft = draftOf(await change(old));
  checkUpdate(call, strategy, draft, current);
  draft['apiVersion'] = format.apiVersion;
  draft['kind'] = format.kind;
  defaultObject(declaration, draft);
  const object = await mutate(write, draft, old);
  prepare(resource, write, object, old);
  defaultObject(declaration, object);
  if (equalValues(object, old)) {
    return current;
  }
  const companions = (await strategy.companions?.(object, raw(old), strategyContext(write))) ?? [];

  const causes = validateTypes(declaration, object);
  causes.push(...(subresource === '' ? (strategy.validate?.(object) ?? []) : []));
  causes.push(...(strategy.validateUpdate?.(object, raw(old), subresource) ?? []));
  if (causes.length > 0) throw invalid(declaration, key.name, causes);
  await admit(write, object, old);
  for (const warning of strategy.warnings?.(object, raw(old)) ?? []) context.warn(warning);

  const storeKey = cache.keyOf(key.namespace, key.name);
  const expect = current.revision;
  if (goesAway(object, strategy)) {
    const released = (await strategy.companions?.(undefined, object, strategyContext(write))) ?? [];
    const last = new StoredEntry(format, format.encode(object), current.revision);
    if (context.dryRun) return last;
    const result = await commit(write, [{ key: storeKey, value: undefined, expect }, ...released]);
    return result.ok ? last.at(result.revision) : undefined;
  }
  const value = format.encode(object);
  if (context.dryRun) return new StoredEntry(format, value, current.revision);
  environment.written.announce(value, object);
  const result = await commit(write, [{ key: storeKey, value, expect }, ...companions]);
  return result.ok ? environment.written.entry(format, value, result.revision) : undefined;
}

/** What was asked for must be about this object, and about this state of it. */
function checkUpdate(call: UpdateCall, strategy: Strategy, draft: Raw, current: StoredEntry): void {
  const { declaration, key } = call;
  const metadata = metadataOf(draft);
  checkIdentity(declaration, key, draft);
  if (text(metadata['name']) === '') metadata['name'] = key.name;
  if (metadata['name'] !== key.name) {
    throw conflict(
      declaration,
      key.name,
      `the name of the object (${text(metadata['name'])}) does not match the name on the URL (${key.name})`,
    );
  }
  const uid = text(metadata['uid']);
  if (uid !== '' && uid !== current.object.metadata.uid) {
    throw conflict(
      declaration,
      key.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.object.metadata.uid}`,
    );
  }
  const asked = text(metadata['resourceVersion']);
  if (asked !== '' && asked !== '0' && asked !== String(current.revision)) throw staleConflict(declaration, key.name);
  void strategy;
}

/** Metadata that only the server sets, the status or all but the status, and what the strategy says. */
function prepare(resource: Resource, write: Write, object: Raw, old: KubeObject): void {
  const { strategy, declaration } = resource;
  const before = raw(old);
  const metadata = metadataOf(object);
  const was = metadataOf(before);
  for (const field of serverFields) assign(metadata, field, was[field]);
  const context = strategyContext(write);
  if (write.subresource === '') {
    if (declaration.subresources['status']) assign(object, 'status', before['status']);
    strategy.prepareUpdate?.(object, before, context);
  } else {
    const special = strategy.prepareSubresource?.[write.subresource];
    if (special) special(object, before, context);
    else if (write.subresource === 'status') keepAllButStatus(object, before);
  }
  const changed = strategy.generation === true ? changedBeyondStatus : strategy.generation;
  if (changed && write.subresource === '') {
    const generation = Number(was['generation'] ?? 0);
    metadata['generation'] = changed(object, before) ? generation + 1 : generation;
  }
}

const serverFields = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'resourceVersion',
  'generateName',
  'selfLink',
];

/** A status write cannot touch anything else, but for the metadata that describes. */
function keepAllButStatus(object: Raw, old: Raw): void {
  for (const key of Object.keys(object)) if (key !== 'status' && key !== 'metadata' && !(key in old)) delete object[key];
  for (const key of Object.keys(old)) if (key !== 'status' && key !== 'metadata') object[key] = old[key];
}

function changedBeyondStatus(next: Raw, old: Raw): boolean {
  const ignored = new Set(['metadata', 'status', 'apiVersion', 'kind']);
  const keys = new Set([...Object.keys(next), ...Object.keys(old)]);
  for (const key of keys) if (!ignored.has(key) && !equalValues(next[key], old[key])) return true;
  return false;
}

/** It was being deleted, and nothing holds it any more. */
export function goesAway(object: Raw, strategy: Strategy): boolean {
  const metadata = metadataOf(object);
  if (!metadata['deletionTimestamp'] || (Array.isArray(metadata['finalizers']) && metadata['finalizers'].length > 0)) return false;
  const grace = metadata['deletionGracePeriodSeconds'];
  return (grace === undefined || grace === 0) && !strategy.holdsDeletion?.(object);
}
