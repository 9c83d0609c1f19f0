/** The steps that creates, updates and deletes share on their way to the store. */
import { badRequest, conflict, InvariantError } from '../../api/errors.ts';
import { apiVersionOf, type KubeObject } from '../../api/object.ts';
import { copyValue, equalValues } from '../../runtime/values.ts';
import type { CommitResult, Operation } from '../../storage/store.ts';
import { encodeRecord } from '../../trace/cause.ts';
import type { AdmissionAttempt, ObjectKey, RequestContext, ResourceDeclaration } from '../contract.ts';
import type { ObjectFormat } from '../object-format.ts';
import { kube, metadataOf, type Raw, raw, text } from '../raw.ts';
import type { Resource, StrategyContext, Turn } from '../resource.ts';
import type { StoredEntry } from '../stored-entry.ts';
import type { TrackedWrite } from '../typing.ts';

/** How often a write begins again from the current object before it gives up: more than any contention lasts. */
export const maxTries = 100;

/** One write, from the first step to the last. `declaration`: of the version that was asked for. */
export interface Write {
  readonly resource: Resource;
  readonly declaration: ResourceDeclaration;
  readonly context: RequestContext;
  readonly key: ObjectKey;
  readonly subresource: string;
  readonly operation: AdmissionAttempt['operation'];
  readonly now: number;
}

export function strategyContext({ context, resource, key, now }: Write): StrategyContext {
  return { context, key, now, declaration: resource.declaration, environment: resource.environment };
}

export function trackedWrite({ context, subresource, declaration, resource, now }: Write): TrackedWrite {
  return { context, subresource, apiVersion: apiVersionOf(declaration), time: resource.environment.timestamps.at(now) };
}

/** Runs the mutating half of admission. `changed`: somebody had a say, so that defaults are due again. */
export async function mutate(write: Write, object: Raw, old: KubeObject | undefined): Promise<{ object: Raw; changed: boolean }> {
  let current = object;
  let changed = false;
  let attempt = attemptOf(write, current, old);
  for (const admission of write.resource.environment.admission) {
    if (!admission.mutate || admission.handles?.(attempt) === false) continue;
    const answer = admission.mutate(attempt);
    const given = answer instanceof Promise ? await answer : answer;
    if (!given) continue;
    changed = true;
    current = Object.isFrozen(given) ? (copyValue(given) as Raw) : raw(given);
    attempt = attemptOf(write, current, old);
  }
  return { object: current, changed };
}

/** Runs the validating half of admission. */
export async function admit(write: Write, object: Raw | undefined, old: KubeObject | undefined): Promise<void> {
  const attempt = attemptOf(write, object, old);
  for (const admission of write.resource.environment.admission) {
    if (!admission.validate) continue;
    if (admission.handles?.(attempt) === false) continue;
    const checked = admission.validate(attempt);
    if (checked) await checked;
  }
}

function attemptOf(write: Write, object: Raw | undefined, old: KubeObject | undefined): AdmissionAttempt {
  const { context, declaration, subresource, operation, key } = write;
  return { context, declaration, subresource, operation, key, object: object && kube(object), old };
}

/** One revision for all operations, with the record of who wrote and why. */
export function commit(write: Write, operations: readonly Operation[]): Promise<CommitResult> {
  const { context, now, resource } = write;
  const record = encodeRecord({
    actor: context.user.name,
    agent: context.agent === '' ? undefined : context.agent,
    verb: context.verb,
    request: context.requestId,
    time: now,
    causes: context.causes.length === 0 ? undefined : context.causes,
  });
  const committed = resource.environment.store.commit(operations, { record, signal: context.signal });
  return resource.strategy.noticed ? noticed(committed, resource) : committed;
}

/** Answers once this server has seen the write itself. */
async function noticed(committed: Promise<CommitResult>, { environment }: Resource): Promise<CommitResult> {
  const result = await committed;
  if (!result.ok) return result;
  try {
    await environment.feed.reach(result.revision);
  } catch (error) {
    environment.log.warn('a write is stored, but its event has not come yet', { revision: result.revision, error });
  }
  return result;
}

/** The stored object as the resource's verbs work on it. */
export function liveOf({ turn }: Resource, entry: StoredEntry): KubeObject | Promise<KubeObject> {
  return turn ? turn.live(entry) : entry.object;
}

/** What the verbs have made, as it is to be stored: in the order of its format, and as bytes. */
export function encodeFor({ turn, format }: Resource, object: Raw): Encoded | Promise<Encoded> {
  return turn ? encodeTurned(turn, format, object) : encode(format, object);
}

interface Encoded {
  readonly value: Uint8Array;
  /** Undefined: reading the bytes may give another object. */
  readonly shaped: Raw | undefined;
}

function encode(format: ObjectFormat, object: Raw): Encoded {
  const shaped = format.shape(object);
  return { shaped, value: format.encode(shaped) };
}

async function encodeTurned(turn: Turn, format: ObjectFormat, object: Raw): Promise<Encoded> {
  return { shaped: undefined, value: encode(format, await turn.stored(object)).value };
}

/** The object must say of itself what the request says of it, or nothing. Fills in the namespace. */
export function checkIdentity(declaration: ResourceDeclaration, key: ObjectKey, object: Raw): void {
  const metadata = metadataOf(object);
  const { kind, namespaced } = declaration;
  const named = text(object['kind']);
  if (named !== '' && named !== kind) throw badRequest(`the object provided is unrecognized (kind ${named}, expected ${kind})`);
  const namespace = text(metadata['namespace']);
  if (!namespaced) {
    delete metadata['namespace'];
  } else if (namespace === '') {
    metadata['namespace'] = key.namespace;
  } else if (namespace !== key.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

/** The store's own words: what was written is not the object that was meant. A dry run does not get as far as the store. */
export function preconditionConflict({ resource, declaration, key, context }: Write, why: string): Error {
  const at = resource.cache.keyOf(key.namespace, key.name);
  const seen = context.dryRun ? at.replace(/^\/registry/, '') : at;
  return conflict(
    declaration,
    key.name,
    `StorageError: invalid object, Code: 4, Key: ${seen}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: ${why}`,
  );
}

export function staleConflict(declaration: ResourceDeclaration, name: string): Error {
  return conflict(declaration, name, 'the object has been modified; please apply your changes to the latest version and try again');
}

/** A changeable copy of what came from a caller or from the cache. */
export function draftOf(object: KubeObject): Raw {
  const copy = copyValue(object);
  if (typeof copy !== 'object' || copy === null || Array.isArray(copy)) throw new InvariantError('an object to write is no object');
  return copy as Raw;
}

const ownersTwice =
  '.metadata.ownerReferences contains duplicate entries%s; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ';
const afterAdmission = ' after mutating admission happens';

/** Of owners that are stated twice, word for word, one is kept, with a warning. In place. */
export function withoutRepeatedOwners(object: Raw, { warn }: RequestContext, when: 'before-admission' | 'after-admission'): void {
  const metadata = metadataOf(object);
  const owners = metadata['ownerReferences'];
  if (!Array.isArray(owners) || owners.length < 2) return;
  const kept: unknown[] = [];
  const repeated: string[] = [];
  for (const owner of owners) {
    if (kept.some((other) => equalValues(other, owner))) repeated.push(text((owner as Raw | undefined)?.['uid']));
    else kept.push(owner);
  }
  if (repeated.length === 0) return;
  warn(ownersTwice.replace('%s', when === 'after-admission' ? afterAdmission : '') + repeated.join(', '));
  metadata['ownerReferences'] = kept;
}
