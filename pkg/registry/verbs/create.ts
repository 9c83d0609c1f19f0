import { alreadyExists, invalid } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import { formatTime } from '../../clock/clock.ts';
import { randomSuffix, uuid } from '../../clock/random.ts';
import type { RequestContext, ResourceDeclaration } from '../contract.ts';
import { metadataOf, type Raw, text } from '../raw.ts';
import type { Resource } from '../resource.ts';
import { StoredEntry } from '../stored-entry.ts';
import { defaultObject, validateTypes } from '../typing.ts';
import { admit, checkIdentity, commit, draftOf, maxTries, mutate, strategyContext, type Write } from './write.ts';

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
  const generated = !given.metadata.name && call.name === undefined;
  for (let tries = 1; ; tries++) {
    const result = await attempt(resource, call, draftOf(given));
    if (result instanceof StoredEntry) return result;
    const { write, exists } = result;
    if (exists ? !generated || tries >= maxNames : tries >= maxTries) throw alreadyExists(write.declaration, write.key.name);
  }
}

/** A conflict with an object of that name (`exists`), or with something that the object reserves beside itself. */
interface Refused {
  readonly write: Write;
  readonly exists: boolean;
}

async function attempt(resource: Resource, call: CreateCall, draft: Raw): Promise<StoredEntry | Refused> {
  const { environment, declaration, strategy, format, cache } = resource;
  const { context } = call;
  const metadata = metadataOf(draft);
  const now = environment.clock.now();
  checkIdentity(call.declaration, { namespace: call.namespace, name: call.name ?? '' }, draft);
  nameObject(resource, metadata, call.name);
  const key = { namespace: call.namespace, name: text(metadata['name']) };
  const write: Write = { resource, declaration: call.declaration, context, key, subresource: '', operation: 'CREATE', now };

  draft['apiVersion'] = format.apiVersion;
  draft['kind'] = format.kind;
  systemFields(resource, metadata, now);
  defaultObject(declaration, draft);
  const object = await mutate(write, draft, undefined);
  const strategyCall = strategyContext(write);
  if (declaration.subresources['status']) delete object['status'];
  strategy.prepareCreate?.(object, strategyCall);
  if (strategy.generation) metadataOf(object)['generation'] = 1;
  defaultObject(declaration, object);
  const companions = (await strategy.companions?.(object, undefined, strategyCall)) ?? [];

  const causes = [...validateTypes(declaration, object), ...(strategy.validate?.(object) ?? [])];
  if (causes.length > 0) throw invalid(declaration, key.name, causes);
  await admit(write, object, undefined);
  for (const warning of strategy.warnings?.(object, undefined) ?? []) context.warn(warning);

  const value = format.encode(object);
  if (context.dryRun) {
    if (await isThere(resource, write)) return { write, exists: true };
    return new StoredEntry(format, value, 0);
  }
  environment.written.announce(value, object);
  const storeKey = cache.keyOf(key.namespace, key.name);
  const result = await commit(write, [{ key: storeKey, value, expect: 0 }, ...companions]);
  if (!result.ok) return { write, exists: result.current.has(storeKey) };
  return environment.written.entry(format, value, result.revision);
}

async function isThere({ cache, environment }: Resource, { key }: Write): Promise<boolean> {
  const storeKey = cache.keyOf(key.namespace, key.name);
  return (await environment.store.get(storeKey)).item !== undefined;
}

function nameObject(resource: Resource, metadata: Raw, name: string | undefined): void {
  if (text(metadata['name']) !== '') return;
  const prefix = text(metadata['generateName']);
  if (name !== undefined) metadata['name'] = name;
  else if (prefix !== '') metadata['name'] = prefix.slice(0, maxPrefix) + randomSuffix(resource.environment.random);
}

/** What only the server sets. */
function systemFields(resource: Resource, metadata: Raw, now: number): void {
  metadata['uid'] = uuid(resource.environment.random);
  metadata['creationTimestamp'] = formatTime(now);
  for (const field of ['resourceVersion', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink', 'generation'])
    delete metadata[field];
}
