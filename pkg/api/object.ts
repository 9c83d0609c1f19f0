/**
 * What every object of the API has, and how a resource is named. The types of the kinds themselves are generated
 * from `facts/` into `generated/`, one file a group and version: `import type { Pod } from '../api/generated/core-v1.ts'`.
 *
 * Objects that come from the API server are deeply frozen and shared: whoever wants to change one copies it.
 */
import type { ListMeta, ObjectMeta, OwnerReference } from './generated/meta-v1.ts';

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

export interface KubeList<T> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ListMeta;
  readonly items: readonly T[];
}

/** An object on its way to the server: the server fills in what is missing (uid, times, empty structs, defaults). */
export type Draft<T> = T extends { readonly metadata: ObjectMeta }
  ? { readonly [K in Exclude<keyof T, 'metadata'>]?: DraftValue<T[K]> } & {
      readonly apiVersion: string;
      readonly kind: string;
      readonly metadata: Partial<ObjectMeta>;
    }
  : DraftValue<T>;
type DraftValue<T> = T extends readonly (infer E)[]
  ? readonly DraftValue<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: DraftValue<T[K]> }
    : T;

/** Names a resource at one version, and ties it to its type: `pods`, `deployments` in `generated/resources.ts`. */
export interface ResourceRef<T extends KubeObject = KubeObject> {
  readonly group: string;
  readonly version: string;
  /** Plural, lower case: `pods`. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never set: carries the type. */
  readonly type?: T;
}

/** `v1` or `apps/v1`. */
export function apiVersionOf(ref: { readonly group: string; readonly version: string }): string {
  return ref.group === '' ? ref.version : `${ref.group}/${ref.version}`;
}

export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? { group: '', version: apiVersion } : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** `namespace/name`, or `name` alone for what has no namespace: the key of caches and workqueues. */
export function keyOf(object: { readonly metadata: { readonly namespace?: string; readonly name: string } }): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name}` : name;
}

export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The owner that manages this object, if any: at most one owner reference has `controller: true`. */
export function controllerOf(object: { readonly metadata: ObjectMeta }): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller);
}

/** The owner reference that a controller puts on what it creates. */
export function controllerRef(owner: KubeObject): OwnerReference {
  const { apiVersion, kind, metadata } = owner;
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
}

/** Freezes the value and everything in it. Shared objects stay as they were read. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const key in value) deepFreeze(value[key]);
  }
  return value;
}

/** The type with every `readonly` taken off, for building and changing copies. */
export type Mutable<T> = T extends readonly (infer E)[] ? Mutable<E>[] : T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T;

/** A deep, changeable copy of a JSON value. */
export function copyOf<T>(value: T): Mutable<T> {
  if (Array.isArray(value)) return value.map(copyOf) as Mutable<T>;
  if (typeof value === 'object' && value !== null) {
    const out: Record<string, unknown> = {};
    for (const key in value) {
      const field = copyOf(value[key]);
      // A map of Kubernetes may well have a key of that name, and assigning to it would set the prototype.
      if (key === '__proto__') Object.defineProperty(out, key, { value: field, writable: true, enumerable: true, configurable: true });
      else out[key] = field;
    }
    return out as Mutable<T>;
  }
  return value as Mutable<T>;
}
