import { conflict, invalid, notFound } from '../../api/errors.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { apiVersionOf, type KubeObject } from '../../api/object.ts';
import { invalidField } from '../../runtime/field-errors.ts';
import { copyValue, equalValues } from '../../runtime/values.ts';
import type { Change, ObjectKey, RequestContext, ResourceDeclaration, UpdateOptions } from '../contract.ts';
import { assign, metadataOf, objects, type Raw, raw, text } from '../raw.ts';
import { boundsOf } from '../reach.ts';
import type { Resource, Strategy } from '../resource.ts';
import { StoredEntry } from '../stored-entry.ts';
import { defaultObject, trackFields, validateMetadataAgain, validateTypesAgain } from '../typing.ts';
import { createEntry } from './create.ts';
import { findEntry } from './get.ts';
import {
  admit,
  checkIdentity,
  commit,
  draftOf,
  encodeFor,
  liveOf,
  maxTries,
  mutate,
  preconditionConflict,
  staleConflict,
  strategyContext,
  trackedWrite,
  type Write,
  withoutRepeatedOwners,
} from './write.ts';

export interface UpdateCall extends UpdateOptions {
  readonly declaration: ResourceDeclaration;
  readonly context: RequestContext;
  readonly key: ObjectKey;
  /** False where admission has already judged what this write follows from (a Scale, a Binding). */
  readonly admission?: boolean;
  /** False where what is written is the server's doing, which nobody owns: where a pod runs. */
  readonly tracked?: boolean;
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
  const { key, declaration, context, subresource = '' } = call;
  for (let tries = 1; tries <= maxTries; tries++) {
    const current = await findEntry(resource, key);
    if (!current) {
      const mayCreate = call.createIfMissing && subresource === '' && (call.managesFields || resource.strategy.createOnUpdate);
      if (!mayCreate) throw notFound(declaration, key.name);
      const object = await change(undefined);
      // Who names an identity has seen another object, which is gone.
      const uid = object.metadata?.uid;
      if (uid) throw gone(resource, call, uid);
      const options = { declaration, context, namespace: key.namespace, name: key.name, managesFields: call.managesFields ?? false };
      return { entry: await createEntry(resource, options, object), created: true };
    }
    const entry = await attempt(resource, call, current, change);
    if (entry) return { entry, created: false };
    resource.metrics.conflict();
  }
  throw conflict(declaration, key.name, 'it is being changed too often; please try again');
}

function gone(resource: Resource, call: UpdateCall, uid: string): Error {
  const { key, declaration, context } = call;
  if (call.managesFields) {
    return conflict(declaration, key.name, `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`);
  }
  const write: Write = { resource, declaration, context, key, subresource: '', operation: 'CREATE', now: 0 };
  return preconditionConflict(write, `UID in precondition: ${uid}, UID in object meta: `);
}

