/** Which pod and which container a command means: `web`, `pod/web`, `deployment/web`, `svc/web`. */
import type { Container, Pod } from '../api/generated/core-v1.ts';
import type { LabelSelector } from '../api/generated/meta-v1.ts';
import type { KubeObject } from '../api/object.ts';
import { selectorFromLabelSelector, selectorFromMap } from '../api/selectors.ts';
import type { CommandContext } from './command.ts';
import { CommandError } from './failure.ts';
import type { ResourceInfo } from './resource-mapper.ts';

export const defaultContainerAnnotation = 'kubectl.kubernetes.io/default-container';

/** The pods behind what was named: the pod itself, or those that a workload or service selects, running ones first. */
export async function podsOf(context: CommandContext, named: string): Promise<Pod[]> {
  const slash = named.indexOf('/');
  const pods = await context.mapper.one('pods');
  const info = slash < 0 ? pods : await context.mapper.one(named.slice(0, slash));
  const name = named.slice(slash + 1);
  const object = await context.api.get(info, { namespace: info.namespaced ? context.namespace : undefined, name });
  if (info.kind === 'Pod') return [object as Pod];
  const labelSelector = selectorOf(info, object);
  const { items } = await context.api.list(pods, context.namespace, { labelSelector });
  if (items.length === 0) throw new CommandError(`no pods found for ${info.resource}/${name}: none has the labels ${labelSelector}`);
  return (items as unknown as Pod[]).sort((a, b) => usefulness(b) - usefulness(a) || (a.metadata.name < b.metadata.name ? -1 : 1));
}

function selectorOf(info: ResourceInfo, object: KubeObject): string {
  const { selector } = (object as KubeObject & { spec?: { selector?: unknown } }).spec ?? {};
  if (selector === undefined) throw new CommandError(`cannot get the pods of ${info.resource}/${object.metadata.name}: it selects none`);
  const plainMap = info.kind === 'Service' || info.kind === 'ReplicationController';
  return (plainMap ? selectorFromMap(selector as Record<string, string>) : selectorFromLabelSelector(selector as LabelSelector)).toString();
}

function usefulness({ spec, status, metadata }: Pod): number {
  const ready = status.conditions?.some(({ type, status: state }) => type === 'Ready' && state === 'True');
  return (spec.nodeName ? 1 : 0) + (status.phase === 'Running' ? 2 : 0) + (ready ? 4 : 0) - (metadata.deletionTimestamp ? 8 : 0);
}

/** The one pod that exec and attach talk to. */
export async function onePodOf(context: CommandContext, named: string): Promise<Pod> {
  const [pod] = await podsOf(context, named);
  return pod as Pod;
}

export function allContainers({ spec }: Pod): readonly Pick<Container, 'name' | 'tty' | 'stdin'>[] {
  return [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
}

/** The container that was asked for, or the default one; says which when there was a choice. */
export async function containerOf(context: CommandContext, pod: Pod, asked: string | undefined): Promise<string> {
  const names = allContainers(pod).map(({ name }) => name);
  if (asked) {
    if (!names.includes(asked))
      throw new CommandError(`container ${asked} is not valid for pod ${pod.metadata.name} out of: ${describeContainers(pod)}`);
    return asked;
  }
  const annotated = pod.metadata.annotations?.[defaultContainerAnnotation];
  if (annotated && names.includes(annotated)) return annotated;
  const first = pod.spec.containers[0]?.name ?? '';
  if (names.length > 1) await context.warn(`Defaulted container ${JSON.stringify(first)} out of: ${describeContainers(pod)}`);
  return first;
}

function describeContainers({ spec }: Pod): string {
  return [
    ...spec.containers.map(({ name }) => name),
    ...(spec.initContainers ?? []).map(({ name }) => `${name} (init)`),
    ...(spec.ephemeralContainers ?? []).map(({ name }) => `${name} (ephem)`),
  ].join(', ');
}
