/**
 * The body of a write as an object: read within the limit, decoded by its media type, checked to be of the kind that
 * the path takes, and brought into the shape of its type.
 */
import { ApiError, badRequest, invalid, isApiError } from '../api/errors.ts';
import { apiVersionOf, parseApiVersion } from '../api/object.ts';
import { readBody } from '../client/read-body.ts';
import type { RequestContext, ResourceDeclaration } from '../registry/contract.ts';
import { declaredSchema } from '../registry/declared-schema.ts';
import { type Decoded, decodeBody, unrecognizedBody, unsupportedMediaType } from '../runtime/decode.ts';
import { invalidField } from '../runtime/field-errors.ts';
import { stringifyJson } from '../runtime/json.ts';
import { decodeProtobuf, protobufMediaType } from '../runtime/protobuf.ts';
import { type Pruned, type PruneOptions, pruneToSchema, typeMetaOf } from '../runtime/prune.ts';
import { builtinSchema, definitionOfKind, type Schema } from '../runtime/schema.ts';
import { goKind, isObject, type JsonObject } from '../runtime/values.ts';
import type { Exchange } from './exchange.ts';
import { mediaTypeOf } from './negotiate.ts';

/** Kubernetes' own limit: 3 MiB, what etcd takes with room for what the server adds. */
export const maxBodySize = 3 * 1024 * 1024;

export type Kind = readonly [group: string, version: string, kind: string];

/** The bytes of the body. RequestEntityTooLarge before more than the limit is in memory. */
export function readBytes(exchange: Exchange): Promise<Uint8Array> {
  const { body, headers } = exchange.request;
  const announced = Number(headers['content-length'] ?? 0);
  if (announced > maxBodySize) throw new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${maxBodySize}`);
  return readBody(body, maxBodySize);
}

/** An object of the given kind, in the shape of its schema; the copy is the caller's. */
export async function readObject(exchange: Exchange, kind: Kind, schema: Schema, context: RequestContext): Promise<JsonObject> {
  const { direct } = exchange.request;
  if (direct) return toKind(stated(direct.object, kind), [], kind, schema, context);
  const custom = schema.source !== undefined;
  const mediaType = bodyType(exchange, custom ? withoutProtobuf : readable);
  const { value, duplicates } = decodeAs(kind, { mediaType, bytes: await readBytes(exchange) }, custom);
  return toKind(value, duplicates, kind, schema, context);
}

const readable = ['application/json', 'application/yaml', protobufMediaType];

/** Custom resources have no protobuf; of other types they are said to have what all have. */
const withoutProtobuf = readable.slice(0, 2);

/** Whether a body of the type that the request states can be read at all; asked before any of it is. Throws UnsupportedMediaType. */
export function bodyType({ request }: Exchange, types: readonly string[] = readable): string {
  const stated = request.headers['content-type'] || 'application/json';
  const mediaType = mediaTypeOf(stated);
  if (mediaType !== undefined && types.includes(mediaType)) return mediaType;
  throw unsupportedMediaType(stated, mediaType === protobufMediaType ? types : readable);
}

interface Body {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

function decodeAs(kind: Kind, { mediaType, bytes }: Body, custom: boolean): Decoded {
  try {
    if (mediaType === protobufMediaType) return { value: decodeProtobuf(bytes, kind), duplicates: [] };
    const decoded = decodeBody(bytes, mediaType);
    if (decoded.value === null && !custom) return { ...decoded, value: {} };
    if (isObject(decoded.value)) {
      if (custom) checkStated(decoded.value);
      return decoded;
    }
    const why = `json: cannot unmarshal ${goKind(decoded.value)} into Go value of type ${typeMetaStruct}`;
    throw badRequest(`couldn't get version/kind; json parse error: ${why}`);
  } catch (error) {
    throw isApiError(error, 'BadRequest') ? unrecognizedBody(kind[2], error, bytes) : error;
  }
}

/** Of a custom resource, which has no type of its own, the body says what it is. */
function checkStated(value: JsonObject): void {
  for (const [field, name] of Object.entries({ apiVersion: value['apiVersion'], kind: value['kind'] })) {
    if (name === undefined || name === null || typeof name === 'string') continue;
    const why = `json: cannot unmarshal ${goKind(name)} into Go struct field .${field} of type string`;
    throw badRequest(`couldn't get version/kind; json parse error: ${why}`);
  }
  const { apiVersion } = typeMetaOf(value);
  if (apiVersion.split('/').length > 2) throw badRequest(`unexpected GroupVersion string: ${apiVersion}`);
  if (!value['kind']) throw badRequest(`Object 'Kind' is missing in '${stringifyJson(value)}'`);
}

