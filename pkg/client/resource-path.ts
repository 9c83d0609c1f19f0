import type { ResourceRef } from '../api/object.ts';

/** Which object, collection or subresource. `name` absent: the collection; `namespace` absent: all namespaces. */
export interface Target {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/** The path of a resource: `/apis/apps/v1/namespaces/default/deployments/web/status`. */
export function resourcePath(ref: ResourceRef, target: Target): string {
  let path = ref.group === '' ? `/api/${ref.version}` : `/apis/${ref.group}/${ref.version}`;
  if (ref.namespaced && target.namespace) path += `/namespaces/${encodeURIComponent(target.namespace)}`;
  path += `/${ref.resource}`;
  if (target.name !== undefined) path += `/${encodeURIComponent(target.name)}`;
  if (target.subresource) path += `/${target.subresource}`;
  return path;
}
