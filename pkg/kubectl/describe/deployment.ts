import type { Deployment, ReplicaSet } from '../../api/generated/apps-v1.ts';
import { longTime } from '../duration.ts';
import { newestOf, ownedReplicaSets } from '../revisions.ts';
import { describeLabels, describeMetadata, formatSelector } from './common.ts';
import type { DescribeContext } from './describe-context.ts';
import type { Lines } from './lines.ts';
import { describePodTemplate } from './pod-template.ts';

export async function describeDeployment(deployment: Deployment, lines: Lines, context: DescribeContext): Promise<void> {
  const { metadata, spec, status } = deployment;
  describeMetadata(deployment, lines);
  lines.field('CreationTimestamp', longTime(metadata.creationTimestamp));
  describeLabels(deployment, lines);
  lines.field('Selector', formatSelector(spec.selector));
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0, unavailableReplicas = 0 } = status;
  lines.field(
    'Replicas',
    `${spec.replicas ?? 1} desired | ${updatedReplicas} updated | ${replicas} total | ${availableReplicas} available | ${unavailableReplicas} unavailable`,
  );
  lines.field('StrategyType', spec.strategy.type ?? '');
  lines.field('MinReadySeconds', spec.minReadySeconds ?? 0);
  const rolling = spec.strategy.rollingUpdate;
  if (rolling) lines.field('RollingUpdateStrategy', `${rolling.maxUnavailable ?? ''} max unavailable, ${rolling.maxSurge ?? ''} max surge`);
  describePodTemplate(spec.template, lines);
  if (status.conditions?.length) {
    lines.write(0, 'Conditions:');
    lines.write(1, 'Type\tStatus\tReason');
    lines.write(1, '----\t------\t------');
    for (const { type, status: state, reason } of status.conditions) lines.write(1, `${type} \t${state}\t${reason ?? ''}`);
  }
  const owned = await ownedReplicaSets(context, deployment);
  const newest = newestOf(owned, deployment);
  const older = owned.filter((set) => set !== newest && (set.spec.replicas ?? 0) > 0);
  lines.field('OldReplicaSets', older.map(formatSet).join(', ') || '<none>');
  lines.field('NewReplicaSet', newest ? formatSet(newest) : '<none>');
}

function formatSet({ metadata, spec, status }: ReplicaSet): string {
  return `${metadata.name} (${status.replicas}/${spec.replicas ?? 1} replicas created)`;
}
