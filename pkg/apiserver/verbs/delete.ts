import { answersDeletion } from '../../api/answered-deletions.ts';
import { badRequest } from '../../api/errors.ts';
import type { DeleteOptions } from '../../api/generated/meta-v1.ts';
import type { ApiResponse } from '../../api/http.ts';
import { apiVersionOf } from '../../api/object.ts';
import type { RequestContext, ResourceDeclaration } from '../../registry/contract.ts';
import { decodeBody } from '../../runtime/decode.ts';
import { decodeProtobuf, protobufMediaType } from '../../runtime/protobuf.ts';
import { pruneToSchema, typeMetaOf } from '../../runtime/prune.ts';
import { builtinSchema } from '../../runtime/schema.ts';
import type { Exchange } from '../exchange.ts';
import { boolean, integer, text } from '../query-options.ts';
import { bodyType, readBytes } from '../request-body.ts';
import { type ResourceCall, readContext } from '../resource-call.ts';
import { respondEntry, respondObject, success } from '../respond.ts';

/** DELETE of one object: at once, or marked to go when its finalizers and its grace period allow. */
export async function remove(call: ResourceCall): Promise<ApiResponse> {
  const options = await deleteOptions(call);
  const { entry, gone } = await call.storage.delete(deleteContext(call, options), call.key, options);
  // 202 tells a client that asked for orphanDependents=false that dependents still have to go, as in Kubernetes.
  const status = !gone && options.orphanDependents === false ? 202 : 200;
  if (!gone || answersDeletion(call.declaration)) return respondEntry(call, entry, status);
  const { group, resource } = call.declaration;
  const details = { name: call.key.name, ...(group === '' ? {} : { group }), kind: resource, uid: entry.object.metadata.uid };
  return respondObject(call.exchange, success(details), call.negotiated);
}

/** From the body, else from the query. */
export async function deleteOptions({ exchange, declaration }: ResourceCall): Promise<DeleteOptions> {
  const { direct, query } = exchange.request;
  let options: DeleteOptions = {};
  if (direct) options = (direct.object as DeleteOptions | undefined) ?? {};
  else {
    const bytes = await readBytes(exchange);
    if (bytes.length > 0) {
      const mediaType = bodyType(exchange);
      const value =
        mediaType === protobufMediaType ? decodeProtobuf(bytes, ['', 'v1', 'DeleteOptions']) : decodeBody(bytes, mediaType).value;
      checkKind(value, declaration);
      options = pruneToSchema(value, deleteOptionsSchema(), { kind: 'DeleteOptions', version: 'v1' }).value;
    }
  }
  const gracePeriodSeconds = options.gracePeriodSeconds ?? integer(query, 'gracePeriodSeconds');
  const propagationPolicy = options.propagationPolicy ?? text(query, 'propagationPolicy');
  const orphanDependents = options.orphanDependents ?? boolean(query, 'orphanDependents');
  const dryRun = options.dryRun ?? query.getAll('dryRun');
  if (propagationPolicy === undefined && orphanDependents === undefined) warnOfOrphans(exchange, declaration);
  return {
    ...options,
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(orphanDependents === undefined ? {} : { orphanDependents }),
    ...(dryRun.length === 0 ? {} : { dryRun }),
  };
}

/** What goes without saying is otherwise for jobs than for everything else. */
function warnOfOrphans({ warnings }: Exchange, { group, resource }: ResourceDeclaration): void {
  if (group !== 'batch' || resource !== 'jobs') return;
  warnings.add(
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  );
}

/** Whoever sends an object instead has mistaken the verb: nothing is deleted by it. Each group has DeleteOptions of its own. */
function checkKind(value: unknown, declaration: ResourceDeclaration): void {
  const { apiVersion, kind } = typeMetaOf(value);
  const known = apiVersion === '' || apiVersion === 'v1' || apiVersion === 'meta.k8s.io/v1' || apiVersion === apiVersionOf(declaration);
  if (kind !== '' && kind !== 'DeleteOptions') throw badRequest('decoded object cannot be converted to DeleteOptions');
  if (!known) throw badRequest(`no kind "DeleteOptions" is registered for version ${JSON.stringify(apiVersion)}`);
}

/** What a deletion knows of the request: the options that other writes take mean nothing to it. */
export function deleteContext(call: ResourceCall, options: DeleteOptions): RequestContext {
  return { ...readContext(call), dryRun: (options.dryRun ?? []).length > 0 };
}

const deleteOptionsSchema = () => builtinSchema('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions');