/** undefined: somebody else was faster. */
async function attempt(resource: Resource, call: UpdateCall, current: StoredEntry, change: Change): Promise<StoredEntry | undefined> {
  const { environment, declaration, strategy, format, cache } = resource;
  const { context, key, subresource = '' } = call;
  const now = environment.clock.now();
  const write: Write = { resource, declaration: call.declaration, context, key, subresource, operation: 'UPDATE', now };
  const live = liveOf(resource, current);
  const existing = live instanceof Promise ? await live : live;
  const old = raw(existing);

  const changed = await change(existing);
  const upToDate = !resource.turn?.outdated(current);
  if (changed === existing && upToDate) return current;
  const draft = draftOf(changed);
  checkUpdate(write, draft, current);
  const causes = immutableMetadata(metadataOf(draft), metadataOf(old), context);
  if (!statesChanges(context)) withoutRepeatedOwners(draft, context, 'before-admission');
  defaultObject(declaration, draft);
  if (!call.managesFields && call.tracked !== false) trackFields(resource, draft, old, trackedWrite(write));
  keepServerFields(resource, draft, old, subresource);
  const object = call.admission === false ? draft : await admitted(write, draft, existing);
  withoutRepeatedOwners(object, context, 'after-admission');
  prepare(write, object, old);
  if (causes.length === 0 && upToDate && isSame(object, old)) return current;
  const strategyCall = strategyContext(write);
  const companions = (await strategy.companions?.(object, old, strategyCall)) ?? [];

  const needed = strategy.prepareValidation?.(object);
  if (needed) await needed;
  causes.push(...validateMetadataAgain(declaration, object, { old, subresource }));
  const changes = strategy.validateUpdate?.(object, old, subresource) ?? [];
  if (strategy.changesFirst) causes.push(...changes);
  causes.push(...validateTypesAgain(declaration, object, { old, subresource }));
  if (subresource === '') causes.push(...(strategy.validate?.(object) ?? []));
  if (!strategy.changesFirst) causes.push(...changes);
  if (subresource === '') causes.push(...(strategy.validateAs?.(apiVersionOf(call.declaration), object, old) ?? []));
  if (causes.length > 0) throw invalid(declaration, key.name, causes);
  if (call.admission !== false) await admit(write, object, existing);
  for (const warning of strategy.warnings?.(object, old, subresource) ?? []) context.warn(warning);

  const storeKey = cache.keyOf(key.namespace, key.name);
  const expect = current.revision;
  const encoded = encodeFor(resource, object);
  const { value, shaped } = encoded instanceof Promise ? await encoded : encoded;
  if (goesAway(object, strategy)) {
    const last = new StoredEntry(format, value, current.revision);
    if (context.dryRun) return last;
    const released = (await strategy.companions?.(undefined, object, strategyCall)) ?? [];
    const result = await commit(write, [{ key: storeKey, value: undefined, expect }, ...released]);
    return result.ok ? last.at(result.revision) : undefined;
  }
  if (context.dryRun) return new StoredEntry(format, value, current.revision);
  if (shaped) environment.written.announce(storeKey, value, shaped);
  const result = await commit(write, [{ key: storeKey, value, expect }, ...companions]);
  return result.ok ? environment.written.entry(format, { key: storeKey, value, revision: result.revision }) : undefined;
}

async function admitted(write: Write, draft: Raw, old: KubeObject): Promise<Raw> {
  const { object, changed } = await mutate(write, draft, old);
  if (!changed) return object;
  keepServerFields(write.resource, object, raw(old), write.subresource);
  defaultObject(write.resource.declaration, object);
  return object;
}

/** What was asked for must be about this object, and about this state of it. */
function checkUpdate(write: Write, draft: Raw, current: StoredEntry): void {
  const { context, declaration, key } = write;
  const { strategy } = write.resource;
  const metadata = metadataOf(draft);
  const found = current.object.metadata;
  checkIdentity(declaration, key, draft);
  if (text(metadata['name']) === '') metadata['name'] = key.name;
  const name = text(metadata['name']);
  if (name !== key.name) throw invalid(declaration, key.name, [invalidField('metadata.name', name, 'field is immutable')]);
  const uid = text(metadata['uid']);
  if (uid !== '' && uid !== found.uid && !statesChanges(context)) {
    throw preconditionConflict(write, `UID in precondition: ${uid}, UID in object meta: ${found.uid}`);
  }
  const asked = text(metadata['resourceVersion']);
  if (asked === '' || asked === '0') {
    if (!strategy.needsResourceVersion) return;
    const { group, resource } = declaration;
    // Kubernetes names the resource, not the kind, in this one.
    throw invalid({ group, kind: resource }, key.name, [
      { reason: 'FieldValueInvalid', field: 'metadata.resourceVersion', message: 'Invalid value: 0: must be specified for an update' },
    ]);
  }
  if (asked !== String(current.revision)) throw staleConflict(declaration, key.name);
}

const serverFields = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'resourceVersion',
  'selfLink',
];

/** A patch states changes; everybody else states the object that he means. */
function statesChanges({ verb }: RequestContext): boolean {
  return verb === 'patch' || verb === 'apply';
}

