import type { Container, ContainerState, ContainerStatus, EnvVar, Pod, Probe } from '../../api/generated/core-v1.ts';
import { longTime } from '../duration.ts';
import { describeResourceList } from './common.ts';
import type { Lines } from './lines.ts';

interface Options {
  readonly title: string;
  readonly statuses?: readonly ContainerStatus[] | undefined;
  /** Fields of it are resolved in environment variables; absent in templates. */
  readonly pod?: Pod;
  /** Within a template: the title is indented, and names by one more space. */
  readonly nested?: boolean;
}

export function describeContainers(
  containers: readonly Container[],
  lines: Lines,
  { title, statuses, pod, nested = false }: Options,
): void {
  lines.write(nested ? 1 : 0, containers.length === 0 ? `${title}:\t<none>` : `${title}:`);
  for (const container of containers) {
    const status = statuses?.find(({ name }) => name === container.name);
    const inner = 2;
    lines.write(1, `${nested ? ' ' : ''}${container.name}:`);
    if (status || pod) lines.field('Container ID', status?.containerID ?? '', inner);
    lines.field('Image', container.image, inner);
    if (status || pod) lines.field('Image ID', status?.imageID ?? '', inner);
    const ports = container.ports ?? [];
    const plural = ports.length > 1 ? 's' : '';
    lines.field(
      `Port${plural}`,
      ports.map(({ containerPort, protocol = 'TCP' }) => `${containerPort}/${protocol}`).join(', ') || '<none>',
      inner,
    );
    lines.field(
      `Host Port${plural}`,
      ports.map(({ hostPort = 0, protocol = 'TCP' }) => `${hostPort}/${protocol}`).join(', ') || '<none>',
      inner,
    );
    describeWords('Command', container.command, lines, inner);
    describeWords('Args', container.args, lines, inner);
    if (status) describeStatus(status, lines, inner);
    describeResourceList('Limits', container.resources.limits, lines, inner);
    describeResourceList('Requests', container.resources.requests, lines, inner);
    for (const [name, probe] of [
      ['Liveness', container.livenessProbe],
      ['Readiness', container.readinessProbe],
      ['Startup', container.startupProbe],
    ] as const)
      if (probe) lines.field(name, formatProbe(probe), inner);
    describeEnvironment(container, lines, { pod, level: inner });
    describeMounts(container, lines, inner);
  }
}

function describeWords(name: string, words: readonly string[] | undefined, lines: Lines, level: number): void {
  if (!words?.length) return;
  lines.write(level, `${name}:`);
  for (const word of words) for (const line of word.split('\n')) lines.write(level + 1, line);
}

function describeStatus(status: ContainerStatus, lines: Lines, level: number): void {
  describeState('State', status.state, lines, level);
  if (status.lastState.terminated) describeState('Last State', status.lastState, lines, level);
  lines.field('Ready', status.ready ? 'True' : 'False', level);
  lines.field('Restart Count', status.restartCount, level);
}

function describeState(name: string, state: ContainerState, lines: Lines, level: number): void {
  const { running, waiting, terminated } = state;
  if (running) {
    lines.field(name, 'Running', level);
    lines.field('Started', longTime(running.startedAt), level + 1);
  } else if (terminated) {
    lines.field(name, 'Terminated', level);
    if (terminated.reason) lines.field('Reason', terminated.reason, level + 1);
    if (terminated.message) lines.field('Message', terminated.message.trimEnd().replaceAll('\n', ' '), level + 1);
    lines.field('Exit Code', terminated.exitCode, level + 1);
    if (terminated.signal) lines.field('Signal', terminated.signal, level + 1);
    lines.field('Started', longTime(terminated.startedAt), level + 1);
    lines.field('Finished', longTime(terminated.finishedAt), level + 1);
  } else {
    lines.field(name, 'Waiting', level);
    if (waiting?.reason) lines.field('Reason', waiting.reason, level + 1);
  }
}

