/** What may change about a pod once it is there. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { forbiddenField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { assign, isObject, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { podAnnotations } from './pod.ts';
import { toleration } from './toleration.ts';
import { collect, type Report } from './validator.ts';

const allowed =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
const maxInt32 = 2 ** 31 - 1;

/** A pod is what its containers are: of its spec only what changes none of them can be written again. */
export function validatePodUpdate(pod: Raw, old: Raw): StatusCause[] {
  return collect(pod, (report) => {
    const [next, before] = [objectAt(pod['spec']), objectAt(old['spec'])];
    podAnnotationUpdates(pod, old, report);
    for (const list of ['containers', 'initContainers']) if (!checkImages(next[list], before[list], { list, report })) return;
    if (!checkDeadline(next, before, report)) return;
    checkTolerations(next, before, report);
    checkGates(next, before, report);
    checkRest(next, before, report);
  });
}

const mirror = 'kubernetes.io/config.mirror';
const appArmorOf = 'container.apparmor.security.beta.kubernetes.io/';

/** What a kubelet reads once is not changed later. */
export function podAnnotationUpdates(pod: Raw, old: Raw, report: Report): void {
  const annotationsOf = (object: Raw): Raw => objectAt(objectAt(object['metadata'])['annotations']);
  const [next, before] = [annotationsOf(pod), annotationsOf(old)];
  const path = 'metadata.annotations';
  const watched = (key: string): string | undefined =>
    key.startsWith(appArmorOf) ? 'AppArmor annotations' : key === mirror ? 'mirror pod annotation' : undefined;
  for (const [key, value] of Object.entries(before)) {
    const what = next[key] === value ? undefined : watched(key);
    if (what !== undefined) report(forbiddenField(`${path}[${key}]`, `may not remove or update ${what}`));
  }
  for (const key of Object.keys(next)) {
    const what = before[key] === undefined ? watched(key) : undefined;
    if (what !== undefined) report(forbiddenField(`${path}[${key}]`, `may not add ${what}`));
  }
  podAnnotations(next, objectAt(pod['spec']), { path, report });
}

/** False: there are other containers than there were, and nothing can be said of each. */
function checkImages(next: unknown, before: unknown, { list, report }: { readonly list: string; readonly report: Report }): boolean {
  const containers = objects(next);
  if (containers.length !== objects(before).length) {
    report(forbiddenField(`spec.${list}`, 'pod updates may not add or remove containers'));
    return false;
  }
  for (const [i, container] of containers.entries()) {
    const [image, at] = [text(container['image']), `spec.${list}[${i}].image`];
    if (image === '') report(requiredField(at));
    if (image.trim() !== image) report(invalidField(at, image, 'must not have leading or trailing whitespace'));
  }
  return true;
}

function checkDeadline(next: Raw, before: Raw, report: Report): boolean {
  const [now, was] = [next['activeDeadlineSeconds'], before['activeDeadlineSeconds']];
  const at = 'spec.activeDeadlineSeconds';
  if (typeof now !== 'number') {
    if (was !== undefined) report(invalidField(at, now, 'must not update from a positive integer to nil value'));
    return true;
  }
  const within = now >= 0 && now <= maxInt32;
  if (!within) report(invalidField(at, now, `must be between 0 and ${maxInt32}, inclusive`));
  else if (typeof was === 'number' && was < now) report(invalidField(at, now, 'must be less than or equal to previous value'));
  else return true;
  return false;
}

function checkTolerations(next: Raw, before: Raw, report: Report): void {
  const kept = objects(next['tolerations']);
  const lasting = ({ tolerationSeconds: _seconds, ...rest }: Raw): Raw => rest;
  const missing = objects(before['tolerations']).some((one) => !kept.some((other) => equalValues(lasting(other), lasting(one))));
  if (missing) report(forbiddenField('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'));
  else for (const [i, one] of kept.entries()) toleration(one, `spec.tolerations[${i}]`, report);
}

const namesOf = (gates: unknown): unknown[] => objects(gates).map((gate) => gate['name']);

