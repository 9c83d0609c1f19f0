/**
 * PATCH: the change is given, not the object. What it leads to is computed from the current object, again after a
 * conflict, so that patches of different clients do not undo each other.
 */
import { ApiError, badRequest, invalid, isApiError, notFound } from '../../api/errors.ts';
import type { ApiResponse } from '../../api/http.ts';
import type { KubeObject } from '../../api/object.ts';
import type { RequestContext } from '../../registry/contract.ts';
import { type Decoded, decodeBody, unsupportedMediaType } from '../../runtime/decode.ts';
import { invalidField } from '../../runtime/field-errors.ts';
import { maxBodyDepth, parseJson, stringifyJson } from '../../runtime/json.ts';
import { applyJsonPatch } from '../../runtime/json-patch.ts';
import { applyMergePatch } from '../../runtime/merge-patch.ts';
import type { Schema } from '../../runtime/schema.ts';
import { applyStrategicMergePatch } from '../../runtime/strategic-merge-patch.ts';
import { goKind, goPrinted, isObject, type JsonObject } from '../../runtime/values.ts';
import { pruneKind, readBytes, schemaOf } from '../request-body.ts';
import { isBuiltIn, kindOf, patchContext, type ResourceCall } from '../resource-call.ts';
import { respondEntry } from '../respond.ts';
import { apply } from './apply.ts';
import { checkName } from './create-subresource.ts';

const json = 'application/json-patch+json';
const merge = 'application/merge-patch+json';
const strategic = 'application/strategic-merge-patch+json';
const applyYaml = 'application/apply-patch+yaml';

export async function patch(call: ResourceCall): Promise<ApiResponse> {
  const { declaration } = call;
  const mediaType = patchType(call);
  const { value, duplicates } = await readPatch(call, mediaType);
  const { context, force } = patchContext(call, mediaType === applyYaml ? 'apply' : 'patch');
  if (mediaType === applyYaml) return apply(call, value, { context, duplicates, force });
  const schema = schemaOf(declaration, kindOf(call));
  const patching: Patching = { call, context, schema, ...patchOf(mediaType, value, duplicates, schema) };
  const { entry } = await call.storage.update(
    context,
    call.key,
    (current) => {
      if (!current) throw notFound(declaration, call.key.name);
      return patched(patching, current);
    },
    call.subresource === '' ? {} : { subresource: call.subresource },
  );
  return respondEntry(call, entry);
}

/** What is not exactly one of the types of patches is none: no other spelling is looked for. Throws UnsupportedMediaType. */
function patchType({ exchange, declaration }: ResourceCall): string {
  const [mediaType = ''] = (exchange.request.headers['content-type'] ?? '').split(';');
  const accepted = isBuiltIn(declaration) ? [json, merge, strategic, applyYaml] : [json, merge, applyYaml];
  if (accepted.includes(mediaType)) return mediaType;
  if (!isBuiltIn(declaration)) throw unsupportedMediaType(mediaType, accepted);
  throw new ApiError('UnsupportedMediaType', '415: Unsupported Media Type', { details: {} });
}

const decoder = new TextDecoder();

async function readPatch({ exchange }: ResourceCall, mediaType: string): Promise<Decoded> {
  const { direct } = exchange.request;
  if (direct) return { value: direct.object, duplicates: [] };
  const bytes = await readBytes(exchange);
  try {
    return mediaType === applyYaml ? decodeBody(bytes, 'application/yaml') : parseJson(decoder.decode(bytes), maxBodyDepth);
  } catch (error) {
    if (!isApiError(error, 'BadRequest') || mediaType === strategic) throw error;
    throw badRequest(
      `error decoding ${mediaType === applyYaml ? 'YAML: error converting YAML to JSON' : 'patch'}: ${error.message}`,
      error,
    );
  }
}

/** A patch of any kind but server-side apply. */
interface Patch {
  readonly change: (current: KubeObject) => unknown;
  /** What Strict refuses and Warn warns of in the patch itself: fields that stand twice, members that no operation has. */
  readonly problems: readonly string[];
  /** How the patch, or what it led to, is shown when that is no object of the kind. */
  shown(made: unknown): string;
  readonly words: 'json' | 'structure';
}

interface Patching extends Patch {
  readonly call: ResourceCall;
  readonly context: RequestContext;
  readonly schema: Schema;
}

function patchOf(mediaType: string, patch: unknown, duplicates: readonly string[], schema: Schema): Patch {
  const twice = duplicates.map((path) => `duplicate field "${path}"`);
  switch (mediaType) {
    case json:
      return {
        change: (current) => applyJsonPatch(current, patch),
        problems: [...twice, ...unknownMembers(patch)].map((problem) => `json patch ${problem}`),
        shown: stringifyJson,
        words: 'json',
      };
    case merge:
      if (patch === null) throw badRequest('Invalid JSON Patch');
      if (!isObject(patch)) {
        throw badRequest(`error decoding patch: json: cannot unmarshal ${goKind(patch)} into Go value of type map[string]interface {}`);
      }
      return { change: (current) => applyMergePatch(current, patch), problems: twice, shown: stringifyJson, words: 'json' };
    default:
      return {
        change: (current) => ({
          ...(applyStrategicMergePatch(current, patch ?? {}, schema) as JsonObject),
          // Which type it is was settled by the path; what the patch says of it is not looked at.
          apiVersion: current.apiVersion,
          kind: current.kind,
        }),
        problems: twice,
        shown: () => goPrinted(patch),
        words: 'structure',
      };
  }
}

function unknownMembers(patch: unknown): string[] {
  if (!Array.isArray(patch)) return [];
  return patch.flatMap((operation: unknown, index) =>
    isObject(operation)
      ? Object.keys(operation)
          .filter((key) => !members.has(key))
          .map((key) => `unknown field "[${index}].${key}"`)
      : [],
  );
}

const members = new Set(['op', 'path', 'from', 'value']);

/** What the patch makes of the current object, brought into the shape of its type; 422 where that cannot be. */
function patched({ call, context, schema, change, problems, shown, words }: Patching, current: KubeObject): KubeObject {
  const made = change(current);
  const { fieldValidation } = context;
  let out: JsonObject;
  try {
    const pruned = pruneKind(made, kindOf(call), schema, { fieldValidation: fieldValidation === 'Ignore' ? 'Ignore' : 'Warn', words });
    const all = fieldValidation === 'Ignore' ? [] : [...problems, ...pruned.problems];
    if (fieldValidation === 'Strict' && all.length > 0) throw badRequest(`strict decoding error: ${all.join(', ')}`);
    for (const text of all) context.warn(text);
    out = pruned.value;
  } catch (error) {
    if (!isApiError(error, 'BadRequest')) throw error;
    const why = isApiError(error.cause, 'BadRequest') ? error.cause.message : error.message;
    throw invalid({ group: '', kind: '' }, '', [invalidField('patch', shortened(shown(made)), why)]);
  }
  checkName(call, out);
  return out as unknown as KubeObject;
}

/** What came of a patch may be far longer than the patch. */
function shortened(text: string): string {
  const most = 64 * 1024;
  return text.length <= most ? text : `${text.slice(0, most)} ...`;
}
