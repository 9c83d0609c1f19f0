/**
 * JSON merge patch: https://www.rfc-editor.org/rfc/rfc7396. As in Kubernetes, a null within a list counts for nothing
 * too: it cannot delete there, and is left out.
 */
import { copyValue, getKey, isObject, type JsonObject, setKey } from './values.ts';

/** A new value; what the patch does not name is shared with `doc`, which is not changed. */
export function applyMergePatch(doc: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return isObject(doc) ? copyValue(patch) : withoutNulls(patch);
  const out: JsonObject = {};
  const base = isObject(doc) ? doc : {};
  for (const key in base)
    if (!Object.hasOwn(patch, key)) setKey(out, key, base[key]);
    else if (patch[key] !== null) setKey(out, key, applyMergePatch(base[key], patch[key]));
  for (const key in patch) {
    if (patch[key] !== null && !Object.hasOwn(base, key)) setKey(out, key, applyMergePatch(getKey(base, key), patch[key]));
  }
  return out;
}

/** Without the fields that are null, at any depth; a null among a list's elements stays. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const out: JsonObject = {};
  for (const key in value) if (value[key] !== null) setKey(out, key, withoutNulls(value[key]));
  return out;
}