/**
 * What only the server sets and a client states otherwise; most of it is simply not listened to. A PUT's identity is a
 * precondition and was checked as one.
 */
function immutableMetadata(next: Raw, old: Raw, context: RequestContext): StatusCause[] {
  const fields = [...(statesChanges(context) ? ['uid'] : []), ...(old['deletionTimestamp'] === undefined ? ['deletionTimestamp'] : [])];
  const causes = [...fields, 'deletionGracePeriodSeconds']
    .filter((field) => next[field] !== undefined && next[field] !== '' && next[field] !== old[field])
    .map((field) => invalidField(`metadata.${field}`, next[field], 'field is immutable'));
  // Kubernetes looks at it twice, once for every kind and once for the one, and says so.
  return [...causes, ...causes];
}

/** Identity and bookkeeping stay; so does the status, or all but the status, by what is written to. */
function keepServerFields({ declaration, strategy, format }: Resource, object: Raw, old: Raw, subresource: string): void {
  object['apiVersion'] = apiVersionOf(declaration);
  object['kind'] = format.kind;
  const metadata = metadataOf(object);
  const was = metadataOf(old);
  for (const field of [...serverFields, ...(boundsOf(declaration, subresource).keeps ?? [])]) assign(metadata, field, was[field]);
  if (subresource === '' || subresource !== 'status') {
    if (declaration.subresources['status'] && !strategy.prepareSubresource?.[subresource])
      assign(object, 'status', copyValue(old['status']));
    return;
  }
  for (const key of Object.keys(object)) if (key !== 'status' && key !== 'metadata' && !(key in old)) delete object[key];
  for (const key of Object.keys(old)) if (key !== 'status' && key !== 'metadata') object[key] = copyValue(old[key]);
}

function prepare(write: Write, object: Raw, old: Raw): void {
  const { strategy } = write.resource;
  const context = strategyContext(write);
  if (write.subresource === '') strategy.prepareUpdate?.(object, old, context);
  else strategy.prepareSubresource?.[write.subresource]?.(object, old, context);
  const changed = strategy.generation === true ? changedBeyondStatus : strategy.generation;
  if (!changed) return;
  const generation = Number(metadataOf(old)['generation'] ?? 0);
  const next = write.subresource !== 'status' && changed(object, old) ? generation + 1 : generation;
  assign(metadataOf(object), 'generation', strategy.countsChanges && next === 0 ? undefined : next);
}

/** But for the times in managedFields: an apply that changes nothing may bring a new one. */
function isSame(object: Raw, old: Raw): boolean {
  for (const key of new Set([...Object.keys(object), ...Object.keys(old)])) {
    if (key !== 'metadata' && !equalValues(object[key], old[key])) return false;
  }
  const a = metadataOf(object);
  const b = metadataOf(old);
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (key === 'managedFields' ? !equalValues(timeless(a[key]), timeless(b[key])) : !equalValues(a[key], b[key])) return false;
  }
  return true;
}

function timeless(managedFields: unknown): Raw[] {
  return objects(managedFields).map(({ time: _time, ...rest }) => rest);
}

const beside = new Set(['metadata', 'status', 'apiVersion', 'kind']);

function changedBeyondStatus(next: Raw, old: Raw): boolean {
  for (const key of new Set([...Object.keys(next), ...Object.keys(old)])) {
    if (!beside.has(key) && !equalValues(next[key], old[key])) return true;
  }
  return false;
}

/** It was being deleted, and nothing holds it any more. */
function goesAway(object: Raw, strategy: Strategy): boolean {
  const metadata = metadataOf(object);
  if (!metadata['deletionTimestamp'] || (Array.isArray(metadata['finalizers']) && metadata['finalizers'].length > 0)) return false;
  const grace = metadata['deletionGracePeriodSeconds'];
  return (grace === undefined || grace === 0) && !strategy.holdsDeletion?.(object);
}