/** What Go reads an object's kind into. */
export const typeMetaStruct = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

/** Checks apiVersion and kind (absent ones are taken to be right), then prunes, with warnings for what was unknown. */
export function toKind(value: unknown, duplicates: readonly string[], kind: Kind, schema: Schema, context: RequestContext): JsonObject {
  const { fieldValidation } = context;
  const pruned = pruneKind(value, kind, schema, { fieldValidation, duplicates });
  if (fieldValidation === 'Warn') for (const text of pruned.problems) context.warn(text);
  return pruned.value;
}

/** Brings a value into the shape of a kind; apiVersion and kind, where they are stated, must be those. */
export function pruneKind(value: unknown, [group, version, name]: Kind, schema: Schema, options: PruneOptions): Pruned {
  const apiVersion = apiVersionOf({ group, version });
  const custom = schema.source !== undefined;
  const typed = isObject(value) && !custom ? withTypeMeta(value, apiVersion, name) : value;
  if (isObject(typed)) {
    const given = typeMetaOf(typed);
    if (custom) checkCustomKind(typed, [group, version, name]);
    else if (given.apiVersion !== apiVersion || given.kind !== name) throw otherKind(given, [group, version, name]);
  }
  const pruned = pruneToSchema(typed, schema, { ...options, kind: name, version });
  if (takesManagersAway(typed)) (pruned.value['metadata'] as JsonObject)['managedFields'] = [{}];
  return pruned;
}

function checkCustomKind(value: JsonObject, [group, version, name]: Kind): void {
  const { apiVersion, kind } = typeMetaOf(value);
  const expected = apiVersionOf({ group, version });
  if (apiVersion !== expected) {
    throw badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${expected})`);
  }
  if (kind === name) return;
  const metadata = isObject(value['metadata']) ? value['metadata'] : {};
  throw invalid({ group, kind }, String(metadata['name'] ?? ''), [invalidField('kind', kind, `must be ${name}`)]);
}

function otherKind(given: { readonly apiVersion: string; readonly kind: string }, [group, version, name]: Kind): ApiError {
  const { group: givenGroup, version: givenVersion } = parseApiVersion(given.apiVersion);
  const handled = `${given.kind} in version ${JSON.stringify(givenVersion)} cannot be handled as a ${name}`;
  const builtIn = definitionOfKind(group, version, name) !== undefined;
  if (definitionOfKind(givenGroup, givenVersion, given.kind) === undefined && (builtIn || given.kind !== name)) {
    return badRequest(`${handled}: no kind ${JSON.stringify(given.kind)} is registered for version ${JSON.stringify(given.apiVersion)}`);
  }
  if (given.kind !== name)
    return badRequest(
      `${handled}: converting (${givenVersion}.${given.kind}) to (${builtIn ? internalName(group) : version}.${name}): unknown conversion`,
    );
  const expected = apiVersionOf({ group, version });
  return badRequest(`the API version in the data (${given.apiVersion}) does not match the expected API version (${expected})`);
}

/** What Kubernetes calls the form of a group's kinds that it works with. */
function internalName(group: string): string {
  return group === '' ? 'core' : (group.split('.', 1)[0] as string);
}

/** An empty list says so as one empty entry does; it would be left out as if nothing had been said. */
function takesManagersAway(value: unknown): boolean {
  const metadata = isObject(value) ? value['metadata'] : undefined;
  const managers = isObject(metadata) ? metadata['managedFields'] : undefined;
  return Array.isArray(managers) && managers.length === 0;
}

/** Callers in this process need not say what the path says already. */
function stated(value: unknown, [group, version, kind]: Kind): unknown {
  return isObject(value) ? withTypeMeta(value, apiVersionOf({ group, version }), kind) : value;
}

function withTypeMeta(value: JsonObject, apiVersion: string, kind: string): JsonObject {
  return value['apiVersion'] && value['kind']
    ? value
    : { ...value, apiVersion: value['apiVersion'] || apiVersion, kind: value['kind'] || kind };
}

/** The schema of a kind: the resource's own, or that of its subresource (Scale, Binding, TokenRequest). */
export function schemaOf(declaration: ResourceDeclaration, [group, version, kind]: Kind): Schema {
  if (group === declaration.group && version === declaration.version && kind === declaration.kind) return declaredSchema(declaration);
  const definition = definitionOfKind(group, version, kind);
  if (definition === undefined)
    throw new ApiError('NotFound', `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(version)}`);
  return builtinSchema(definition);
}
