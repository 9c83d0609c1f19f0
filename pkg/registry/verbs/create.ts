import { alreadyExists, invalid } from '../../api/errors.ts';
import { apiVersionOf, type KubeObject } from '../../api/object.ts';
import { randomSuffix, uuid } from '../../clock/random.ts';
import type { ObjectKey, RequestContext, ResourceDeclaration } from '../contract.ts';
import { unwritten } from '../object-format.ts';
import { assign, metadataOf, type Raw, text } from '../raw.ts';
import type { Resource } from '../resource.ts';
import { StoredEntry } from '../stored-entry.ts';
import { defaultObject, emptyStatus, trackFields, validateTypes } from '../typing.ts';
import { findEntry } from './get.ts';
import {
  admit,
  checkIdentity,
  commit,
  draftOf,
  encodeFor,
  maxTries,
  mutate,
  strategyContext,
  trackedWrite,
  type Write,
  withoutRepeatedOwners,
} from './write.ts';

/** Tries of a generated name before the server says that it exists: Kubernetes' maxNameGenerationCreateAttempts. */
const maxNames = 8;
/** A generated name has at most 63 characters, 5 of them random. */
const maxPrefix = 58;

export interface CreateCall {
  readonly declaration: ResourceDeclaration;
  readonly context: RequestContext;
  readonly namespace: string;
  /** Set when a PUT or an apply creates: the name in the path. */
  readonly name?: string;
  readonly managesFields?: boolean;
}

/** Throws AlreadyExists, Invalid, and what admission says. */
export async function createEntry(resource: Resource, call: CreateCall, given: KubeObject): Promise<StoredEntry> {
  const generated = !given.metadata?.name && call.name === undefined;
  for (let tries = 1; ; tries++) {
    const result = await attempt(resource, call, draftOf(given));
    if (result instanceof StoredEntry) return result;
    const { write, exists } = result;
    if (exists ? generated && tries < maxNames : tries < maxTries) continue;
    throw alreadyExists(write.declaration, write.key.name, await isBeingDeleted(resource, write.key));
  }
}

async function isBeingDeleted(resource: Resource, key: ObjectKey): Promise<boolean> {
  return (await findEntry(resource, key))?.peek().metadata.deletionTimestamp !== undefined;
}

/** A conflict with an object of that name (`exists`), or with something that the object reserves beside itself. */
interface Refused {
  readonly write: Write;
  readonly exists: boolean;
}

async function attempt(resource: Resource, call: CreateCall, draft: Raw): Promise<StoredEntry | Refused> {
  const { environment, declaration, strategy, format, cache } = resource;
  const { context } = call;
  const now = environment.clock.now();
  checkIdentity(call.declaration, { namespace: call.namespace, name: call.name ?? '' }, draft);
  systemFields(resource, draft, call.name, now);
  const key = { namespace: call.namespace, name: text(metadataOf(draft)['name']) };
  const write: Write = { resource, declaration: call.declaration, context, key, subresource: '', operation: 'CREATE', now };

  withoutRepeatedOwners(draft, context, 'before-admission');
  defaultObject(declaration, draft);
  if (!call.managesFields) trackFields(resource, draft, undefined, trackedWrite(write));
  const { object, changed } = await mutate(write, draft, undefined);
  if (changed) {
    defaultObject(declaration, object);
    withoutRepeatedOwners(object, context, 'after-admission');
  }
  const strategyCall = strategyContext(write);
  strategy.prepareCreate?.(object, strategyCall);
  const companions = strategy.companions ? await strategy.companions(object, undefined, strategyCall) : [];

  const needed = strategy.prepareValidation?.(object);
  if (needed) await needed;
  const causes = [
    ...validateTypes(declaration, object),
    ...(strategy.validate?.(object) ?? []),
    ...(strategy.validateCreate?.(object) ?? []),
    ...(strategy.validateAs?.(apiVersionOf(call.declaration), object, undefined) ?? []),
  ];
  if (causes.length > 0) throw invalid(declaration, key.name, causes);
  await admit(write, object, undefined);
  for (const warning of strategy.warnings?.(object, undefined, '') ?? []) context.warn(warning);

  const encoded = encodeFor(resource, object);
  const { value, shaped } = encoded instanceof Promise ? await encoded : encoded;
  const storeKey = cache.keyOf(key.namespace, key.name);
  if (context.dryRun) {
    const { item } = await environment.store.get(storeKey);
    return item ? { write, exists: true } : new StoredEntry(format, value, unwritten);
  }
  if (shaped) environment.written.announce(storeKey, value, shaped);
  const result = await commit(write, [{ key: storeKey, value, expect: 0 }, ...companions]);
  if (!result.ok) return { write, exists: result.current.has(storeKey) };
  return environment.written.entry(format, { key: storeKey, value, revision: result.revision });
}

/** What only the server sets: the name where it is to be generated, identity, times, generation, an empty status. */
function systemFields(resource: Resource, draft: Raw, name: string | undefined, now: number): void {
  const { environment, declaration, strategy, format } = resource;
  const metadata = metadataOf(draft);
  draft['apiVersion'] = apiVersionOf(declaration);
  draft['kind'] = format.kind;
  const prefix = text(metadata['generateName']);
  if (text(metadata['name']) === '') {
    if (name !== undefined) metadata['name'] = name;
    else if (prefix !== '') metadata['name'] = prefix.slice(0, maxPrefix) + randomSuffix(environment.random);
  }
  metadata['uid'] = uuid(environment.random);
  metadata['creationTimestamp'] = environment.timestamps.at(now);
  for (const field of ['resourceVersion', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink']) delete metadata[field];
  if (strategy.generation) assign(metadata, 'generation', strategy.countsChanges ? undefined : 1);
  if (declaration.subresources['status'] && !strategy.keepsStatusOnCreate) assign(draft, 'status', emptyStatus(declaration));
}
