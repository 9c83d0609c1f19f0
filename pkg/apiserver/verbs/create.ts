import { badRequest } from '../../api/errors.ts';
import type { ApiResponse } from '../../api/http.ts';
import type { KubeObject } from '../../api/object.ts';
import { isObject, type JsonObject } from '../../runtime/values.ts';
import { readObject, schemaOf } from '../request-body.ts';
import { kindOf, type ResourceCall, writeContext } from '../resource-call.ts';
import { respondEntry } from '../respond.ts';

/** POST to a collection. */
export async function create(call: ResourceCall): Promise<ApiResponse> {
  const context = writeContext(call, 'CreateOptions');
  const kind = kindOf(call);
  const object = await readObject(call.exchange, kind, schemaOf(call.declaration, kind), context);
  matchNamespace(call, object);
  const version = isObject(object['metadata']) ? (object['metadata']['resourceVersion'] ?? '') : '';
  if (version !== '' && version !== '0') throw badRequest('resourceVersion should not be set on objects to be created');
  const entry = await call.storage.create(context, call.key.namespace, object as unknown as KubeObject);
  return respondEntry(call, entry, 201);
}

/** An object without a namespace gets that of the path; one with another is refused. */
export function matchNamespace({ key, declaration }: ResourceCall, object: JsonObject): void {
  if (!declaration.namespaced) return;
  const metadata = isObject(object['metadata']) ? object['metadata'] : {};
  object['metadata'] = metadata;
  const given = metadata['namespace'];
  if (given === undefined || given === '') metadata['namespace'] = key.namespace;
  else if (given !== key.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}
