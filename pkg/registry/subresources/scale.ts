/**
 * The `scale` subresource: of everything that has replicas, just their number.
 * https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v2/#Scale
 */
import { invalid } from '../../api/errors.ts';
import type { Scale } from '../../api/generated/autoscaling-v1.ts';
import { deepFreeze, type KubeObject } from '../../api/object.ts';
import { selectorFromLabelSelector, selectorFromMap } from '../../api/selectors.ts';
import { encodeJson } from '../../runtime/encode.ts';
import { invalidField } from '../../runtime/field-errors.ts';
import { managersOf, withManagers } from '../../runtime/managed-fields.ts';
import { scaleManagers, withScaleManagers } from '../../runtime/scale-managers.ts';
import type { Change, Entry } from '../contract.ts';
import { child, kube, objectAt, type Raw, raw } from '../raw.ts';
import type { Resource } from '../resource.ts';
import type { StoredEntry } from '../stored-entry.ts';
import { type UpdateCall, updateEntry } from '../verbs/update.ts';
import { admit, draftOf, mutate, type Write } from '../verbs/write.ts';

/** An object's Scale, at the object's revision. */
export class ScaleEntry implements Entry {
  readonly revision: number;
  readonly object: KubeObject;
  #json: Uint8Array | undefined;

  constructor(entry: Entry, scaling: Scaling = replicasInSpec) {
    this.revision = entry.revision;
    this.object = deepFreeze(scaleOf(entry.object, scaling));
  }

  json(): Uint8Array {
    this.#json ??= encodeJson(this.object);
    return this.#json;
  }
}

/** Where an object keeps what its Scale says. */
export interface Scaling {
  /** Where the wanted number stands. */
  readonly path: readonly string[];
  read(object: Raw): { readonly wanted: number; readonly there: number; readonly selector: string };
  /** In place. */
  write(object: Raw, replicas: number): void;
}

const replicasInSpec: Scaling = {
  path: ['spec', 'replicas'],
  read(object) {
    const spec = objectAt(object['spec']);
    return {
      wanted: Number(spec['replicas'] ?? 0),
      there: Number(objectAt(object['status'])['replicas'] ?? 0),
      selector: selectorText(object, spec['selector']),
    };
  },
  write(object, replicas) {
    child(object, 'spec')['replicas'] = replicas;
  },
};

function scaleOf(object: KubeObject, scaling: Scaling): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const { wanted, there, selector } = scaling.read(raw(object));
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion, creationTimestamp },
    spec: wanted === 0 ? {} : { replicas: wanted },
    status: { replicas: there, ...(selector === '' ? {} : { selector }) },
  };
}

/** A ReplicationController selects by a plain map, the others by a LabelSelector. */
function selectorText({ kind }: Raw, selector: unknown): string {
  if (selector === undefined) return '';
  if (kind === 'ReplicationController') return selectorFromMap(selector as Record<string, string>).toString();
  return selectorFromLabelSelector(objectAt(selector)).toString();
}

export interface ScaleCall extends UpdateCall {
  readonly scaling?: Scaling;
}

/** The change is of the Scale; what it says is written to the object, which is given back. */
export async function updateScale(resource: Resource, call: ScaleCall, change: Change): Promise<StoredEntry> {
  const { key, context, declaration, scaling = replicasInSpec } = call;
  const write: Write = {
    resource,
    declaration,
    context,
    key,
    subresource: 'scale',
    operation: 'UPDATE',
    now: resource.environment.clock.now(),
  };
  const scaled: Change = async (current) => {
    const object = current as KubeObject;
    const scaleBefore = scaleOf(object, scaling) as KubeObject;
    const before = call.managesFields ? withManagers(scaleBefore, scaleManagers(managersOf(object), scaling.path)) : scaleBefore;
    const { object: scale } = await mutate(write, draftOf(await change(before)), before);
    const replicas = objectAt(scale['spec'])['replicas'] ?? 0;
    if (typeof replicas !== 'number' || (replicas < 0 && !call.scaling)) {
      const cause = invalidField('spec.replicas', replicas, 'must be greater than or equal to 0');
      throw invalid({ group: 'autoscaling', kind: 'Scale' }, key.name, [cause]);
    }
    await admit(write, scale, before);
    const scaled = withReplicas(object, scale, (draft) => scaling.write(draft, replicas));
    if (!call.managesFields) return scaled;
    return withManagers(
      scaled,
      withScaleManagers(managersOf(object), managersOf(kube(scale)), { apiVersion: object.apiVersion, path: scaling.path }),
    );
  };
  return (await updateEntry(resource, { ...call, subresource: 'scale', admission: false }, scaled)).entry;
}

/** The object with these replicas, under the conditions that the Scale states: its revision and identity. */
function withReplicas(object: KubeObject, scale: Raw, write: (draft: Raw) => void): KubeObject {
  const draft = draftOf(object);
  write(draft);
  const { resourceVersion, uid } = objectAt(scale['metadata']);
  const metadata = child(draft, 'metadata');
  if (resourceVersion !== undefined) metadata['resourceVersion'] = resourceVersion;
  if (uid !== undefined) metadata['uid'] = uid;
  return kube(draft);
}
