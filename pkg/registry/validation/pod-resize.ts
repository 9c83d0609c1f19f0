/** What may change about a running pod by way of `resize` and `ephemeralcontainers`. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { forbiddenField, invalidField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { objectAt, objects, type Raw, text } from '../raw.ts';

const resizable = ['cpu', 'memory'];
const isMirror = (pod: Raw): boolean => objectAt(objectAt(pod['metadata'])['annotations'])['kubernetes.io/config.mirror'] !== undefined;

/** More or less of CPU and memory; what a pod is to the node stays. `qosOf` tells the class that a spec makes. */
export function validateResize(next: Raw, old: Raw, qosOf: (spec: Raw) => string): StatusCause[] {
  const [now, was] = [objectAt(next['spec']), objectAt(old['spec'])];
  if (isMirror(old)) return [forbiddenField('', 'static pods cannot be resized')];
  const causes: StatusCause[] = [];
  const before = text(objectAt(old['status'])['qosClass']) || qosOf(was);
  if (qosOf(now) !== before) {
    causes.push(invalidField('spec', before, 'Pod QOS Class may not change as a result of resizing'));
  }
  for (const list of ['initContainers', 'containers']) {
    const [mine, theirs] = [objects(now[list]), objects(was[list])];
    if (mine.length !== theirs.length || mine.some((container, i) => container['name'] !== theirs[i]?.['name'])) {
      causes.push(forbiddenField(`spec.${list}`, 'containers may not be renamed or reordered on resize'));
      continue;
    }
    for (const [i, container] of mine.entries()) {
      causes.push(...checkContainer(container, theirs[i] as Raw, { at: `spec.${list}[${i}].resources`, init: list === 'initContainers' }));
    }
  }
  return causes;
}

function checkContainer(next: Raw, old: Raw, { at, init }: { readonly at: string; readonly init: boolean }): StatusCause[] {
  if (equalValues(next, old)) return [];
  if (init && next['restartPolicy'] !== 'Always') {
    return [forbiddenField(at, 'resources for non-sidecar init containers are immutable')];
  }
  const causes: StatusCause[] = [];
  const [now, was] = [objectAt(next['resources']), objectAt(old['resources'])];
  for (const list of ['requests', 'limits']) {
    const gone = resizable.some((name) => objectAt(was[list])[name] !== undefined && objectAt(now[list])[name] === undefined);
    if (gone) causes.push(forbiddenField(`${at}.${list}`, `resource ${list} cannot be removed`));
  }
  if (!equalValues(fixed(next), fixed(old))) causes.push(forbiddenField('spec', 'only cpu and memory resources are mutable'));
  return causes;
}

/** A container without what may be resized. */
function fixed(container: Raw): Raw {
  const { resources, ...rest } = container;
  const { requests, limits, ...others } = objectAt(resources);
  const without = (list: unknown): Raw => Object.fromEntries(Object.entries(objectAt(list)).filter(([name]) => !resizable.includes(name)));
  return { ...rest, resources: { ...others, requests: without(requests), limits: without(limits) } };
}

/** Containers for debugging come, and never change or go. */
export function validateEphemeral(next: Raw, old: Raw): StatusCause[] {
  const at = 'spec.ephemeralContainers';
  if (isMirror(old)) return [forbiddenField('', 'static pods do not support ephemeral containers')];
  const now = new Map(objects(objectAt(next['spec'])['ephemeralContainers']).map((container) => [container['name'], container]));
  return objects(objectAt(old['spec'])['ephemeralContainers']).flatMap((container) => {
    const name = JSON.stringify(container['name']);
    const kept = now.get(container['name']);
    if (!kept) return [forbiddenField(at, `existing ephemeral containers ${name} may not be removed\n`)];
    return equalValues(kept, container) ? [] : [forbiddenField(at, `existing ephemeral containers ${name} may not be changed\n`)];
  });
}
