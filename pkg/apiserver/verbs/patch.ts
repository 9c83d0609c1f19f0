/**
 * PATCH: the change is given, not the object. What it leads to is computed from the current object, again after a
 * conflict, so that patches of different clients do not undo each other.
 */
import { ApiError, badRequest, invalid, isApiError, notFound } from '../../api/errors.ts';
import type { ApiResponse } from '../../api/http.ts';
import type { KubeObject } from '../../api/object.ts';
import { decodeBody } from '../../runtime/decode.ts';
import { invalidField } from '../../runtime/field-errors.ts';
import { stringifyJson } from '../../runtime/json.ts';
import { applyJsonPatch } from '../../runtime/json-patch.ts';
import { applyMergePatch } from '../../runtime/merge-patch.ts';
import type { Schema } from '../../runtime/schema.ts';
import { applyStrategicMergePatch } from '../../runtime/strategic-merge-patch.ts';
import { isObject } from '../../runtime/values.ts';
import { mediaTypeOf } from '../negotiate.ts';
import { boolean } from '../query-options.ts';
import { readBytes, schemaOf, toKind } from '../request-body.ts';
import { isBuiltIn, kindOf, type ResourceCall, writeContext } from '../resource-call.ts';
import { respondEntry } from '../respond.ts';
import { apply } from './apply.ts';

const json = 'application/json-patch+json';
const merge = 'application/merge-patch+json';
const strategic = 'application/strategic-merge-patch+json';
const applyYaml = 'application/apply-patch+yaml';

export async function patch(call: ResourceCall): Promise<ApiResponse> {
  const { exchange, declaration } = call;
  const mediaType = mediaTypeOf(exchange.request.headers['content-type']);
  const accepted = isBuiltIn(declaration) ? [json, merge, strategic, applyYaml] : [json, merge, applyYaml];
  if (!accepted.includes(mediaType)) {
    throw new ApiError(
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
    );
  }
  const force = boolean(exchange.request.query, 'force');
  const { value, duplicates } = await readPatch(call, mediaType);
  if (mediaType === applyYaml) return apply(call, value, duplicates, force ?? false);
  if (force !== undefined) {
    const cause = { reason: 'FieldValueForbidden', field: 'force', message: 'Forbidden: may not be specified for non-apply patch' };
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [cause]);
  }
  const context = writeContext(call, 'PatchOptions');
  const kind = kindOf(call);
  const schema = schemaOf(declaration, kind);
  const change = patchFunction(mediaType, value, schema);
  const { entry } = await call.storage.update(
    context,
    call.key,
    (current) => {
      if (!current) throw notFound(declaration, call.key.name);
      const object = change(current);
      try {
        return toKind(object, duplicates, kind, schema, context) as unknown as KubeObject;
      } catch (error) {
        throw misfit(error, value);
      }
    },
    call.subresource === '' ? {} : { subresource: call.subresource },
  );
  return respondEntry(call, entry);
}

async function readPatch({ exchange }: ResourceCall, mediaType: string): Promise<{ value: unknown; duplicates: readonly string[] }> {
  const { direct } = exchange.request;
  if (direct) return { value: direct.object, duplicates: [] };
  const bytes = await readBytes(exchange);
  try {
    return decodeBody(bytes, mediaType === applyYaml ? 'application/yaml' : 'application/json');
  } catch (error) {
    // A patch has no kind that could not be made out: only what is wrong with the JSON is of interest.
    throw isApiError(error, 'BadRequest') && isApiError(error.cause) ? error.cause : error;
  }
}

function patchFunction(mediaType: string, patch: unknown, schema: Schema): (current: KubeObject) => unknown {
  switch (mediaType) {
    case json:
      return (current) => applyJsonPatch(current, patch);
    case merge:
      if (!isObject(patch)) throw badRequest('a merge patch of an object is an object');
      return (current) => applyMergePatch(current, patch);
    default:
      return (current) => applyStrategicMergePatch(current, patch, schema);
  }
}

/** What the patch makes of an object is none of its kind: 422, though the patch itself is well-formed. */
function misfit(error: unknown, patch: unknown): unknown {
  if (!isApiError(error, 'BadRequest') || !isApiError(error.cause)) return error;
  return invalid({ group: '', kind: '' }, '', [invalidField('patch', stringifyJson(patch), error.cause.message)]);
}
