/**
 * Brings a decoded value into the shape of its type: of a built-in kind as decoding into Go's structs does
 * (`typed-prune.ts`), of a custom resource by its OpenAPI schema (`custom-prune.ts`).
 */
import { type ApiError, badRequest, isApiError } from '../api/errors.ts';
import { pruneCustom } from './custom-prune.ts';
import type { Schema } from './schema.ts';
import { type Pruned, type PruneOptions, pruneTyped } from './typed-prune.ts';
import { getKey, goKind, isObject } from './values.ts';

export type { Pruned, PruneOptions } from './typed-prune.ts';

/** Throws BadRequest: "Pod in version "v1" cannot be handled as a Pod: ...". */
export function pruneToSchema(value: unknown, schema: Schema, options: PruneOptions = {}): Pruned {
  try {
    if (!isObject(value)) throw badRequest(`json: cannot unmarshal ${goKind(value)} into Go value of type ${schema.goType}`);
    const pruned = schema.source === undefined ? pruneTyped(value, schema, options) : pruneCustom(value, schema.source, options);
    if (options.fieldValidation === 'Strict' && pruned.problems.length > 0) {
      throw badRequest(`strict decoding error: ${pruned.problems.join(', ')}`);
    }
    return pruned;
  } catch (error) {
    throw isApiError(error, 'BadRequest') ? cannotBeHandled(error, value, schema, options) : error;
  }
}

function cannotBeHandled(error: ApiError, value: unknown, schema: Schema, options: PruneOptions): ApiError {
  const gvk = schema.gvk[0];
  const given = isObject(value) ? value : {};
  const kind = options.kind ?? gvk?.[2] ?? String(given['kind'] ?? schema.goType.split('.').pop());
  const version =
    options.version ??
    gvk?.[1] ??
    String(given['apiVersion'] ?? '')
      .split('/')
      .pop();
  return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${error.message}`, error);
}

/** Reads `kind` and `apiVersion`, as far as they are text. */
export function typeMetaOf(value: unknown): { readonly apiVersion: string; readonly kind: string } {
  const object = isObject(value) ? value : {};
  const apiVersion = getKey(object, 'apiVersion');
  const kind = getKey(object, 'kind');
  return { apiVersion: typeof apiVersion === 'string' ? apiVersion : '', kind: typeof kind === 'string' ? kind : '' };
}
