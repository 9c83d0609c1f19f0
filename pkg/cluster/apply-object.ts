import { badRequest } from '../api/errors.ts';
import { type KubeObject, parseApiVersion } from '../api/object.ts';
import type { Client } from '../client/client.ts';
import type { ResourceDeclaration } from '../registry/contract.ts';

/** An object on its way to the server by server-side apply. */
export interface Applied {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly namespace?: string };
}

/** Server-side apply by the object's own kind and name; `namespace` defaults to `default` where one is needed. */
export function applyObject<T extends KubeObject>(
  declarations: readonly ResourceDeclaration[],
  client: Client,
  object: Applied,
): Promise<T> {
  const { group, version } = parseApiVersion(object.apiVersion);
  const declaration = declarations.find((each) => each.group === group && each.version === version && each.kind === object.kind);
  if (!declaration) throw badRequest(`no kind "${object.kind}" is known in version "${object.apiVersion}"`);
  const { name } = object.metadata;
  if (!name) throw badRequest(`${object.kind}: metadata.name is needed to apply an object`);
  const namespace = declaration.namespaced ? (object.metadata.namespace ?? 'default') : undefined;
  const ref = { group, version, resource: declaration.resource, kind: declaration.kind, namespaced: declaration.namespaced };
  const body = namespace ? { ...object, metadata: { ...object.metadata, namespace } } : object;
  return client
    .resource<T>(ref)
    .patch(name, { type: 'apply', body }, { ...(namespace ? { namespace } : {}), force: true, fieldManager: 'gokube' });
}
