import type { ReplicaSet } from '../../api/generated/apps-v1.ts';
import type { Pod, ReplicationController } from '../../api/generated/core-v1.ts';
import { controllerOf, type KubeObject } from '../../api/object.ts';
import { selectorFromMap } from '../../api/selectors.ts';
import { describeController, describeLabels, describeMetadata, formatMap, formatSelector } from './common.ts';
import type { DescribeContext } from './describe-context.ts';
import type { Lines } from './lines.ts';
import { describePodTemplate } from './pod-template.ts';

export async function describeReplicaSet(set: ReplicaSet, lines: Lines, context: DescribeContext): Promise<void> {
  describeMetadata(set, lines);
  lines.field('Selector', formatSelector(set.spec.selector));
  await describeRest(set, lines, context, formatSelector(set.spec.selector));
}

export async function describeReplicationController(
  controller: ReplicationController,
  lines: Lines,
  context: DescribeContext,
): Promise<void> {
  describeMetadata(controller, lines);
  lines.field('Selector', formatMap(controller.spec.selector));
  await describeRest(controller, lines, context, selectorFromMap(controller.spec.selector).toString());
}

async function describeRest(
  owner: ReplicaSet | ReplicationController,
  lines: Lines,
  context: DescribeContext,
  labelSelector: string,
): Promise<void> {
  const { spec, status } = owner;
  describeLabels(owner, lines);
  describeController(owner, lines);
  lines.field('Replicas', `${status.replicas} current / ${spec.replicas ?? 1} desired`);
  lines.field('Pods Status', await podsStatus(owner, labelSelector, context));
  describePodTemplate(spec.template, lines);
  if (status.conditions?.length) {
    lines.write(0, 'Conditions:');
    lines.write(1, 'Type\tStatus\tReason');
    lines.write(1, '----\t------\t------');
    for (const { type, status: state, reason } of status.conditions) lines.write(1, `${type} \t${state}\t${reason ?? ''}`);
  }
}

/** `3 Running / 0 Waiting / 0 Succeeded / 0 Failed`. */
async function podsStatus(owner: KubeObject, labelSelector: string, { api, mapper }: DescribeContext): Promise<string> {
  const info = await mapper.one('pods');
  const { items } = await api.list(info, owner.metadata.namespace, { labelSelector });
  const counts = { Running: 0, Waiting: 0, Succeeded: 0, Failed: 0 };
  for (const pod of items as unknown as Pod[]) {
    if (controllerOf(pod)?.uid !== owner.metadata.uid) continue;
    const phase = pod.status.phase === 'Pending' || !pod.status.phase ? 'Waiting' : pod.status.phase;
    if (phase in counts) counts[phase as keyof typeof counts]++;
  }
  return Object.entries(counts)
    .map(([phase, count]) => `${count} ${phase}`)
    .join(' / ');
}
