/**
 * The body of a write as an object: read within the limit, decoded by its media type, checked to be of the kind that
 * the path takes, and brought into the shape of its type.
 */
import { ApiError, badRequest } from '../api/errors.ts';
import { apiVersionOf } from '../api/object.ts';
import { readBody } from '../client/read-body.ts';
import type { RequestContext, ResourceDeclaration } from '../registry/contract.ts';
import { declaredSchema } from '../registry/declared-schema.ts';
import { type Decoded, decodeBody } from '../runtime/decode.ts';
import { decodeProtobuf, protobufMediaType } from '../runtime/protobuf.ts';
import { type Pruned, type PruneOptions, pruneToSchema } from '../runtime/prune.ts';
import { builtinSchema, definitionOfKind, type Schema } from '../runtime/schema.ts';
import { isObject, type JsonObject } from '../runtime/values.ts';
import type { Exchange } from './exchange.ts';
import { mediaTypeOf } from './negotiate.ts';

/** Kubernetes' own limit: 3 MiB, what etcd takes with room for what the server adds. */
export const maxBodySize = 3 * 1024 * 1024;

export type Kind = readonly [group: string, version: string, kind: string];

/** The bytes of the body. Throws RequestEntityTooLarge before more than the limit is in memory. */
export async function readBytes(exchange: Exchange): Promise<Uint8Array> {
  const { body, headers } = exchange.request;
  const announced = Number(headers['content-length'] ?? 0);
  if (announced > maxBodySize) throw new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${maxBodySize}`);
  return readBody(body, maxBodySize);
}

/** An object of the given kind, in the shape of its schema; the copy is the caller's. */
export async function readObject(exchange: Exchange, kind: Kind, schema: Schema, context: RequestContext): Promise<JsonObject> {
  const { value, duplicates } = await readValue(exchange, kind);
  return toKind(value, duplicates, kind, schema, context);
}

/** The body as a value, or the object that a caller in this process passed. */
async function readValue(exchange: Exchange, kind: Kind): Promise<Decoded> {
  const { direct, headers } = exchange.request;
  if (direct) return { value: direct.object, duplicates: [] };
  const bytes = await readBytes(exchange);
  const mediaType = mediaTypeOf(headers['content-type']);
  if (mediaType === protobufMediaType) return { value: decodeProtobuf(bytes, kind), duplicates: [] };
  if (bytes.length === 0) throw badRequest(`the request has no body; expected an object of kind ${kind[2]}`);
  return decodeBody(bytes, mediaType);
}

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
  const typed = isObject(value) ? withTypeMeta(value, apiVersion, name) : value;
  if (isObject(typed)) {
    if (typed['apiVersion'] !== apiVersion) {
      throw badRequest(
        `the API version in the data (${String(typed['apiVersion'])}) does not match the expected API version (${apiVersion})`,
      );
    }
    if (typed['kind'] !== name) {
      const given = String(typed['kind']);
      throw badRequest(
        `${given} in version ${JSON.stringify(version)} cannot be handled as a ${name}: the data is of kind ${JSON.stringify(given)}`,
      );
    }
  }
  const pruned = pruneToSchema(typed, schema, { ...options, kind: name, version });
  if (takesManagersAway(typed)) (pruned.value['metadata'] as JsonObject)['managedFields'] = [{}];
  return pruned;
}

/** An empty list says so as one empty entry does; it would be left out as if nothing had been said. */
function takesManagersAway(value: unknown): boolean {
  const metadata = isObject(value) ? value['metadata'] : undefined;
  const managers = isObject(metadata) ? metadata['managedFields'] : undefined;
  return Array.isArray(managers) && managers.length === 0;
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
