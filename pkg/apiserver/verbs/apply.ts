/**
 * Server-side apply: a client states the fields that it has an opinion on; the server keeps who owns which.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
import { badRequest, invalid } from '../../api/errors.ts';
import type { ApiResponse } from '../../api/http.ts';
import { apiVersionOf, type KubeObject } from '../../api/object.ts';
import { timestamp } from '../../clock/clock.ts';
import { applyConfiguration } from '../../runtime/apply.ts';
import { pruneToSchema } from '../../runtime/prune.ts';
import { isObject } from '../../runtime/values.ts';
import { text } from '../query-options.ts';
import { schemaOf } from '../request-body.ts';
import { kindOf, type ResourceCall, writeContext } from '../resource-call.ts';
import { respondEntry } from '../respond.ts';
import { matchNamespace } from './create.ts';
import { matchName } from './create-subresource.ts';

export async function apply(call: ResourceCall, value: unknown, duplicates: readonly string[], force: boolean): Promise<ApiResponse> {
  const context = writeContext(call, 'PatchOptions', 'apply');
  const kind = kindOf(call);
  const [group, version, name] = kind;
  if (text(call.exchange.request.query, 'fieldManager') === undefined) {
    const cause = { reason: 'FieldValueRequired', field: 'fieldManager', message: 'Required value: is required for apply patch' };
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [cause]);
  }
  if (!isObject(value)) throw badRequest('error decoding YAML: an apply patch is an object');
  const apiVersion = apiVersionOf({ group, version });
  if (value['kind'] === undefined || value['apiVersion'] === undefined) throw badRequest('an apply patch needs apiVersion and kind');
  if (value['apiVersion'] !== apiVersion || value['kind'] !== name) {
    throw badRequest(`the patch is of ${String(value['apiVersion'])}, Kind=${String(value['kind'])}; expected ${apiVersion}, Kind=${name}`);
  }
  const schema = schemaOf(call.declaration, kind);
  const pruned = pruneToSchema(value, schema, {
    fieldValidation: context.fieldValidation,
    duplicates,
    keepZeros: true,
    kind: name,
    version,
  });
  if (context.fieldValidation === 'Warn') for (const warning of pruned.problems) context.warn(warning);
  const applied = pruned.value;
  matchNamespace(call, applied);
  matchName(call, applied);
  const metadata = applied['metadata'];
  if (isObject(metadata) && metadata['managedFields'] !== undefined) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const { entry, created } = await call.storage.update(
    context,
    call.key,
    (live) =>
      applyConfiguration({
        live,
        applied: applied as unknown as KubeObject,
        schema,
        manager: context.fieldManager,
        force,
        apiVersion,
        subresource: call.subresource,
        time: timestamp(call.services.clock),
      }).object,
    { createIfMissing: true, managesFields: true, ...(call.subresource === '' ? {} : { subresource: call.subresource }) },
  );
  return respondEntry(call, entry, created ? 201 : 200);
}
