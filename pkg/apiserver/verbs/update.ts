import type { ApiResponse } from '../../api/http.ts';
import type { KubeObject } from '../../api/object.ts';
import { readObject, schemaOf } from '../request-body.ts';
import { kindOf, type ResourceCall, writeContext } from '../resource-call.ts';
import { respondEntry } from '../respond.ts';
import { matchNamespace } from './create.ts';
import { checkName } from './create-subresource.ts';

/** PUT: the object replaces the current one; with a resourceVersion in it, only if that is still the current one. */
export async function update(call: ResourceCall): Promise<ApiResponse> {
  const context = writeContext(call, 'UpdateOptions');
  const kind = kindOf(call);
  const object = await readObject(call.exchange, kind, schemaOf(call.declaration, kind), context);
  matchNamespace(call, object);
  checkName(call, object);
  const { entry, created } = await call.storage.update(context, call.key, () => object as unknown as KubeObject, {
    createIfMissing: true,
    ...(call.subresource === '' ? {} : { subresource: call.subresource }),
  });
  return respondEntry(call, entry, created ? 201 : 200);
}
