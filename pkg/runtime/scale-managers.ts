/**
 * Who owns an object's number of replicas, as its Scale shows it: the same managers, with the one field that a Scale
 * has, and back.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership-of-fields
 */
import { child, difference, type FieldSet, isEmptySet, isMember } from './field-set.ts';
import type { Manager } from './managed-fields.ts';

const replicas: FieldSet = { 'f:spec': { 'f:replicas': {} } };

function ownsReplicas({ fields }: Manager): boolean {
  const spec = child(fields, 'f:spec');
  const node = spec && child(spec, 'f:replicas');
  return node !== undefined && isMember(node);
}

export function scaleManagers(managers: readonly Manager[]): Manager[] {
  return managers.filter(ownsReplicas).map((entry) => ({ ...entry, apiVersion: 'autoscaling/v1', fields: replicas }));
}

/** The object's managers once its Scale's are these; `apiVersion`: of the object. */
export function withScaleManagers(managers: readonly Manager[], ofScale: readonly Manager[], apiVersion: string): Manager[] {
  const left = ofScale.filter(ownsReplicas);
  const out: Manager[] = [];
  for (const entry of managers) {
    if (!ownsReplicas(entry)) {
      out.push(entry);
      continue;
    }
    const at = left.findIndex((other) => isSameManager(entry, other));
    if (at >= 0) {
      out.push(entry);
      left.splice(at, 1);
      continue;
    }
    const fields = difference(entry.fields, replicas);
    if (!isEmptySet(fields)) out.push({ ...entry, fields });
  }
  for (const entry of left) out.push({ ...entry, apiVersion, fields: replicas });
  return out;
}

function isSameManager(a: Manager, b: Manager): boolean {
  return a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource;
}