/** `http-get http://:8080/healthz delay=0s timeout=1s period=10s #success=1 #failure=3`. */
export function formatProbe(probe: Probe): string {
  const { initialDelaySeconds = 0, timeoutSeconds = 1, periodSeconds = 10, successThreshold = 1, failureThreshold = 3 } = probe;
  const times = `delay=${initialDelaySeconds}s timeout=${timeoutSeconds}s period=${periodSeconds}s #success=${successThreshold} #failure=${failureThreshold}`;
  const { exec, httpGet, tcpSocket, grpc } = probe;
  if (exec) return `exec [${(exec.command ?? []).join(' ')}] ${times}`;
  if (httpGet)
    return `http-get ${(httpGet.scheme ?? 'HTTP').toLowerCase()}://${httpGet.host ?? ''}:${httpGet.port}${httpGet.path ?? ''} ${times}`;
  if (tcpSocket) return `tcp-socket ${tcpSocket.host ?? ''}:${tcpSocket.port} ${times}`;
  if (grpc) return `grpc <pod>:${grpc.port} ${grpc.service ?? ''} ${times}`;
  return `unknown ${times}`;
}

function describeEnvironment(
  { env = [], envFrom = [] }: Container,
  lines: Lines,
  { pod, level }: { readonly pod: Pod | undefined; readonly level: number },
): void {
  if (envFrom.length > 0) {
    lines.write(level, 'Environment Variables from:');
    for (const { configMapRef, secretRef, prefix } of envFrom) {
      const [kind, ref] = configMapRef ? ['ConfigMap', configMapRef] : ['Secret', secretRef];
      const behind = prefix ? ` with prefix '${prefix}'` : '';
      lines.write(level + 1, `${ref?.name ?? ''}\t${kind}${behind}\tOptional: ${ref?.optional ?? false}`);
    }
  }
  if (env.length === 0) {
    lines.field('Environment', '<none>', level);
    return;
  }
  lines.write(level, 'Environment:');
  for (const variable of env) lines.write(level + 1, `${variable.name}:\t${formatVariable(variable, pod)}`);
}

function formatVariable({ value, valueFrom }: EnvVar, pod: Pod | undefined): string {
  if (!valueFrom) return (value ?? '').replaceAll('\n', '\n\t');
  const { fieldRef, resourceFieldRef, secretKeyRef, configMapKeyRef } = valueFrom;
  if (fieldRef) return `${resolveField(pod, fieldRef.fieldPath)} (${fieldRef.apiVersion ?? 'v1'}:${fieldRef.fieldPath})`;
  if (resourceFieldRef) return `(${resourceFieldRef.resource})`;
  if (secretKeyRef)
    return `<set to the key '${secretKeyRef.key}' in secret '${secretKeyRef.name ?? ''}'>\tOptional: ${secretKeyRef.optional ?? false}`;
  if (configMapKeyRef)
    return `<set to the key '${configMapKeyRef.key}' of config map '${configMapKeyRef.name ?? ''}'>\tOptional: ${configMapKeyRef.optional ?? false}`;
  return '';
}

function resolveField(pod: Pod | undefined, path: string): string {
  if (!pod) return '';
  const { metadata, spec, status } = pod;
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (subscript) return metadata[subscript[1] as 'labels' | 'annotations']?.[subscript[2] as string] ?? '';
  const known: Readonly<Record<string, string | undefined>> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'spec.nodeName': spec.nodeName,
    'spec.serviceAccountName': spec.serviceAccountName,
    'status.podIP': status.podIP,
    'status.hostIP': status.hostIP,
  };
  return known[path] ?? '';
}

function describeMounts({ volumeMounts = [] }: Container, lines: Lines, level: number): void {
  if (volumeMounts.length === 0) {
    lines.field('Mounts', '<none>', level);
    return;
  }
  lines.write(level, 'Mounts:');
  const sorted = [...volumeMounts].sort((a, b) => (a.mountPath < b.mountPath ? -1 : 1));
  for (const { mountPath, name, readOnly, subPath } of sorted) {
    lines.write(level + 1, `${mountPath} from ${name} (${readOnly ? 'ro' : 'rw'}${subPath ? `,path=${JSON.stringify(subPath)}` : ''})`);
  }
}
