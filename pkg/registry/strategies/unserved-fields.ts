/**
 * Fields of features that Kubernetes 1.36 has switched off unless asked: it knows them, and lets them fall when somebody
 * sets them. What an object has none the less stays with it.
 */
import { isObject, objectAt, objects, type Raw } from '../raw.ts';

const ofGroup = ['priority', 'priorityClassName', 'disruptionMode', 'resourceClaims', 'schedulingConstraints'];

/** By resource: paths, in which `[]` stands for each element of a list, and `{}` for each entry of a map. */
const unserved: Readonly<Record<string, readonly string[]>> = {
  'leases.coordination.k8s.io': ['spec.strategy', 'spec.preferredHolder'],
  // Of a version that is gone; today's says the zone, and nothing more.
  'endpointslices.discovery.k8s.io': ['endpoints[].deprecatedTopology'],
  'workloads.scheduling.k8s.io': ofGroup.map((field) => `spec.podGroupTemplates[].${field}`),
  // A group's disruption mode falls, too, and what it is by default takes its place: see its strategy.
  'podgroups.scheduling.k8s.io': ofGroup.filter((field) => field !== 'disruptionMode').map((field) => `spec.${field}`),
  'resourceslices.resource.k8s.io': [
    'spec.devices[].nodeAllocatableResourceMappings',
    ...['bools', 'ints', 'strings', 'versions'].map((field) => `spec.devices[].attributes{}.${field}`),
  ],
  'statefulsets.apps': ['spec.updateStrategy.rollingUpdate.maxUnavailable'],
  'csidrivers.storage.k8s.io': ['spec.preventPodSchedulingIfMissing'],
};

export type DropUnserved = (object: Raw, old: Raw | undefined) => void;

/** Undefined: the resource has no such fields. */
export function unservedFieldsOf(resource: string): DropUnserved | undefined {
  const paths = unserved[resource]?.map((path) => path.split('.'));
  if (!paths) return undefined;
  return (object, old) => {
    for (const path of paths) drop(object, old, path);
  };
}

function drop(value: unknown, old: unknown, [step = '', ...rest]: readonly string[]): void {
  if (!isObject(value)) return;
  const field = step.replace(/\[\]|\{\}/, '');
  const [now, before] = [value[field], objectAt(old)[field]];
  if (rest.length === 0) {
    if (before === undefined || before === null) delete value[field];
  } else if (step.endsWith('[]')) {
    for (const [i, element] of objects(now).entries()) drop(element, Array.isArray(before) ? before[i] : undefined, rest);
  } else if (step.endsWith('{}')) {
    for (const [key, entry] of Object.entries(objectAt(now))) drop(entry, objectAt(before)[key], rest);
  } else drop(now, before, rest);
}
