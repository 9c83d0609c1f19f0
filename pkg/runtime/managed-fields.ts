/**
 * Who set which field: `metadata.managedFields`, kept up to date with every write.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
import type { ManagedFieldsEntry } from '../api/generated/meta-v1.ts';
import type { KubeObject } from '../api/object.ts';
import { emptyStruct } from './default.ts';
import { compareObjects } from './field-compare.ts';
import { difference, differenceBelow, emptySet, type FieldSet, isEmptySet, isFieldSet, union } from './field-set.ts';
import { pooled } from './field-set-pool.ts';
import type { Schema } from './schema.ts';
import type { JsonObject } from './values.ts';

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
  /** Absent: nobody comes to own the status through the object itself, nor the spec through its status. */
  readonly reach?: Reach | undefined;
  /**
   * An object of `apiVersion` in another version, in which somebody owns fields of it; undefined: there is no such
   * version, and nobody owns anything in it. Absent: fields are at the same place in every version.
   */
  readonly inVersion?: InVersion | undefined;
}

/** Of some fields those that a write reaches: the others stay as they were, and nobody comes to own them by it. */
export type Reach = (fields: FieldSet) => FieldSet;

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
  /** As the writer means it: defaulted, but without what the server adds, which nobody owns. */
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
export function differencesBetween(from: KubeObject, to: KubeObject, options: WriteFacts): DifferencesIn {
  const { apiVersion, inVersion } = options;
  const reach = reachOf(options);
  const own = differencesOf({ object: from, schema: options.schema }, to, reach);
  if (!inVersion) return () => own;
  // A new object has no kind yet that it could be converted by.
  const start = { ...from, apiVersion, kind: to.kind };
  const known = new Map<string, Differences | undefined>([[apiVersion, own]]);
  return (version) => {
    if (known.has(version)) return known.get(version);
    const before = inVersion(start, version);
    const after = inVersion(to, version);
    const found = before && after && differencesOf(before, after.object, reach);
    known.set(version, found);
    return found;
  };
}

function differencesOf(before: Versioned, after: KubeObject, reach: Reach): Differences {
  const { added, modified, removed } = compareObjects(asJson(before.object), asJson(after), before.schema);
  return { changed: reach(union(added, modified)), removed: reach(removed) };
}

/** The managers after the changes: the writer owns what it changed, and nobody what is gone. */
export function recordUpdate(managers: readonly Manager[], options: WriteFacts, differences: DifferencesIn): Manager[] {
  const { manager, apiVersion, subresource, time } = options;
  const taken = differences(apiVersion)?.changed ?? emptySet;
  const out: Manager[] = [];
  let mine = isEmptySet(taken) ? undefined : { manager, operation: 'Update' as const, apiVersion, subresource, time, fields: taken };
  for (const entry of managers) {
    const theirs = differences(entry.apiVersion);
    if (!theirs) continue;
    const fields = difference(difference(entry.fields, theirs.changed), theirs.removed);
    if (mine && sameWriter(entry, mine)) {
      out.push({ ...mine, fields: union(fields, taken) });
      mine = undefined;
    } else if (!isEmptySet(fields)) out.push(fields === entry.fields ? entry : { ...entry, fields });
  }
  if (mine) out.push(mine);
  return out;
}

function sameWriter(a: Manager, b: Manager): boolean {
  return a.operation === b.operation && a.manager === b.manager && a.apiVersion === b.apiVersion && a.subresource === b.subresource;
}

export function reachOf({ reach, schema, subresource }: WriteFacts): Reach {
  if (reach) return reach;
  if (!(schema.statusApart ?? schema.fields.get('status')?.schema.kind === 'object')) return (fields) => fields;
  if (subresource === '') return beyondStatus;
  return subresource === 'status' ? beyondSpec : (fields) => fields;
}

/** All but these, and what is below them. */
export function without(unreached: FieldSet): Reach {
  return (fields) => differenceBelow(fields, unreached);
}

const beyondStatus = without({ 'f:status': emptySet });
const beyondSpec = without({ 'f:spec': emptySet });

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

/** None at all where one of the entries makes no sense. */
export function managersOf(object: KubeObject | undefined): Manager[] {
  const out = new Map<string, Manager>();
  for (const entry of object?.metadata.managedFields ?? []) {
    const { operation, apiVersion, fieldsType, fieldsV1 = {}, manager = '', subresource = '' } = entry;
    if ((operation !== 'Apply' && operation !== 'Update') || !apiVersion || fieldsType !== 'FieldsV1' || !isFieldSet(fieldsV1)) return [];
    // An applier is one, whichever versions it has used.
    const id = JSON.stringify([manager, operation, operation === 'Apply' ? '' : apiVersion, subresource]);
    out.set(id, { manager, operation, apiVersion, subresource, time: entry.time, fields: fieldsV1 });
  }
  return [...out.values()];
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
