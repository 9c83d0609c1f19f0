/**
 * `kubectl describe`: everything about one object for a reader, with what else belongs to it (pods of a node, end
 * points of a service, events). One kind a file; a kind without one is shown field by field.
 */
import type { Event } from '../../api/generated/core-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { lastSeen, sortEvents } from '../commands/events.ts';
import type { ResourceInfo } from '../resource-mapper.ts';
import { describeConfigMap, describeSecret, describeServiceAccount } from './config.ts';
import { describeDeployment } from './deployment.ts';
import type { DescribeContext, Describer } from './describe-context.ts';
import { describeEndpointSlice } from './endpoint-slice.ts';
import { describeGeneric } from './generic.ts';
import { Lines } from './lines.ts';
import { describeNamespace } from './namespace.ts';
import { describeNode } from './node.ts';
import { describePod } from './pod.ts';
import { describeReplicaSet, describeReplicationController } from './replica-set.ts';
import { describeService } from './service.ts';

/** Nobody makes events about these. */
const withoutEvents = new Set(['Event', 'Namespace', 'Secret']);

/** By group and kind. The server's schema is what makes an object of that kind fit its describer. */
const describers = new Map<string, Describer<never>>([
  ['/Pod', describePod],
  ['/Node', describeNode],
  ['/Service', describeService],
  ['/Namespace', describeNamespace],
  ['/ConfigMap', describeConfigMap],
  ['/Secret', describeSecret],
  ['/ServiceAccount', describeServiceAccount],
  ['/ReplicationController', describeReplicationController],
  ['apps/ReplicaSet', describeReplicaSet],
  ['apps/Deployment', describeDeployment],
  ['discovery.k8s.io/EndpointSlice', describeEndpointSlice],
]);

export async function describeObject(
  info: ResourceInfo,
  object: KubeObject,
  context: DescribeContext & { readonly events: boolean },
): Promise<string> {
  const lines = new Lines();
  const describer = (describers.get(`${info.group}/${info.kind}`) ?? describeGeneric) as Describer<KubeObject>;
  await describer(object, lines, context);
  if (context.events && !withoutEvents.has(info.kind)) describeEvents(await eventsAbout(object, context), lines, context.now);
  return lines.toString();
}

async function eventsAbout({ kind, metadata }: KubeObject, { api, mapper }: DescribeContext): Promise<readonly Event[]> {
  const info = await mapper.one('events.v1.');
  // A node's events name it by its name where others give a uid, and stand in the namespace default.
  const uid = kind === 'Node' ? '' : `,involvedObject.uid=${metadata.uid}`;
  const fieldSelector = `involvedObject.name=${metadata.name},involvedObject.kind=${kind}${uid}`;
  const { items } = await api.list(info, metadata.namespace ?? undefined, { fieldSelector });
  return items as unknown as Event[];
}

export function describeEvents(events: readonly Event[], lines: Lines, now: number): void {
  if (events.length === 0) {
    lines.field('Events', '<none>');
    return;
  }
  lines.write(0, 'Events:');
  lines.write(1, 'Type\tReason\tAge\tFrom\tMessage');
  lines.write(1, '----\t------\t----\t----\t-------');
  for (const event of sortEvents(events)) {
    const from = event.source.component || event.reportingComponent || '';
    lines.write(1, [event.type, event.reason, lastSeen(event, now), from, (event.message ?? '').trim()].join('\t'));
  }
}
