/**
 * Who set which field: `metadata.managedFields`, kept up to date with every write.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
import type { ManagedFieldsEntry } from '../api/generated/meta-v1.ts';
import type { KubeObject } from '../api/object.ts';
import { emptyStruct } from './default.ts';
import { compareObjects } from './field-compare.ts';
import { difference, differenceBelow, emptySet, equalSets, type FieldSet, isEmptySet, union } from './field-set.ts';
import { pooled } from './field-set-pool.ts';
import type { Schema } from './schema.ts';
import { isObject, type JsonObject } from './values.ts';

/** One manager of an object: its entry in `managedFields`, decoded. */
export interface Manager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

export interface WriteFacts {
  readonly schema: Schema;
  /** The field manager: `fieldManager` of the request, or the first word of its User-Agent. */
  readonly manager: string;
  /** The version the object was written in: `apps/v1`. */
  readonly apiVersion: string;
  /** Empty for the object itself; `status`, `scale`, ... */
  readonly subresource: string;
  /** RFC 3339, whole seconds. */
  readonly time: string;
  /**
   * An object of `apiVersion` in another version, in which somebody owns fields of it; undefined: there is no such
   * version, and nobody owns anything in it. Absent: fields are at the same place in every version.
   */
  readonly inVersion?: InVersion | undefined;
}

/** Which version an object is of stands in it. */
export type InVersion = (object: KubeObject, apiVersion: string) => Versioned | undefined;
export interface Versioned {
  readonly object: KubeObject;
  readonly schema: Schema;
}

