import type { DeleteOptions, StatusCause } from '../../api/generated/meta-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { formatTime } from '../../clock/clock.ts';
import { forbiddenField, invalidField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { assign, child, objectAt, objects, type Raw, raw, text } from '../raw.ts';
import type { Strategy } from '../resource.ts';
import { validateEphemeral, validateResize } from '../validation/pod-resize.ts';
import { validatePodUpdate } from '../validation/pod-update.ts';
import { qosClassOf } from './qos-class.ts';

/** A pod that no kubelet runs, or that has ended, need not be waited for. */
function gracePeriod(pod: KubeObject, options: DeleteOptions): number {
  const spec = objectAt(raw(pod)['spec']);
  const phase = objectAt(raw(pod)['status'])['phase'];
  const own = spec['terminationGracePeriodSeconds'];
  let period = options.gracePeriodSeconds ?? (typeof own === 'number' ? own : 30);
  // Less than nothing is the least there is: it would read as "at once" otherwise.
  if (period < 0) period = 1;
  if (text(spec['nodeName']) === '' || phase === 'Failed' || phase === 'Succeeded') return 0;
  return period;
}

function prepareStatus(object: Raw, old: Raw): void {
  const status = child(object, 'status');
  if (text(status['qosClass']) === '') assign(status, 'qosClass', objectAt(old['status'])['qosClass']);
}

/** Containers for debugging are the only thing that this subresource adds. */
function onlyEphemeral(object: Raw, old: Raw): void {
  const wanted = objectAt(object['spec'])['ephemeralContainers'];
  const spec = { ...objectAt(old['spec']) };
  assign(spec, 'ephemeralContainers', wanted);
  object['spec'] = spec;
  assign(object, 'status', old['status']);
}

/**
 * Resources of containers are the only thing that this subresource changes. Containers that are not the pod's own are
 * left as they came, for validation to refuse.
 */
function onlyResources(object: Raw, old: Raw): void {
  const wanted = objectAt(object['spec']);
  const spec = { ...objectAt(old['spec']) };
  for (const list of ['containers', 'initContainers']) {
    const [mine, theirs] = [objects(wanted[list]), objects(spec[list])];
    if (mine.length === 0 && theirs.length === 0) continue;
    const same = mine.length === theirs.length && mine.every((container, i) => container['name'] === theirs[i]?.['name']);
    spec[list] = same ? theirs.map((container, i) => resized(container, mine[i] as Raw)) : mine;
  }
  assign(spec, 'resources', wanted['resources']);
  object['spec'] = spec;
  assign(object, 'status', old['status']);
}

function resized(container: Raw, wanted: Raw): Raw {
  const out = { ...container };
  for (const field of ['resources', 'resizePolicy']) assign(out, field, wanted[field]);
  return out;
}

function validateUpdate(object: Raw, old: Raw, subresource: string): StatusCause[] {
  switch (subresource) {
    case '':
      return validatePodUpdate(object, old);
    case 'resize':
      return validateResize(object, old, qosClassOf);
    case 'ephemeralcontainers':
      return validateEphemeral(object, old);
    case 'status':
      return validateStatus(object, old);
    default:
      return [];
  }
}

function validateStatus(object: Raw, old: Raw): StatusCause[] {
  const [now, was] = [object, old].map((pod) => text(objectAt(pod['status'])['qosClass'])) as [string, string];
  return was === '' || now === was ? [] : [invalidField('status.qosClass', now, 'field is immutable')];
}

/** Containers for debugging are added to what runs already. */
function validateCreate(object: Raw): StatusCause[] {
  const given = objects(objectAt(object['spec'])['ephemeralContainers']);
  return given.length > 0 ? [forbiddenField('spec.ephemeralContainers', 'cannot be set on create')] : [];
}

/** What a pod asks for. Where it runs is the scheduler's answer, no new wish: a binding leaves the generation alone. */
function wishOf(pod: Raw): Raw {
  const { nodeName: _nodeName, ...wish } = objectAt(pod['spec']);
  return wish;
}

export const podStrategy: Strategy = {
  generation: (next, old) => !equalValues(wishOf(next), wishOf(old)),
  prepareCreate(object, { now }) {
    const spec = objectAt(object['spec']);
    const gated = objects(spec['schedulingGates']).length > 0;
    object['status'] = {
      phase: 'Pending',
      ...(gated ? { conditions: [gatedCondition(now)] } : {}),
      qosClass: qosClassOf(spec),
    };
  },
  prepareSubresource: {
    status: prepareStatus,
    ephemeralcontainers: onlyEphemeral,
    resize: onlyResources,
    binding: () => undefined,
  },
  gracePeriod,
  validateCreate,
  validateUpdate,
};

function gatedCondition(now: number): Raw {
  return {
    type: 'PodScheduled',
    status: 'False',
    reason: 'SchedulingGated',
    message: 'Scheduling is blocked due to non-empty scheduling gates',
    lastTransitionTime: formatTime(now),
  };
}
