import type { Pod } from '../../api/generated/core-v1.ts';
import type { ApiRequest, ApiResponse } from '../../api/http.ts';
import type { KubeletContext } from '../kubelet-context.ts';
import type { ObservedContainer, PodObservation } from '../pod-observation.ts';
import { type LogOptions, readLog } from './log-reader.ts';
import { refuse } from './refuse.ts';

/** `GET /containerLogs/{namespace}/{pod}/{container}`. */
export function containerLogs(context: KubeletContext, request: ApiRequest, pod: Pod, observed: PodObservation, name: string): ApiResponse {
  const { query, signal } = request;
  const previous = query.get('previous') === 'true';
  const container = logOf(pod, observed, name, previous);
  if (typeof container === 'string') return refuse(400, container);
  const options = logOptions(query, context.clock.now());
  if (typeof options === 'string') return refuse(422, options);
  const body = readLog(
    { files: context.host.files, clock: context.clock },
    container.logPath,
    options,
    {
      running: async () => (await context.runtime.listContainers({ id: container.id, state: 'running' })).length > 0,
      onChange: (changed, until) => void watchContainer(context, container.id, changed, until),
    },
    signal,
  );
  return { status: 200, headers: { 'content-type': 'text/plain' }, body };
}

async function watchContainer({ runtime, log }: KubeletContext, id: string, changed: () => void, until: AbortSignal): Promise<void> {
  try {
    for await (const batch of runtime.events(until)) {
      if (batch.some((event) => event.type === 'relist' || event.containerId === id)) changed();
    }
  } catch (error) {
    log.debug("the runtime's events ended while a log was followed", { error });
  }
  changed();
}

/** The instance whose log is meant, or why there is none. */
function logOf(pod: Pod, observed: PodObservation, name: string, previous: boolean): ObservedContainer | string {
  const instances = observed.containers.filter((container) => container.name === name && container.state !== 'created');
  const statuses = [
    ...(pod.status.containerStatuses ?? []),
    ...(pod.status.initContainerStatuses ?? []),
    ...(pod.status.ephemeralContainerStatuses ?? []),
  ];
  if (previous) {
    const current = statuses.find((status) => status.name === name);
    // One that waits to be started again counts as the previous one itself.
    const found = current?.state.waiting ? instances[0] : instances[1];
    return found ?? `previous terminated container "${name}" in pod "${pod.metadata.name}" not found`;
  }
  if (instances[0]) return instances[0];
  const waiting = statuses.find((status) => status.name === name)?.state.waiting?.reason ?? 'ContainerCreating';
  const why = waiting === 'ErrImagePull' || waiting === 'ImagePullBackOff' ? 'trying and failing to pull image' : waiting;
  return `container "${name}" in pod "${pod.metadata.name}" is waiting to start: ${why}`;
}

/** The options, or what is wrong with them. */
function logOptions(query: URLSearchParams, now: number): LogOptions | string {
  const number = (name: string, least: number): number | undefined | string => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    const value = Number(text);
    return Number.isInteger(value) && value >= least
      ? value
      : `${name}: Invalid value: ${JSON.stringify(text)}: must be an integer greater than or equal to ${least}`;
  };
  const tailLines = number('tailLines', 0);
  const limitBytes = number('limitBytes', 1);
  const sinceSeconds = number('sinceSeconds', 1);
  for (const value of [tailLines, limitBytes, sinceSeconds]) if (typeof value === 'string') return value;
  const sinceTime = query.get('sinceTime');
  const since = typeof sinceSeconds === 'number' ? now - sinceSeconds * 1000 : sinceTime ? Date.parse(sinceTime) : undefined;
  if (Number.isNaN(since)) return `sinceTime: Invalid value: ${JSON.stringify(sinceTime)}: must be a time as in RFC 3339`;
  return {
    follow: query.get('follow') === 'true',
    timestamps: query.get('timestamps') === 'true',
    ...(typeof tailLines === 'number' ? { tailLines } : {}),
    ...(typeof limitBytes === 'number' ? { limitBytes } : {}),
    ...(since === undefined ? {} : { since }),
  };
}
