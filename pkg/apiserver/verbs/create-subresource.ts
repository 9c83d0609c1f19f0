import { badRequest } from '../../api/errors.ts';
import type { ApiResponse } from '../../api/http.ts';
import type { KubeObject } from '../../api/object.ts';
import { isObject, type JsonObject } from '../../runtime/values.ts';
import { readObject, schemaOf } from '../request-body.ts';
import { kindOf, type ResourceCall, writeContext } from '../resource-call.ts';
import { accomplished, respondObject } from '../respond.ts';
import { matchNamespace } from './create.ts';

/** POST of a Binding or an Eviction to a pod: answered by a Status. */
export async function createSubresource(call: ResourceCall): Promise<ApiResponse> {
  const context = writeContext(call, 'CreateOptions', call.subresource);
  const kind = kindOf(call);
  const body = await readObject(call.exchange, kind, schemaOf(call.declaration, kind), context);
  matchNamespace(call, body);
  matchName(call, body);
  await call.storage.update(context, call.key, () => body as unknown as KubeObject, { subresource: call.subresource });
  return respondObject(call.exchange, accomplished, call.negotiated, { status: 201 });
}

/** What is posted must name the pod that it is posted to. */
function matchName({ key, subresource }: ResourceCall, object: JsonObject): void {
  const given = isObject(object['metadata']) ? object['metadata']['name'] : undefined;
  if (given === key.name) return;
  const [kind = '', ...rest] = subresource;
  throw badRequest(`name in URL does not match name in ${kind.toUpperCase()}${rest.join('')} object`);
}

/** An object that is written under a name must have that name. */
export function checkName({ key }: ResourceCall, object: JsonObject): void {
  const given = isObject(object['metadata']) ? object['metadata']['name'] : undefined;
  if (given === undefined || given === '') {
    throw badRequest(`the name of the object (${key.name} based on URL) was undeterminable: name must be provided`);
  }
  if (given !== key.name) {
    throw badRequest(`the name of the object (${String(given)}) does not match the name on the URL (${key.name})`);
  }
}
