/**
 * What types and fields are for, in a sentence or two of our own: what `kubectl explain` shows for the kinds that a
 * learner meets first. The full story is in https://kubernetes.io/docs/reference/kubernetes-api/.
 */
import type { Descriptions } from './descriptions/description.ts';
import { autoscalingDescriptions, metaDescriptions } from './descriptions/meta.ts';
import { networkDescriptions } from './descriptions/network.ts';
import { nodeDescriptions } from './descriptions/node.ts';
import { podDescriptions } from './descriptions/pod.ts';
import { podSchedulingDescriptions } from './descriptions/pod-scheduling.ts';
import { podVolumeDescriptions } from './descriptions/pod-volume.ts';
import { workloadDescriptions } from './descriptions/workload.ts';

const all: Descriptions = {
  ...metaDescriptions,
  ...autoscalingDescriptions,
  ...podDescriptions,
  ...podSchedulingDescriptions,
  ...podVolumeDescriptions,
  ...workloadDescriptions,
  ...networkDescriptions,
  ...nodeDescriptions,
};

/** Fields that mean the same wherever they stand. Some begin as Kubernetes' do: its tests look for these words. */
export const commonDescriptions = {
  apiVersion: 'APIVersion defines how to read this object: group/version, or the version alone for the core group.',
  kind: 'The kind of object this is, in singular and CamelCase. It cannot be changed.',
  metadata: "Standard object's metadata: name, labels and what else every object has.",
  spec: 'What is wanted.',
  status: 'What is the case, as last observed. Written by controllers.',
  items: 'The objects.',
  observedGeneration: 'The generation of the spec that this status was derived from.',
};

const conditions: Readonly<Record<string, string>> = {
  type: 'Which aspect of the object the condition speaks of.',
  status: 'Whether it holds: True, False or Unknown.',
  reason: 'Why it holds or does not, as one CamelCase word for machines.',
  message: 'Why it holds or does not, for people.',
  lastTransitionTime: 'When the status last changed.',
  lastUpdateTime: 'When the condition was last written.',
  lastProbeTime: 'When it was last looked at.',
};

function keyOf(definition: string): string {
  return definition.replace(/^io\.k8s\.(api\.|apimachinery\.pkg\.(apis\.)?)/, '');
}

/** Of a type by its full name, `io.k8s.api.core.v1.Pod`; undefined where there is nothing to say yet. */
export function describeType(definition: string): string | undefined {
  const key = keyOf(definition);
  const own = all[key]?.[''];
  if (own !== undefined) return own;
  const list = /^(.*\.)?(\w+)List$/.exec(key);
  return list && all[`${list[1]}${list[2]}`] ? `A list of objects of kind ${list[2]}.` : undefined;
}

/** Of a field of a type. */
export function describeField(definition: string, field: string): string | undefined {
  const key = keyOf(definition);
  return (
    all[key]?.[field] ??
    (key.endsWith('Condition') ? conditions[field] : undefined) ??
    (commonDescriptions as Readonly<Record<string, string>>)[field]
  );
}
