import type { Pod } from '../../api/generated/core-v1.ts';
import { humanDuration, longTime } from '../duration.ts';
import { describeController, describeLabels, describeMetadata, formatMap } from './common.ts';
import { describeContainers } from './containers.ts';
import type { DescribeContext } from './describe-context.ts';
import type { Lines } from './lines.ts';
import { formatToleration } from './pod-template.ts';
import { describeVolumes } from './volumes.ts';

export async function describePod(pod: Pod, lines: Lines, { now }: DescribeContext): Promise<void> {
  const { metadata, spec, status } = pod;
  describeMetadata(pod, lines);
  if (spec.priority !== undefined) {
    lines.field('Priority', spec.priority);
    if (spec.priorityClassName) lines.field('Priority Class Name', spec.priorityClassName);
  }
  if (spec.runtimeClassName) lines.field('Runtime Class Name', spec.runtimeClassName);
  if (spec.serviceAccountName) lines.field('Service Account', spec.serviceAccountName);
  lines.field('Node', spec.nodeName ? `${spec.nodeName}/${status.hostIP ?? ''}` : '<none>');
  if (status.startTime) lines.field('Start Time', longTime(status.startTime));
  describeLabels(pod, lines);
  if (metadata.deletionTimestamp && status.phase !== 'Failed' && status.phase !== 'Succeeded') {
    lines.field('Status', `Terminating (lasts ${humanDuration(Math.max(0, now - Date.parse(metadata.deletionTimestamp)))})`);
    lines.field('Termination Grace Period', `${metadata.deletionGracePeriodSeconds ?? 0}s`);
  } else lines.field('Status', status.phase ?? '');
  if (status.reason) lines.field('Reason', status.reason);
  if (status.message) lines.field('Message', status.message);
  lines.field('IP', status.podIP ?? '');
  const ips = status.podIPs ?? [];
  if (ips.length === 0) lines.field('IPs', '<none>');
  else {
    lines.write(0, 'IPs:');
    for (const { ip } of ips) lines.field('IP', ip, 1);
  }
  describeController(pod, lines);
  if (status.nominatedNodeName) lines.field('NominatedNodeName', status.nominatedNodeName);
  if (spec.initContainers?.length) {
    describeContainers(spec.initContainers, lines, { title: 'Init Containers', statuses: status.initContainerStatuses, pod });
  }
  describeContainers(spec.containers, lines, { title: 'Containers', statuses: status.containerStatuses, pod });
  if (spec.ephemeralContainers?.length) {
    const containers = spec.ephemeralContainers.map((container) => ({ ...container, resources: {} }));
    describeContainers(containers, lines, { title: 'Ephemeral Containers', statuses: status.ephemeralContainerStatuses, pod });
  }
  if (status.conditions?.length) {
    lines.write(0, 'Conditions:');
    lines.write(1, 'Type\tStatus');
    for (const { type, status: state } of status.conditions) lines.write(1, `${type} \t${state} `);
  }
  describeVolumes(spec.volumes, lines);
  if (status.qosClass) lines.field('QoS Class', status.qosClass);
  lines.field('Node-Selectors', formatMap(spec.nodeSelector));
  lines.list('Tolerations', (spec.tolerations ?? []).map(formatToleration));
  if (spec.topologySpreadConstraints?.length) {
    const texts = spec.topologySpreadConstraints.map(
      ({ topologyKey, whenUnsatisfiable, maxSkew }) => `${topologyKey}:${whenUnsatisfiable} when max skew ${maxSkew} is exceeded`,
    );
    lines.list('Topology Spread Constraints', texts);
  }
}
