/**
 * Server-side apply: a manager states the fields it cares about. They are merged into the object, what it stated
 * before and no longer states goes unless another owns it, and a value that another manager set is a conflict unless
 * the apply is forced.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
import { ApiError, badRequest } from '../api/errors.ts';
import type { KubeObject } from '../api/object.ts';
import { mergeApplied, removeDropped } from './apply-merge.ts';
import { typeFault } from './apply-type.ts';
import { allFieldsOf, compareObjects, fieldsOf } from './field-compare.ts';
import { difference, emptySet, equalSets, type FieldSet, intersection, isEmptySet, pathsOf, union } from './field-set.ts';
import { parseJson, stringifyJson } from './json.ts';
import {
  asJson,
  differencesBetween,
  emptyObject,
  type Manager,
  managersOf,
  reachOf,
  recordUpdate,
  type WriteFacts,
  withManagers,
} from './managed-fields.ts';
import { pruneToSchema } from './prune.ts';
import type { Schema } from './schema.ts';
import { equalValues, isObject, type JsonObject } from './values.ts';

export interface ApplyOptions extends WriteFacts {
  /** The current object; undefined when there is none, and the apply makes it. */
  readonly live: KubeObject | undefined;
  /** Decoded, and pruned with `keepZeros`. */
  readonly applied: KubeObject;
  /** Takes fields away from other managers instead of refusing. */
  readonly force: boolean;
}

/** Owns what an object without managedFields holds when it is first applied. */
const firstOwner = 'before-first-apply';
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * The object to write, with its managedFields; neither `live` nor `applied` is changed. When nothing changes, `object`
 * is `live` itself. Throws Conflict with a cause (`FieldManagerConflict`) per field, and BadRequest for a
 * configuration that cannot be merged.
 */
export function applyConfiguration(options: ApplyOptions): { readonly object: KubeObject } {
  const { live, schema, applied } = options;
  if (applied.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  checkConfiguration(applied, schema);
  const from = live ?? emptyObject(schema);
  const managers = startingManagers(live, options);
  const last = managers.find((entry) => isApplier(entry, options));
  const fields = reachOf(options)(fieldsOf(asJson(applied), schema));
  const others = managers.filter((entry) => !isApplier(entry, options));

  const merged = mergeApplied(asJson(from), asJson(applied), schema) as JsonObject;
  const mine: Owner = { apiVersion: options.apiVersion, fields };
  const stated = withIdentity(last ? withoutDropped(merged, last, [mine, ...others], options) : merged, applied);
  const object = normalize(stated, live, schema);

  // Compared as stated: a zero value against another's value is a conflict, although Go does not write it.
  const differences = differencesBetween(from, stated as unknown as KubeObject, options);
  const served = others.flatMap((entry) => {
    const theirs = differences(entry.apiVersion);
    return theirs ? [{ entry, theirs }] : [];
  });
  if (!options.force) {
    const allowed = upgraded(live, options);
    const conflicts = served
      .map(({ entry, theirs }) => [entry, difference(intersection(entry.fields, theirs.changed), allowed)] as const)
      .filter(([, set]) => !isEmptySet(set));
    if (conflicts.length > 0) throw conflictError(conflicts);
  }

  const rest = served
    .map(({ entry, theirs }) => {
      const left = difference(difference(entry.fields, theirs.changed), theirs.removed);
      return left === entry.fields ? entry : { ...entry, fields: left };
    })
    .filter((entry) => !isEmptySet(entry.fields));
  // Who states what is so already gets no date for it.
  const { manager, apiVersion, subresource, time } = options;
  const writer = { manager, operation: 'Apply' as const, apiVersion, subresource };
  const changes = !live || !equalValues(stated, live);
  const now = isEmptySet(fields) ? rest : [...rest, { ...writer, time: changes ? time : last?.time, fields }];
  if (live && sameManagers(now, managersOf(live)) && equalValues(object, live)) return { object: live };
  return { object: withManagers(withLastApplied(object, options), now) };
}

/** Somebody's fields, as they are in a version. */
interface Owner {
  readonly apiVersion: string;
  readonly fields: FieldSet;
}

/**
 * Without what this manager stated before (`last`) and states no longer, and nobody owns. Each looks at the object in
 * the version in which he owns fields of it: what is taken out in one is put back where an owner in another has it.
 */
function withoutDropped(merged: JsonObject, last: Owner, owners: readonly Owner[], options: ApplyOptions): JsonObject {
  const { apiVersion, schema, inVersion } = options;
  const ownedAt = (version: string): FieldSet =>
    owners.reduce((set, owner) => (!inVersion || owner.apiVersion === version ? union(set, owner.fields) : set), emptySet);
  const others = inVersion
    ? new Set(owners.map((owner) => owner.apiVersion).filter((version) => version !== last.apiVersion))
    : new Set<string>();
  if (!inVersion || (others.size === 0 && last.apiVersion === apiVersion)) {
    return (removeDropped(merged, last.fields, ownedAt(last.apiVersion), schema) ?? {}) as JsonObject;
  }
  const whole = merged as unknown as KubeObject;
  const then = inVersion(whole, last.apiVersion);
  if (!then) return merged; // the version in which it was stated is gone, and what was owned in it
  let left = removeDropped(then.object, last.fields, ownedAt(last.apiVersion), then.schema) as KubeObject;
  for (const version of others) {
    const all = inVersion(whole, version);
    const seen = inVersion(left, version);
    if (!all || !seen) continue;
    const missing = difference(allFieldsOf(asJson(all.object), all.schema), allFieldsOf(asJson(seen.object), all.schema));
    left = removeDropped(all.object, missing, ownedAt(version), all.schema) as KubeObject;
  }
  return asJson(inVersion(left, apiVersion)?.object ?? whole);
}

function isApplier(entry: Manager, { manager, subresource }: WriteFacts): boolean {
  return entry.operation === 'Apply' && entry.manager === manager && entry.subresource === subresource;
}

/** An object that was never tracked belongs, as it stands, to `before-first-apply`. */
function startingManagers(live: KubeObject | undefined, options: ApplyOptions): readonly Manager[] {
  const managers = managersOf(live);
  if (!live || managers.length > 0) return managers;
  const writer = { ...options, manager: firstOwner };
  return recordUpdate([], writer, differencesBetween(emptyObject(options.schema), live, { ...writer, inVersion: undefined }));
}

function sameManagers(a: readonly Manager[], b: readonly Manager[]): boolean {
  return a.length === b.length && a.every((entry) => b.some((other) => other === entry || sameManager(entry, other)));
}

/** But for the time: another one alone is no change. */
function sameManager(a: Manager, b: Manager): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.apiVersion === b.apiVersion &&
    a.subresource === b.subresource &&
    equalSets(a.fields, b.fields)
  );
}