/** What differs between two objects, as a version sees it. */
export interface Differences {
  /** Fields that are new, or have another value. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

/** By version; undefined: there is no such version. */
export type DifferencesIn = (apiVersion: string) => Differences | undefined;

export interface TrackUpdateOptions extends WriteFacts {
  /** Undefined when the object is created. */
  readonly before: KubeObject | undefined;
  /** Defaulted and admitted; as it will be stored. */
  readonly after: KubeObject;
}

/** More managers than these by Update are folded into one. */
const maxUpdateManagers = 10;
const foldedName = 'ancient-changes';

/** `after` with its managedFields; neither object is changed. For POST, PUT and every patch but server-side apply. */
export function trackUpdate(options: TrackUpdateOptions): KubeObject {
  const { before, after, schema } = options;
  const managers = managersFor(before, after, options.subresource);
  // Somebody took an existing object's managedFields away: it stays untracked until the first apply.
  if (before && managers.length === 0) return withManagers(after, []);
  const from = before ?? emptyObject(schema);
  return withManagers(after, capManagers(recordUpdate(managers, options, differencesBetween(from, after, options))));
}

/** Both objects are of the write's version; the other versions are looked at when somebody owns fields in them. */
export function differencesBetween(from: KubeObject, to: KubeObject, { schema, apiVersion, inVersion }: WriteFacts): DifferencesIn {
  const own = differencesOf(from, to, schema);
  if (!inVersion) return () => own;
  // A new object has no kind yet that it could be converted by.
  const start = { ...from, apiVersion, kind: to.kind };
  const known = new Map<string, Differences | undefined>([[apiVersion, own]]);
  return (version) => {
    if (known.has(version)) return known.get(version);
    const before = inVersion(start, version);
    const after = inVersion(to, version);
    const found = before && after && differencesOf(before.object, after.object, after.schema);
    known.set(version, found);
    return found;
  };
}

function differencesOf(from: KubeObject, to: KubeObject, schema: Schema): Differences {
  const { added, modified, removed } = compareObjects(asJson(from), asJson(to), schema);
  return { changed: union(added, modified), removed };
}

/** The managers after the changes: the writer owns what it changed, and nobody what is gone. */
export function recordUpdate(managers: readonly Manager[], options: WriteFacts, differences: DifferencesIn): Manager[] {
  const own = differences(options.apiVersion) ?? { changed: emptySet, removed: emptySet };
  const taken = differenceBelow(own.changed, unownedBy(options));
  const mine = managers.findIndex(
    (entry) =>
      entry.operation === 'Update' &&
      entry.manager === options.manager &&
      entry.apiVersion === options.apiVersion &&
      entry.subresource === options.subresource,
  );
  const out: Manager[] = [];
  for (const [index, entry] of managers.entries()) {
    const theirs = differences(entry.apiVersion);
    if (!theirs) continue;
    const fields =
      index === mine
        ? union(difference(entry.fields, own.removed), taken)
        : difference(difference(entry.fields, theirs.changed), theirs.removed);
    if (isEmptySet(fields)) continue;
    // A manager's time is that of the last change of what it owns by its own doing.
    out.push(
      fields === entry.fields
        ? entry
        : { ...entry, fields, time: index === mine && !equalSets(fields, entry.fields) ? options.time : entry.time },
    );
  }
  if (mine < 0 && !isEmptySet(taken)) {
    const { manager, apiVersion, subresource, time } = options;
    out.push({ manager, operation: 'Update', apiVersion, subresource, time, fields: taken });
  }
  return out;
}

/** The fields that a write through this subresource does not reach: nobody comes to own them by it. */
export function unownedBy({ schema, subresource }: { readonly schema: Schema; readonly subresource: string }): FieldSet {
  if (!(schema.statusApart ?? schema.fields.get('status')?.schema.kind === 'object')) return emptySet;
  if (subresource === '') return { 'f:status': emptySet };
  return subresource === 'status' ? { 'f:spec': emptySet } : emptySet;
}

/** The managers to start from: those that the request sets, unless it sets none, and never through a subresource. */
function managersFor(before: KubeObject | undefined, after: KubeObject, subresource: string): Manager[] {
  const live = managersOf(before);
  const given = after.metadata.managedFields;
  if (subresource !== '' || given === undefined || given === before?.metadata.managedFields) return live;
  // One empty entry is how a client takes them away.
  if (given.length === 1 && Object.keys(given[0] as object).length === 0) return [];
  const decoded = managersOf(after);
  return decoded.length > 0 ? decoded : live;
}

export function managersOf(object: KubeObject | undefined): Manager[] {
  const out: Manager[] = [];
  for (const entry of object?.metadata.managedFields ?? []) {
    if ((entry.operation !== 'Apply' && entry.operation !== 'Update') || !isObject(entry.fieldsV1)) continue;
    out.push({
      manager: entry.manager ?? '',
      operation: entry.operation,
      apiVersion: entry.apiVersion ?? '',
      subresource: entry.subresource ?? '',
      time: entry.time,
      fields: entry.fieldsV1 as FieldSet,
    });
  }
  return out;
}

/** The object with these managers, in Kubernetes' order: by operation, then time, then name. */
export function withManagers(object: KubeObject, managers: readonly Manager[]): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  if (managers.length === 0) return _ === undefined ? object : { ...object, metadata };
  const entries = [...managers].sort(
    (a, b) =>
      order(a.operation, b.operation) ||
      order(a.time ?? '', b.time ?? '') ||
      order(a.manager, b.manager) ||
      order(a.apiVersion, b.apiVersion) ||
      order(a.subresource, b.subresource),
  );
  return { ...object, metadata: { ...metadata, managedFields: entries.map(encodeManager) } };
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function encodeManager({ manager, operation, apiVersion, subresource, time, fields }: Manager): ManagedFieldsEntry {
  return {
    manager,
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    // What is frozen came with the live object, and is shared already.
    fieldsV1: Object.isFrozen(fields) ? fields : pooled(fields),
    ...(subresource === '' ? {} : { subresource }),
  };
}

/** Folds the oldest managers by Update into one per version where there are too many. */
export function capManagers(managers: readonly Manager[]): readonly Manager[] {
  const updates = managers.filter((entry) => entry.operation === 'Update');
  if (updates.length <= maxUpdateManagers) return managers;
  const oldest = [...updates].sort((a, b) => order(a.time ?? '', b.time ?? '') || order(a.manager, b.manager));
  const folded = new Map<string, Manager>();
  const gone = new Set<Manager>();
  // Each round takes the oldest away; the first of a version leaves its folded entry in its place.
  for (const entry of oldest) {
    if (updates.length - gone.size + folded.size <= maxUpdateManagers) break;
    gone.add(entry);
    const into = folded.get(entry.apiVersion);
    folded.set(entry.apiVersion, {
      manager: foldedName,
      operation: 'Update',
      apiVersion: entry.apiVersion,
      subresource: '',
      time: entry.time,
      fields: into ? union(into.fields, entry.fields) : entry.fields,
    });
  }
  return [...managers.filter((entry) => !gone.has(entry)), ...folded.values()];
}

const empties = new WeakMap<Schema, KubeObject>();

/** What a new object is compared with: Go's empty struct, in which the inner structs are there already. */
export function emptyObject(schema: Schema): KubeObject {
  let empty = empties.get(schema);
  if (!empty) {
    empty = { metadata: {}, ...emptyStruct(schema) } as unknown as KubeObject;
    empties.set(schema, empty);
  }
  return empty;
}

/** An object is JSON whatever its type says. */
export function asJson(object: KubeObject): JsonObject {
  return object as unknown as JsonObject;
}
