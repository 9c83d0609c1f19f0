import { answersDeletion } from '../../api/answered-deletions.ts';
import { badRequest, isApiError } from '../../api/errors.ts';
import type { DeleteOptions } from '../../api/generated/meta-v1.ts';
import type { ApiResponse } from '../../api/http.ts';
import type { RequestContext, ResourceDeclaration } from '../../registry/contract.ts';
import { decodeBody } from '../../runtime/decode.ts';
import { decodeProtobuf, protobufMediaType } from '../../runtime/protobuf.ts';
import { pruneToSchema, typeMetaOf } from '../../runtime/prune.ts';
import { builtinSchema } from '../../runtime/schema.ts';
import { goKind, isObject } from '../../runtime/values.ts';
import type { Exchange } from '../exchange.ts';
import { boolean, integer, text } from '../query-options.ts';
import { bodyType, readBytes, typeMetaStruct } from '../request-body.ts';
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

export async function deleteOptions({ exchange, declaration }: ResourceCall): Promise<DeleteOptions> {
  const options = await statedOptions(exchange);
  if (options.propagationPolicy === undefined && options.orphanDependents === undefined) warnOfOrphans(exchange, declaration);
  return options;
}

/** From the body; where there is none, from the query. */
async function statedOptions(exchange: Exchange): Promise<DeleteOptions> {
  const { direct, query } = exchange.request;
  if (direct?.object !== undefined) return direct.object as DeleteOptions;
  const bytes = direct ? undefined : await readBytes(exchange);
  if (!bytes?.length) return queryOptions(query);
  const mediaType = bodyType(exchange);
  if (mediaType === protobufMediaType) return decodeProtobuf(bytes, ['', 'v1', 'DeleteOptions']) as DeleteOptions;
  const { value } = decodeBody(bytes, mediaType);
  if (value !== null && !isObject(value)) {
    throw badRequest(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${goKind(value)} into Go value of type ${typeMetaStruct}`,
    );
  }
  checkKind(value);
  try {
    return pruneToSchema(value ?? {}, deleteOptionsSchema()).value;
  } catch (error) {
    throw isApiError(error, 'BadRequest') && isApiError(error.cause, 'BadRequest') ? error.cause : error;
  }
}

function queryOptions(query: URLSearchParams): DeleteOptions {
  if (query.get('gracePeriodSeconds') === '') throw badRequest('strconv.ParseInt: parsing "": invalid syntax');
  const gracePeriodSeconds = integer(query, 'gracePeriodSeconds');
  const propagationPolicy = query.get('propagationPolicy');
  const orphanDependents = boolean(query, 'orphanDependents');
  const dryRun = query.getAll('dryRun');
  const [uid, resourceVersion] = [text(query, 'uid'), text(query, 'resourceVersion')];
  const preconditions = { ...(uid === undefined ? {} : { uid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) };
  return {
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(propagationPolicy === null ? {} : { propagationPolicy }),
    ...(orphanDependents === undefined ? {} : { orphanDependents }),
    ...(dryRun.length === 0 ? {} : { dryRun }),
    ...(Object.keys(preconditions).length === 0 ? {} : { preconditions }),
  };
}

/** What goes without saying is otherwise for jobs than for everything else. */
function warnOfOrphans({ warnings }: Exchange, { group, resource }: ResourceDeclaration): void {
  if (group !== 'batch' || resource !== 'jobs') return;
  warnings.add(
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  );
}

/** Whoever sends an object instead has mistaken the verb: nothing is deleted by it. Every group has DeleteOptions of its own. */
function checkKind(value: unknown): void {
  const { apiVersion, kind } = typeMetaOf(value);
  if (kind === '' || kind === 'DeleteOptions') return;
  throw badRequest(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion || 'v1')}`);
}

/** What a deletion knows of the request: the options that other writes take mean nothing to it. */
export function deleteContext(call: ResourceCall, options: DeleteOptions): RequestContext {
  return { ...readContext(call), dryRun: (options.dryRun ?? []).length > 0 };
}

const deleteOptionsSchema = () => builtinSchema('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions');