/** An apply that leaves nothing still makes an object. */
function withIdentity(value: unknown, applied: KubeObject): JsonObject {
  const object = isObject(value) ? value : {};
  return { apiVersion: applied.apiVersion, kind: applied.kind, ...object, metadata: object['metadata'] ?? {} };
}

/** As decoding would have it: zero values and empty lists that were applied are owned, and not in the object. */
function normalize(object: JsonObject, live: KubeObject | undefined, schema: Schema): KubeObject {
  const { value } = pruneToSchema(object, schema, { fieldValidation: 'Ignore' });
  const metadata = value['metadata'] as JsonObject;
  if (live?.metadata.managedFields) metadata['managedFields'] = live.metadata.managedFields;
  return value as unknown as KubeObject;
}

/**
 * Whoever changes from `kubectl apply` to `kubectl apply --server-side` meets his own fields, owned by the manager of
 * client-side apply: what was in the configuration he applied last is his without conflict.
 */
function upgraded(live: KubeObject | undefined, { manager, schema, apiVersion }: ApplyOptions): FieldSet {
  const text = live?.metadata.annotations?.[lastApplied];
  if (manager !== 'kubectl' || text === undefined) return emptySet;
  try {
    const { value } = parseJson(text);
    if (!isObject(value) || value['apiVersion'] !== apiVersion || typeFault(value, schema) !== undefined) return emptySet;
    // What has changed since is not what was applied.
    const { added, modified, removed } = compareObjects(value, asJson(live as KubeObject), schema);
    return difference(fieldsOf(value, schema), union(union(added, modified), removed));
  } catch (error) {
    // The annotation is anybody's to write; what is no configuration gives no rights.
    if (error instanceof ApiError) return emptySet;
    throw error;
  }
}

/** Keeps the annotation of client-side apply in step, for the day when somebody goes back to it. */
function withLastApplied(object: KubeObject, { applied, manager }: ApplyOptions): KubeObject {
  const { annotations } = object.metadata;
  if (manager !== 'kubectl' || annotations?.[lastApplied] === undefined) return object;
  const { [lastApplied]: _, ...others } = applied.metadata.annotations ?? {};
  const configuration = { ...applied, metadata: { ...applied.metadata, annotations: others } };
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...annotations, [lastApplied]: `${stringifyJson(configuration)}\n` } },
  };
}

function conflictError(conflicts: readonly (readonly [Manager, FieldSet])[]): ApiError {
  const list = conflicts.flatMap(([entry, set]) => pathsOf(set).map((path) => ({ manager: describeManager(entry), path })));
  const causes = list.map(({ manager, path }) => ({ reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field: path }));
  let text: string;
  if (list.length === 1) {
    text = `1 conflict: conflict with ${list[0]?.manager}: ${list[0]?.path}`;
  } else {
    const byManager = new Map<string, string[]>();
    for (const { manager, path } of list) byManager.set(manager, [...(byManager.get(manager) ?? []), path]);
    const parts = [...byManager]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([manager, paths]) => `conflicts with ${manager}:\n- ${paths.join('\n- ')}`);
    text = `${list.length} conflicts: ${parts.join('\n')}`;
  }
  return new ApiError('Conflict', `Apply failed with ${text}`, { details: { causes } });
}

function describeManager({ manager, operation, apiVersion, subresource }: Manager): string {
  const name = `${JSON.stringify(manager)}${subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`}`;
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}

/** Throws BadRequest for a configuration that is not of its type, in which decoding would leave something out unsaid. */
export function checkConfiguration(applied: KubeObject, schema: Schema): void {
  const fault = typeFault(asJson(applied), schema);
  if (fault !== undefined) throw badRequest(`failed to create typed patch object (${nameOf(applied)}): ${fault}`);
}

function nameOf({ apiVersion, kind, metadata }: KubeObject): string {
  const { name = '', namespace = '' } = metadata ?? {};
  return `${namespace}/${name}; ${gvkText(apiVersion, kind)}`;
}

/** As Go prints a kind: `apps/v1, Kind=Deployment`, `/v1, Kind=Pod`. */
export function gvkText(apiVersion: string, kind: string): string {
  return `${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${kind}`;
}
