/**
 * Who owns an object's number of replicas, as its Scale shows it: the same managers, with the one field that a Scale
 * has, and back.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership-of-fields
 */
import { child, difference, type FieldSet, isEmptySet, isMember } from './field-set.ts';
import type { Manager } from './managed-fields.ts';

/** Where the number stands, in the object and in every Scale. */
const inScale: readonly string[] = ['spec', 'replicas'];

function setAt(path: readonly string[]): FieldSet {
  return path.reduceRight<FieldSet>((inner, name) => ({ [`f:${name}`]: inner }), {});
}

function owns({ fields }: Manager, path: readonly string[]): boolean {
  let node: FieldSet | undefined = fields;
  for (const name of path) node = node && child(node, `f:${name}`);
  return node !== undefined && isMember(node);
}

/** `path`: where the object has its number of replicas. */
export function scaleManagers(managers: readonly Manager[], path = inScale): Manager[] {
  const owners = managers.filter((entry) => owns(entry, path));
  return owners.map((entry) => ({ ...entry, apiVersion: 'autoscaling/v1', fields: setAt(inScale) }));
}

/** The object's managers once its Scale's are these; `apiVersion`: of the object. */
export function withScaleManagers(
  managers: readonly Manager[],
  ofScale: readonly Manager[],
  { apiVersion, path = inScale }: { readonly apiVersion: string; readonly path?: readonly string[] },
): Manager[] {
  const replicas = setAt(path);
  const left = ofScale.filter((entry) => owns(entry, inScale));
  const out: Manager[] = [];
  for (const entry of managers) {
    if (!owns(entry, path)) {
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
