import type { DeleteOptions, StatusCause } from '../../api/generated/meta-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { formatTime } from '../../clock/clock.ts';
import { forbiddenField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { assign, child, metadataOf, objectAt, objects, type Raw, raw, text } from '../raw.ts';
import type { Strategy } from '../resource.ts';
import { matchProfiles } from '../validation/pod.ts';
import { validateEphemeral, validateResize } from '../validation/pod-resize.ts';
import { validatePodStatus } from '../validation/pod-status.ts';
import { validatePodUpdate } from '../validation/pod-update.ts';
import { collect } from '../validation/validator.ts';
import { selectByOwnLabels } from './pod-labels.ts';
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

/** `podIP` and the first of `podIPs` are one; who writes only the older field means both. */
function joinAddresses(status: Raw): void {
  const [first] = objects(status['podIPs']);
  const ip = text(status['podIP']);
  if (ip !== '' && text(first?.['ip']) !== ip) status['podIPs'] = [{ ip }];
  else if (first) assign(status, 'podIP', text(first['ip']) === '' ? undefined : first['ip']);
}

/** A writer that does not know of generations leaves those that were observed as they are. */
function prepareStatus(object: Raw, old: Raw): void {
  const [status, before] = [child(object, 'status'), objectAt(old['status'])];
  joinAddresses(status);
  // What is given out of a node's own is not told yet.
  delete status['nodeAllocatableResourceClaimStatuses'];
  if (text(status['qosClass']) === '') assign(status, 'qosClass', before['qosClass']);
  if (!status['observedGeneration']) assign(status, 'observedGeneration', before['observedGeneration']);
  const known = objects(before['conditions']);
  for (const condition of objects(status['conditions'])) {
    const at = known.findIndex((one) => one['type'] === condition['type']);
    const [was] = at < 0 ? [] : known.splice(at, 1);
    if (!condition['observedGeneration'] && was?.['observedGeneration']) condition['observedGeneration'] = was['observedGeneration'];
  }
  assign(metadataOf(object), 'ownerReferences', objectAt(old['metadata'])['ownerReferences']);
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
      return validatePodStatus(object, old);
    default:
      return [];
  }
}

/** What only a new pod must keep to. */
function validateCreate(object: Raw): StatusCause[] {
  return collect(object, (report) => {
    const spec = objectAt(object['spec']);
    // Containers for debugging are added to what runs already.
    if (objects(spec['ephemeralContainers']).length > 0) report(forbiddenField('spec.ephemeralContainers', 'cannot be set on create'));
    if (text(spec['nodeName']) !== '' && objects(spec['schedulingGates']).length > 0)
      report(forbiddenField('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
    matchProfiles(objectAt(objectAt(object['metadata'])['annotations']), spec, { path: 'spec', report });
  });
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
    selectByOwnLabels(object);
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
    lastProbeTime: null,
    lastTransitionTime: formatTime(now),
  };
}