function checkGates(next: Raw, before: Raw, report: Report): void {
  const was = namesOf(before['schedulingGates']);
  // Of several of one name, the last is meant.
  for (const [name, i] of new Map(namesOf(next['schedulingGates']).map((name, i) => [name, i]))) {
    const detail = `only deletion is allowed, but found new scheduling gate '${text(name)}'`;
    if (!was.includes(name)) report(forbiddenField(`spec.schedulingGates[${i}].name`, detail));
  }
}

function checkRest(next: Raw, before: Raw, report: Report): void {
  const rest = { ...next };
  for (const field of ['activeDeadlineSeconds', 'tolerations', 'schedulingGates']) assign(rest, field, before[field]);
  if (Number(before['terminationGracePeriodSeconds']) < 0 && next['terminationGracePeriodSeconds'] === 1)
    rest['terminationGracePeriodSeconds'] = before['terminationGracePeriodSeconds'];
  for (const list of ['containers', 'initContainers']) {
    if (!Array.isArray(rest[list])) continue;
    const images = objects(before[list]).map((container) => container['image']);
    rest[list] = objects(rest[list]).map((container, i) => ({ ...container, image: images[i] }));
  }
  if (objects(before['schedulingGates']).length > 0) checkPlacement(rest, before, report);
  if (equalValues(rest, before)) return;
  const fields = [...new Set([...Object.keys(rest), ...Object.keys(before)])].filter((field) => !equalValues(rest[field], before[field]));
  report(forbiddenField('spec', `${allowed}\n  changed: ${fields.map((field) => `spec.${field}`).join(', ')}`));
}

/** Where a pod that is gated may be scheduled can be narrowed. What is seen to here is put back in `rest`. */
function checkPlacement(rest: Raw, before: Raw, report: Report): void {
  const selector = objectAt(rest['nodeSelector']);
  if (Object.entries(objectAt(before['nodeSelector'])).some(([key, value]) => selector[key] !== value)) {
    const detail = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
    report(invalidField('spec.nodeSelector', rest['nodeSelector'], detail));
  }
  assign(rest, 'nodeSelector', before['nodeSelector']);
  const nodeOf = (spec: Raw): unknown => objectAt(spec['affinity'])['nodeAffinity'];
  if (equalValues(nodeOf(rest), nodeOf(before))) return;
  checkTerms(nodeOf(rest), nodeOf(before), report);
  const { nodeAffinity: _node, ...others } = objectAt(rest['affinity']);
  const was = nodeOf(before);
  if (isObject(was)) rest['affinity'] = { ...others, nodeAffinity: was };
  else assign(rest, 'affinity', Object.keys(others).length > 0 ? others : before['affinity']);
}

const required = 'requiredDuringSchedulingIgnoredDuringExecution';

/** Terms are alternatives: each may ask for more, and none may come or go. */
function checkTerms(next: unknown, before: unknown, report: Report): void {
  const path = `spec.affinity.nodeAffinity.${required}.nodeSelectorTerms`;
  const termsOf = (node: unknown): Raw[] => objects(objectAt(objectAt(node)[required])['nodeSelectorTerms']);
  const [now, was] = [termsOf(next), termsOf(before)];
  const shown = (term: Raw): Raw => ({
    MatchExpressions: shownList(term['matchExpressions']),
    MatchFields: shownList(term['matchFields']),
  });
  if (was.length > 0 && was.length !== now.length) {
    const value = now.length === 0 ? null : now.map(shown);
    report(invalidField(path, value, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed'));
    return;
  }
  for (const [i, term] of was.entries()) {
    const other = now[i] as Raw;
    if (!onlyAdds(other, term))
      report(invalidField(`${path}[${i}]`, shown(other), 'only additions are allowed (no mutations or deletions)'));
  }
}

function shownList(list: unknown): Raw[] | null {
  if (!Array.isArray(list)) return null;
  return objects(list).map(({ key, operator, values }) => ({
    Key: text(key),
    Operator: text(operator),
    Values: Array.isArray(values) ? strings(values) : null,
  }));
}

function onlyAdds(next: Raw, before: Raw): boolean {
  const lists = ['matchExpressions', 'matchFields'].map((field) => [objects(next[field]), objects(before[field])] as const);
  // An empty term selects nothing: any requirement would widen it.
  if (lists.every(([, was]) => was.length === 0)) return lists.every(([now]) => now.length === 0);
  return lists.every(([now, was]) => equalValues(now.slice(0, was.length), was));
}
