import { ApiError } from '../api/errors.ts';
import { copyOf, type KubeObject, type Mutable } from '../api/object.ts';
import type { JsonPatchOperation } from '../client/client.ts';

/** What writes do to an object, as far as the fake server knows. */
export type Loose = Mutable<KubeObject> & { spec?: Record<string, unknown>; status?: Record<string, unknown> };

/** Kinds whose spec and status the real server always shows, with the structs in them; the types rely on that. */
const specStructs: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  Pod: {},
  Node: {},
  Service: {},
  ReplicaSet: {},
  ReplicationController: {},
  Deployment: { strategy: {} },
  DaemonSet: { updateStrategy: {} },
  StatefulSet: { updateStrategy: {} },
  Job: {},
  CronJob: {},
  PodDisruptionBudget: {},
  HorizontalPodAutoscaler: {},
  Namespace: { finalizers: ['kubernetes'] },
};

export function structs(kind: string, object: Loose): Record<string, unknown> {
  const spec = specStructs[kind];
  if (!spec) return {};
  return { spec: { ...spec, ...object.spec }, status: { ...(kind === 'Namespace' ? { phase: 'Active' } : {}), ...object.status } };
}

/** What a write may touch: the status alone, or everything but the status. */
export function merged(current: Loose, wanted: Loose, status: boolean): Loose {
  if (status) {
    const { labels, annotations, ...identity } = current.metadata;
    const asked = wanted.metadata;
    return {
      ...current,
      metadata: {
        ...identity,
        ...((asked.labels ?? labels) ? { labels: asked.labels ?? labels ?? {} } : {}),
        ...((asked.annotations ?? annotations) ? { annotations: asked.annotations ?? annotations ?? {} } : {}),
        resourceVersion: asked.resourceVersion,
        uid: asked.uid,
      },
      ...(wanted.status ? { status: wanted.status } : {}),
    };
  }
  return {
    ...wanted,
    metadata: { ...wanted.metadata, generation: current.metadata.generation ?? 1 },
    ...(current.status ? { status: current.status } : {}),
  };
}

export function mergePatched(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return copyOf(patch);
  const out: Record<string, unknown> = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = mergePatched(out[key], value);
  }
  return out;
}

export function jsonPatched(target: Loose, operations: readonly JsonPatchOperation[]): Loose {
  const out = copyOf(target) as Loose;
  for (const { op, path, value } of operations) {
    const steps = path
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = steps.pop() as string;
    const parent = steps.reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], out) as Record<string, unknown>;
    if (op === 'test') {
      if (!same(parent[last], value)) throw new ApiError('Invalid', `testing ${path} failed`);
    } else if (Array.isArray(parent)) {
      if (op === 'add') parent.splice(last === '-' ? parent.length : Number(last), 0, value);
      else if (op === 'remove') parent.splice(Number(last), 1);
      else parent[Number(last)] = value;
    } else if (op === 'remove') delete parent[last];
    else parent[last] = value;
  }
  return out;
}

/** Deep equality of JSON values, whatever the order of fields; a field that is undefined is absent. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}
