/** What may change about a running pod by way of `resize` and `ephemeralcontainers`. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { forbiddenField, invalidField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { assign, isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { podAnnotationUpdates } from './pod-update.ts';
import { collect, type Report } from './validator.ts';

const isMirror = (pod: Raw): boolean => objectAt(objectAt(pod['metadata'])['annotations'])['kubernetes.io/config.mirror'] !== undefined;
const isRestartable = (container: Raw): boolean => container['restartPolicy'] === 'Always';

/** More or less of CPU and memory; what a pod is to the node stays. `qosOf` tells the class that a spec makes. */
export function validateResize(next: Raw, old: Raw, qosOf: (spec: Raw) => string): StatusCause[] {
  const [now, was] = [objectAt(next['spec']), objectAt(old['spec'])];
  if (isMirror(old)) return [forbiddenField('', 'static pods cannot be resized')];
  if (objectAt(was['os'])['name'] === 'windows') return [forbiddenField('', 'windows pods cannot be resized')];
  return collect(next, (report) => {
    const before = text(objectAt(old['status'])['qosClass']) || qosOf(was);
    if (qosOf(now) !== before) report(invalidField('spec', before, 'Pod QOS Class may not change as a result of resizing'));
    if (!canResize(old)) report(forbiddenField('spec', 'Pod running on node without support for resize'));
    const rest = { ...now };
    if (hasAmounts(now) || hasAmounts(was)) checkWhole(rest, was, report);
    if (!checkOrder(now, was, report)) return;
    checkContainers(rest, was, report);
  });
}

/** The first container that runs tells whether its kubelet says what it has given. */
function canResize(pod: Raw): boolean {
  const running = objects(objectAt(pod['status'])['containerStatuses']).find((one) => objectAt(one['state'])['running'] !== undefined);
  return running === undefined || running['resources'] !== undefined;
}

const hasAmounts = (spec: Raw): boolean =>
  ['requests', 'limits'].some((list) => Object.keys(objectAt(objectAt(spec['resources'])[list])).length > 0);

const removed = (next: unknown, before: unknown): boolean =>
  Object.keys(objectAt(before)).some((name) => objectAt(next)[name] === undefined);

/** What a pod asks for as a whole. What is seen to here is put back in `rest`. */
function checkWhole(rest: Raw, before: Raw, report: Report): void {
  const [now, was] = [rest['resources'], before['resources']];
  if (isObject(was) && !isObject(now)) {
    report(forbiddenField('spec.resources', 'pod-level resources cannot be removed'));
    return;
  }
  for (const [list, what] of [
    ['requests', 'requests'],
    ['limits', 'limits'],
  ] as const) {
    if (removed(objectAt(now)[list], objectAt(was)[list]))
      report(forbiddenField(`spec.resources.${list}`, `pod-level resource ${what} cannot be removed`));
  }
  const kept = withAmountsOf(now, was);
  if (equalValues(kept, objectAt(was))) assign(rest, 'resources', was);
  else {
    rest['resources'] = kept;
    report(forbiddenField('spec', 'only cpu and memory resources are mutable at pod-level'));
  }
}

function checkOrder(now: Raw, was: Raw, report: Report): boolean {
  let same = true;
  const refuse = (path: string, detail: string): void => {
    same = false;
    report(forbiddenField(path, detail));
  };
  for (const list of ['containers', 'initContainers']) {
    const [mine, theirs] = [objects(now[list]), objects(was[list])];
    if (mine.length !== theirs.length) refuse(`spec.${list}`, `${list} may not be added or removed on resize`);
    else {
      for (const [i, { name }] of theirs.entries())
        if (mine[i]?.['name'] !== name) refuse(`spec.${list}[${i}].name`, `${list} may not be renamed or reordered on resize`);
    }
  }
  return same;
}

/** The resources with the CPU and memory of others. */
function withAmountsOf(resources: unknown, others: unknown): Raw {
  const merged = (list: 'requests' | 'limits'): Raw | undefined => {
    const { cpu: _cpu, memory: _memory, ...rest } = objectAt(objectAt(resources)[list]);
    const { cpu, memory } = objectAt(objectAt(others)[list]);
    if (cpu !== undefined) rest['cpu'] = cpu;
    if (memory !== undefined) rest['memory'] = memory;
    return Object.keys(rest).length > 0 ? rest : undefined;
  };
  const out: Raw = {};
  for (const list of ['limits', 'requests'] as const) assign(out, list, merged(list));
  return out;
}

function checkContainers(rest: Raw, was: Raw, report: Report): void {
  for (const list of ['initContainers', 'containers']) {
    for (const [i, theirs] of objects(was[list]).entries()) {
      if (list === 'initContainers' && !isRestartable(theirs)) continue;
      const [now, before] = [objectAt(objects(rest[list])[i]?.['resources']), objectAt(theirs['resources'])];
      const at = `spec.${list}[${i}].resources`;
      for (const amounts of ['requests', 'limits'] as const)
        if (removed(now[amounts], before[amounts])) report(forbiddenField(`${at}.${amounts}`, `resource ${amounts} cannot be removed`));
    }
  }
  let faults = 0;
  const refuse = (path: string, detail: string): void => {
    faults++;
    report(forbiddenField(path, detail));
  };
  const fixed = (container: Raw, theirs: Raw): Raw => ({
    ...container,
    resources: withAmountsOf(container['resources'], theirs['resources']),
  });
  for (const list of ['containers', 'initContainers']) {
    for (const [i, container] of objects(rest[list]).entries()) {
      const theirs = objects(was[list])[i] as Raw;
      const changed = !equalValues(fixed(container, theirs), { ...theirs, resources: objectAt(theirs['resources']) });
      if (list === 'containers') {
        if (changed) refuse('spec', 'only cpu and memory resources are mutable');
      } else if (isRestartable(container)) {
        if (changed) refuse(`spec.${list}[${i}]`, 'only cpu and memory resources for init or sidecar containers are mutable');
      } else if (!equalValues(container, theirs)) refuse('spec', 'resources for non-sidecar init containers are immutable');
    }
  }
  if (faults > 0) return;
  const { containers: _containers, initContainers: _init, ...others } = rest;
  const { containers: _theirs, initContainers: _theirInit, ...before } = was;
  if (!equalValues(others, before)) report(forbiddenField('spec', 'only cpu and memory resources are mutable'));
}

/** Containers for debugging come, and never change or go. */
export function validateEphemeral(next: Raw, old: Raw): StatusCause[] {
  const at = 'spec.ephemeralContainers';
  if (isMirror(old)) return [forbiddenField('', 'static pods do not support ephemeral containers')];
  return collect(next, (report) => {
    podAnnotationUpdates(next, old, report);
    const now = new Map(objects(objectAt(next['spec'])['ephemeralContainers']).map((container) => [container['name'], container]));
    for (const container of objects(objectAt(old['spec'])['ephemeralContainers'])) {
      const name = JSON.stringify(container['name']);
      const kept = now.get(container['name']);
      if (!kept) report(forbiddenField(at, `existing ephemeral containers ${name} may not be removed\n`));
      else if (!equalValues(kept, container)) report(forbiddenField(at, `existing ephemeral containers ${name} may not be changed\n`));
    }
  });
}
