import { invalid } from '../../api/errors.ts';
import type { DeleteOptions, StatusCause } from '../../api/generated/meta-v1.ts';
import type { ApiResponse } from '../../api/http.ts';
import { decodeBody } from '../../runtime/decode.ts';
import { decodeProtobuf, protobufMediaType } from '../../runtime/protobuf.ts';
import { pruneToSchema } from '../../runtime/prune.ts';
import { builtinSchema } from '../../runtime/schema.ts';
import { mediaTypeOf } from '../negotiate.ts';
import { boolean, integer, text, unsupported } from '../query-options.ts';
import { readBytes } from '../request-body.ts';
import { type ResourceCall, writeContext } from '../resource-call.ts';
import { respondEntry, respondObject, success } from '../respond.ts';

/** Kinds whose deletion answers with the object even when it is gone, as in Kubernetes. */
const answeredWithObject = new Set([
  'persistentvolumeclaims',
  'persistentvolumes',
  'pods',
  'podtemplates',
  'resourcequotas',
  'serviceaccounts',
  'services',
]);

/** DELETE of one object: at once, or marked to go when its finalizers and its grace period allow. */
export async function remove(call: ResourceCall): Promise<ApiResponse> {
  const options = await deleteOptions(call);
  const context = { ...writeContext(call, 'DeleteOptions'), dryRun: (options.dryRun ?? []).length > 0 };
  const { entry, gone } = await call.storage.delete(context, call.key, options);
  // 202 tells a client that asked for orphanDependents=false that dependents still have to go, as in Kubernetes.
  const status = !gone && options.orphanDependents === false ? 202 : 200;
  if (!gone || (call.declaration.group === '' && answeredWithObject.has(call.declaration.resource)))
    return respondEntry(call, entry, status);
  const { group, resource } = call.declaration;
  const details = { name: call.key.name, ...(group === '' ? {} : { group }), kind: resource, uid: entry.object.metadata.uid };
  return respondObject(call.exchange, success(details), call.negotiated);
}

const policies = ['Foreground', 'Background', 'Orphan'];

/** From the body, else from the query. */
export async function deleteOptions({ exchange }: ResourceCall): Promise<DeleteOptions> {
  const { direct, query, headers } = exchange.request;
  let options: DeleteOptions = {};
  if (direct) options = (direct.object as DeleteOptions | undefined) ?? {};
  else {
    const bytes = await readBytes(exchange);
    if (bytes.length > 0) {
      const mediaType = mediaTypeOf(headers['content-type']);
      const value =
        mediaType === protobufMediaType ? decodeProtobuf(bytes, ['', 'v1', 'DeleteOptions']) : decodeBody(bytes, mediaType).value;
      options = pruneToSchema(value, deleteOptionsSchema(), { kind: 'DeleteOptions', version: 'v1' }).value;
    }
  }
  const gracePeriodSeconds = options.gracePeriodSeconds ?? integer(query, 'gracePeriodSeconds');
  const propagationPolicy = options.propagationPolicy ?? text(query, 'propagationPolicy');
  const orphanDependents = options.orphanDependents ?? boolean(query, 'orphanDependents');
  const dryRun = options.dryRun ?? query.getAll('dryRun').filter((value) => value !== '');
  const causes: StatusCause[] = [];
  for (const value of dryRun) if (value !== 'All') causes.push(unsupported('dryRun', value, ['All']));
  if (propagationPolicy !== undefined) {
    if (orphanDependents !== undefined) {
      const message = 'Invalid value: DeletionPropagation and OrphanDependents cannot be set at the same time';
      causes.push({ reason: 'FieldValueInvalid', field: 'propagationPolicy', message });
    } else if (!policies.includes(propagationPolicy)) {
      causes.push(unsupported('propagationPolicy', propagationPolicy, [...policies, 'nil']));
    }
  }
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', causes);
  return {
    ...options,
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(orphanDependents === undefined ? {} : { orphanDependents }),
    ...(dryRun.length === 0 ? {} : { dryRun }),
  };
}

const deleteOptionsSchema = () => builtinSchema('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions');
