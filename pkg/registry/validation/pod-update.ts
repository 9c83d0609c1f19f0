/** What may change about a pod once it is there. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { forbiddenField, invalidField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { assign, objectAt, objects, type Raw, text } from '../raw.ts';

const allowed =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** A pod is what its containers are: of its spec only what changes none of them can be written again. */
export function validatePodUpdate(pod: Raw, old: Raw): StatusCause[] {
  const next = objectAt(pod['spec']);
  const before = objectAt(old['spec']);
  const causes: StatusCause[] = [];
  for (const list of ['containers', 'initContainers']) {
    if (objects(next[list]).length !== objects(before[list]).length) {
      causes.push(forbiddenField(`spec.${list}`, 'pod updates may not add or remove containers'));
    }
    for (const [i, container] of objects(next[list]).entries()) {
      if (text(container['image']) === '')
        causes.push({ reason: 'FieldValueRequired', field: `spec.${list}[${i}].image`, message: 'Required value' });
    }
  }
  if (causes.length > 0) return causes;
  causes.push(...checkDeadline(next, before), ...checkTolerations(next, before));
  if (causes.length > 0) return causes;

  const rest = { ...next };
  for (const field of ['activeDeadlineSeconds', 'tolerations']) assign(rest, field, before[field]);
  if (Number(before['terminationGracePeriodSeconds']) < 0 && next['terminationGracePeriodSeconds'] === 1) {
    rest['terminationGracePeriodSeconds'] = before['terminationGracePeriodSeconds'];
  }
  for (const list of ['containers', 'initContainers']) {
    if (!Array.isArray(rest[list])) continue;
    const images = objects(before[list]).map((container) => container['image']);
    rest[list] = objects(rest[list]).map((container, i) => ({ ...container, image: images[i] }));
  }
  withoutGates(rest, before);
  if (equalValues(rest, before)) return [];
  const fields = [...new Set([...Object.keys(rest), ...Object.keys(before)])].filter((field) => !equalValues(rest[field], before[field]));
  return [forbiddenField('spec', `${allowed}\n  changed: ${fields.map((field) => `spec.${field}`).join(', ')}`)];
}

function checkDeadline(next: Raw, before: Raw): StatusCause[] {
  const [now, was] = [next['activeDeadlineSeconds'], before['activeDeadlineSeconds']];
  if (was === undefined) return [];
  if (now === undefined) return [invalidField('spec.activeDeadlineSeconds', now, 'must not update from a positive integer to nil value')];
  if (Number(now) > Number(was)) {
    return [invalidField('spec.activeDeadlineSeconds', now, 'must be less than or equal to previous value')];
  }
  return [];
}

function checkTolerations(next: Raw, before: Raw): StatusCause[] {
  const kept = objects(next['tolerations']);
  const lasting = ({ tolerationSeconds: _seconds, ...rest }: Raw): Raw => rest;
  const missing = objects(before['tolerations']).some(
    (toleration) => !kept.some((other) => equalValues(lasting(other), lasting(toleration))),
  );
  return missing ? [forbiddenField('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')] : [];
}

/** While it is gated a pod's gates may go, one by one, and where it may be scheduled may be narrowed. */
function withoutGates(rest: Raw, before: Raw): void {
  const was = objects(before['schedulingGates']).map((gate) => gate['name']);
  const now = objects(rest['schedulingGates']).map((gate) => gate['name']);
  if (was.length === 0 || now.some((name) => !was.includes(name))) return;
  assign(rest, 'schedulingGates', before['schedulingGates']);
  for (const field of ['nodeSelector', 'affinity']) assign(rest, field, before[field]);
}
