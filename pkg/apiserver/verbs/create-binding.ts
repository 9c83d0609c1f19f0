import { badRequest } from '../../api/errors.ts';
import type { ApiResponse } from '../../api/http.ts';
import type { KubeObject } from '../../api/object.ts';
import type { ResourceDeclaration } from '../../registry/contract.ts';
import { isObject } from '../../runtime/values.ts';
import type { Exchange } from '../exchange.ts';
import { writeParameters } from '../query-options.ts';
import { readObject, schemaOf } from '../request-body.ts';
import { contextOf, negotiateResource, type Services } from '../resource-call.ts';
import { accomplished, respondObject } from '../respond.ts';

/** POST to a namespace's `bindings`, the old way to bind: the pod is named in the body. */
export async function createBinding(exchange: Exchange, services: Services, declaration: ResourceDeclaration): Promise<ApiResponse> {
  const context = contextOf(exchange, 'binding', writeParameters(exchange.request.query, 'CreateOptions'), exchange.signal);
  const gvk = ['', 'v1', 'Binding'] as const;
  const body = await readObject(exchange, gvk, schemaOf(declaration, gvk), context);
  const metadata = isObject(body['metadata']) ? body['metadata'] : {};
  const { name } = metadata;
  if (typeof name !== 'string' || name === '') throw badRequest('a Binding needs metadata.name: the pod to bind');
  const object = { ...body, metadata: { ...metadata, namespace: exchange.info.namespace } };
  const pods = services.registry.storage('', 'v1', 'pods');
  await pods?.update(context, { namespace: exchange.info.namespace, name }, () => object as unknown as KubeObject, {
    subresource: 'binding',
  });
  return respondObject(exchange, accomplished, negotiateResource(exchange, declaration), { status: 201 });
}
