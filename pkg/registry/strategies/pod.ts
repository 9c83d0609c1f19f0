import type { DeleteOptions, StatusCause } from '../../api/generated/meta-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { formatTime } from '../../clock/clock.ts';
import { invalidField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { assign, child, objectAt, objects, type Raw, raw, text } from '../raw.ts';
import type { Strategy } from '../resource.ts';
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

/** Resources of containers are the only thing that this subresource changes. */
function onlyResources(object: Raw, old: Raw): void {
  const wanted = objectAt(object['spec']);
  const spec = { ...objectAt(old['spec']) };
  for (const list of ['containers', 'initContainers']) {
    const resized = new Map(objects(wanted[list]).map((container) => [container['name'], container]));
    if (!Array.isArray(spec[list])) continue;
    spec[list] = objects(spec[list]).map((container) => {
      const next = resized.get(container['name']);
      return next
        ? { ...container, resources: next['resources'], ...(next['resizePolicy'] ? { resizePolicy: next['resizePolicy'] } : {}) }
        : container;
    });
  }
  assign(spec, 'resources', wanted['resources']);
  if (spec['resources'] === undefined) delete spec['resources'];
  object['spec'] = spec;
  assign(object, 'status', old['status']);
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
  validateUpdate(object, old, subresource): StatusCause[] {
    if (subresource === '') return validatePodUpdate(object, old);
    if (subresource !== 'status') return [];
    const before = text(objectAt(objectAt(old)['status'])['qosClass']);
    const now = text(objectAt(object['status'])['qosClass']);
    return before === '' || now === before ? [] : [invalidField('status.qosClass', now, 'field is immutable')];
  },
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
