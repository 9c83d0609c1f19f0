/** The `binding` subresource of a pod: how a scheduler says on which node it runs. */
import { conflict, invalid } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import { formatTime } from '../../clock/clock.ts';
import { requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import type { Change } from '../contract.ts';
import { child, kube, objectAt, objects, text } from '../raw.ts';
import type { Resource } from '../resource.ts';
import { type UpdateCall, type Updated, updateEntry } from '../verbs/update.ts';
import { admit, draftOf, mutate, preconditionConflict, type Write } from '../verbs/write.ts';

/** Throws Conflict when the pod has a node already, is going away, or is gated. */
export function bindPod(resource: Resource, call: UpdateCall, change: Change): Promise<Updated> {
  const { key, context, declaration } = call;
  const now = resource.environment.clock.now();
  const write: Write = { resource, declaration, context, key, subresource: 'binding', operation: 'CREATE', now };
  const bound: Change = async (current) => {
    const { object: binding } = await mutate(write, draftOf(await change(current)), undefined);
    checkTarget(binding);
    await admit(write, binding, undefined);
    checkPreconditions(write, current as KubeObject, binding);
    return assigned(current as KubeObject, binding, now);
  };
  return updateEntry(resource, { ...call, subresource: 'binding', admission: false, tracked: false }, bound);
}

function checkPreconditions(write: Write, { metadata }: KubeObject, binding: Record<string, unknown>): void {
  const { uid, resourceVersion } = objectAt(binding['metadata']);
  if (uid && uid !== metadata.uid)
    throw preconditionConflict(write, `UID in precondition: ${text(uid)}, UID in object meta: ${metadata.uid}`);
  if (resourceVersion && resourceVersion !== metadata.resourceVersion) {
    const why = `ResourceVersion in precondition: ${text(resourceVersion)}, ResourceVersion in object meta: ${metadata.resourceVersion}`;
    throw preconditionConflict(write, why);
  }
}

function checkTarget(binding: Record<string, unknown>): void {
  const target = objectAt(binding['target']);
  const kind = text(target['kind']);
  const name = text(objectAt(binding['metadata'])['name']);
  const causes = [];
  if (kind !== '' && kind !== 'Node') causes.push(unsupportedField('target.kind', kind, ['Node', '<empty>']));
  if (text(target['name']) === '') causes.push(requiredField('target.name'));
  if (causes.length > 0) throw invalid({ group: '', kind: 'Binding' }, name, causes);
}

function assigned(pod: KubeObject, binding: Record<string, unknown>, now: number): KubeObject {
  const draft = draftOf(pod);
  const spec = child(draft, 'spec');
  const metadata = child(draft, 'metadata');
  const given = objectAt(binding['metadata']);
  const { name } = pod.metadata;
  const refuse = (why: string): Error => conflict({ group: '', resource: 'pods/binding' }, name, why);
  if (pod.metadata.deletionTimestamp !== undefined) throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  const node = text(spec['nodeName']);
  if (node !== '') throw refuse(`pod ${name} is already assigned to node "${node}"`);
  if (objects(spec['schedulingGates']).length > 0) throw refuse(`pod ${name} has non-empty .spec.schedulingGates`);

  spec['nodeName'] = text(objectAt(binding['target'])['name']);
  for (const map of ['annotations', 'labels']) {
    const values = objectAt(given[map]);
    if (Object.keys(values).length > 0) Object.assign(child(metadata, map), values);
  }
  const status = child(draft, 'status');
  const others = objects(status['conditions']).filter((condition) => condition['type'] !== 'PodScheduled');
  const transition = formatTime(now);
  status['conditions'] = [...others, { type: 'PodScheduled', status: 'True', lastTransitionTime: transition }];
  delete status['nominatedNodeName'];
  // The binding's revision has been looked at; the pod's own is that of the write.
  delete metadata['resourceVersion'];
  return kube(draft);
}
