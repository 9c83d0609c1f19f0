/**
 * Server-side apply: a client states the fields that it has an opinion on; the server keeps who owns which.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
import { badRequest } from '../../api/errors.ts';
import type { ApiResponse } from '../../api/http.ts';
import { apiVersionOf, type KubeObject } from '../../api/object.ts';
import { timestamp } from '../../clock/clock.ts';
import type { RequestContext } from '../../registry/contract.ts';
import { boundsOf } from '../../registry/reach.ts';
import { applyConfiguration, checkConfiguration, gvkText } from '../../runtime/apply.ts';
import { pruneToSchema, typeMetaOf } from '../../runtime/prune.ts';
import { goKind, isObject } from '../../runtime/values.ts';
import { schemaOf } from '../request-body.ts';
import { kindOf, type ResourceCall } from '../resource-call.ts';
import { respondEntry } from '../respond.ts';
import { matchNamespace } from './create.ts';
import { checkName } from './create-subresource.ts';

export interface ApplyRequest {
  readonly context: RequestContext;
  /** Keys that stand twice in the configuration. */
  readonly duplicates: readonly string[];
  readonly force: boolean;
}

export async function apply(call: ResourceCall, value: unknown, { context, duplicates, force }: ApplyRequest): Promise<ApiResponse> {
  const kind = kindOf(call);
  const [group, version, name] = kind;
  const stated = value ?? {};
  if (!isObject(stated)) {
    const why = `json: cannot unmarshal ${goKind(stated)} into Go value of type map[string]interface {}`;
    throw badRequest(`error decoding YAML: error unmarshaling JSON: while decoding JSON: ${why}`);
  }
  const apiVersion = apiVersionOf({ group, version });
  const schema = schemaOf(call.declaration, kind);
  const given = typeMetaOf(stated);
  if (given.apiVersion !== apiVersion || given.kind !== name)
    throw badRequest(`invalid object type: ${gvkText(given.apiVersion, given.kind)}`);
  const metadata = isObject(stated['metadata']) ? stated['metadata'] : {};
  if (metadata['managedFields'] !== undefined) throw badRequest('metadata.managedFields must be nil');
  checkConfiguration(stated as unknown as KubeObject, schema);
  const applied = pruneToSchema(stated, schema, { fieldValidation: 'Ignore', keepZeros: true, kind: name, version }).value;
  if (!isObject(applied['metadata'])) applied['metadata'] = {};
  matchNamespace(call, applied);
  const named = isObject(applied['metadata']) && Boolean(applied['metadata']['name']);
  const { entry, created } = await call.storage.update(
    context,
    call.key,
    (live) => {
      if (named || !live) checkName(call, applied);
      const { object } = applyConfiguration({
        live,
        applied: applied as unknown as KubeObject,
        schema,
        manager: context.fieldManager,
        force,
        apiVersion,
        subresource: call.subresource,
        inVersion: call.subresource === 'scale' ? undefined : call.storage.inVersion,
        time: timestamp(call.services.clock),
        reach: boundsOf(call.declaration, call.subresource).reach,
      });
      reportDuplicates(context, duplicates);
      return object;
    },
    { createIfMissing: true, managesFields: true, ...(call.subresource === '' ? {} : { subresource: call.subresource }) },
  );
  return respondEntry(call, entry, created ? 201 : 200);
}

/** Last of all: a conflict is told first. */
function reportDuplicates({ fieldValidation, warn }: RequestContext, duplicates: readonly string[]): void {
  if (duplicates.length === 0 || fieldValidation === 'Ignore') return;
  if (fieldValidation === 'Strict') {
    const list = duplicates.map((duplicate) => `  ${duplicate}`).join('\n');
    throw badRequest(`error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n${list}`);
  }
  for (const duplicate of duplicates) warn(duplicate);
}
