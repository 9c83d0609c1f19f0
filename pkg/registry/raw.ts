/**
 * Reading and changing objects while they are being made: plain, changeable JSON. Defaults, strategies and validators
 * work on these; whatever leaves the registry is frozen and typed. Every reader copes with a value of another type
 * than it expects, since validators see objects that nobody has checked yet.
 */
import type { KubeObject } from '../api/object.ts';
import { isObject, type JsonObject } from '../runtime/values.ts';

export type Raw = JsonObject;
export { isObject };

/** The value as an object; an empty one, attached to nothing, where it is none. */
export function objectAt(value: unknown): Raw {
  return isObject(value) ? value : none;
}
const none: Raw = Object.freeze({});

/** The elements that are objects, of what may be a list. */
export function objects(value: unknown): Raw[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((element) => typeof element === 'string') : [];
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The object under `key`, made if it is not there. */
export function child(parent: Raw, key: string): Raw {
  const value = parent[key];
  if (isObject(value)) return value;
  const made: Raw = {};
  parent[key] = made;
  return made;
}

export function metadataOf(object: Raw): Raw {
  return child(object, 'metadata');
}

/** Sets what has a value, and takes away what has none: absence is never written as `undefined`. */
export function assign(object: Raw, key: string, value: unknown): void {
  if (value === undefined) delete object[key];
  else object[key] = value;
}

/** For code that was handed a KubeObject and reads or writes beyond what its type says. */
export function raw(object: KubeObject): Raw {
  return object as unknown as Raw;
}

export function kube(object: Raw): KubeObject {
  return object as unknown as KubeObject;
}
