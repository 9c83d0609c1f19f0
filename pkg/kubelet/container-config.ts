/** A container of a pod in the runtime's terms. */
import type { Container, Pod } from '../api/generated/core-v1.ts';
import { type ContainerConfig, type ContainerSecurity, endsAnnotation, type Image, type Mount } from '../cri/cri.ts';
import { containerResources } from './container-resources.ts';
import type { Variables } from './environment.ts';
import { expandVariables } from './expand-variables.ts';
import { hostsFileFor } from './hosts-file.ts';
import type { KubeletContext } from './kubelet-context.ts';
import type { HostFiles } from './kubelet-host.ts';
import {
  containerHashAnnotation,
  containerNameLabel,
  graceAnnotation,
  hashOf,
  messagePathAnnotation,
  messagePolicyAnnotation,
  podNameLabel,
  podNamespaceLabel,
  podUidLabel,
  resourcesAnnotation,
  restartCountAnnotation,
} from './pod-observation.ts';
import { isSidecar } from './restart-policy.ts';
import { StartFailure } from './start-failure.ts';

/** Volumes of a pod that are ready to be mounted, by their names in the pod. */
export type MountedVolumes = ReadonlyMap<string, MountedVolume>;
export interface MountedVolume {
  readonly hostPath: string;
  /** Never to be written by containers: config maps, secrets, ... */
  readonly readonly: boolean;
}

export interface ContainerConfigInput {
  readonly pod: Pod;
  readonly container: Container;
  /** How often it has been started before. */
  readonly attempt: number;
  readonly image: Image;
  readonly env: Variables;
  readonly volumes: MountedVolumes;
  /** The pod's addresses. */
  readonly ips: readonly string[];
  readonly context: KubeletContext;
}

const defaultMessagePath = '/dev/termination-log';

/** Also makes the files that the mounts need. Throws StartFailure CreateContainerConfigError. */
export async function containerConfig(input: ContainerConfigInput): Promise<ContainerConfig> {
  const { pod, container, attempt, image, env, context } = input;
  const variables = new Map(env.map(({ name, value }) => [name, value]));
  const expand = (words: readonly string[]): string[] => words.map((word) => expandVariables(word, variables));
  const security = securityOf(pod, container, image);
  const messagePath = container.terminationMessagePath ?? defaultMessagePath;
  const { memoryBytes } = await context.host.machine();
  const resources = containerResources(pod, container, memoryBytes);
  return {
    metadata: { name: container.name, attempt },
    image: image.id,
    imageReference: container.image ?? '',
    ...(container.command ? { command: expand(container.command) } : {}),
    ...(container.args ? { args: expand(container.args) } : {}),
    ...(container.workingDir ? { workingDir: container.workingDir } : {}),
    env,
    mounts: [...(await volumeMounts(input, variables)), ...(await ownMounts(input, messagePath))],
    labels: {
      [podNameLabel]: pod.metadata.name,
      [podNamespaceLabel]: pod.metadata.namespace ?? '',
      [podUidLabel]: pod.metadata.uid,
      [containerNameLabel]: container.name,
    },
    annotations: {
      [containerHashAnnotation]: hashOf(container),
      [restartCountAnnotation]: String(attempt),
      [messagePathAnnotation]: messagePath,
      [messagePolicyAnnotation]: container.terminationMessagePolicy ?? 'File',
      [resourcesAnnotation]: JSON.stringify({ ...resources, oomScoreAdj: undefined }),
      [graceAnnotation]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
      ...(pod.spec.initContainers?.some(({ name }) => name === container.name) && !isSidecar(container)
        ? { [endsAnnotation]: 'true' }
        : {}),
    },
    logPath: `${container.name}/${attempt}.log`,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    ...(container.lifecycle?.stopSignal ? { stopSignal: container.lifecycle.stopSignal } : {}),
    resources,
    security,
  };
}

async function volumeMounts(
  { container, volumes, context }: ContainerConfigInput,
  variables: ReadonlyMap<string, string>,
): Promise<Mount[]> {
  const files = context.host.files;
  const out: Mount[] = [];
  for (const mount of container.volumeMounts ?? []) {
    const volume = volumes.get(mount.name);
    if (!volume)
      throw new StartFailure(
        'CreateContainerConfigError',
        `cannot find volume "${mount.name}" to mount into container "${container.name}"`,
      );
    const subPath = mount.subPathExpr ? expandVariables(mount.subPathExpr, variables) : mount.subPath;
    const hostPath = subPath
      ? await insideVolume(files, volume, subPath, `volumeMount "${mount.name}" of container "${container.name}"`)
      : volume.hostPath;
    out.push({
      containerPath: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
      hostPath,
      readonly: (mount.readOnly ?? false) || volume.readonly,
      ...(mount.mountPropagation === 'HostToContainer' ? { propagation: 'hostToContainer' as const } : {}),
      ...(mount.mountPropagation === 'Bidirectional' ? { propagation: 'bidirectional' as const } : {}),
    });
  }
  return out;
}

/**
 * The part of a volume that a mount names, made if it is missing. What containers put into their volumes, links
 * above all, must not lead out of them: neither what is mounted nor what is made.
 */
async function insideVolume(files: HostFiles, volume: MountedVolume, subPath: string, what: string): Promise<string> {
  const fail = (why: string): StartFailure =>
    new StartFailure('CreateContainerConfigError', `failed to prepare subPath for ${what}: ${why}`);
  if (subPath.startsWith('/') || subPath.split('/').includes('..')) throw fail('it must be a relative path without ".."');
  const base = await files.realPath(volume.hostPath);
  const isInside = (path: string | undefined): boolean =>
    path !== undefined && base !== undefined && (path === base || path.startsWith(`${base}/`));
  const wanted = `${volume.hostPath}/${subPath}`;
  let present = wanted;
  while (present.length > volume.hostPath.length && !(await files.stat(present))) present = present.slice(0, present.lastIndexOf('/'));
  if (!isInside(await files.realPath(present))) throw fail('it leads out of its volume');
  if (present !== wanted) {
    if (volume.readonly) throw fail(`${subPath} is not in the volume`);
    await files.makeDirectory(wanted, 0o755);
  }
  const real = await files.realPath(wanted);
  if (real === undefined || !isInside(real)) throw fail('it leads out of its volume');
  return real;
}

/** The hosts file and the termination log. */
async function ownMounts({ pod, container, attempt, ips, context }: ContainerConfigInput, messagePath: string): Promise<Mount[]> {
  const { files } = context.host;
  const out: Mount[] = [];
  if (!container.volumeMounts?.some(({ mountPath }) => mountPath === '/etc/hosts')) {
    const path = context.paths.etcHosts(pod.metadata.uid);
    await files.makeDirectory(context.paths.pod(pod.metadata.uid));
    await files.writeFile(path, new TextEncoder().encode(await hostsFileFor(pod, ips, context)), 0o644);
    out.push({ containerPath: '/etc/hosts', hostPath: path, readonly: container.securityContext?.readOnlyRootFilesystem ?? false });
  }
  const log = context.paths.terminationLog(pod.metadata.uid, container.name, attempt);
  await files.makeDirectory(log.slice(0, log.lastIndexOf('/')));
  await files.writeFile(log, new Uint8Array(), 0o666);
  out.push({ containerPath: messagePath, hostPath: log, readonly: false });
  return out;
}

/** https://kubernetes.io/docs/tasks/configure-pod-container/security-context/ */
function securityOf(pod: Pod, container: Container, image: Image): ContainerSecurity {
  const { securityContext: ofPod = {} } = pod.spec;
  const own = container.securityContext ?? {};
  const user = own.runAsUser ?? ofPod.runAsUser ?? image.user?.uid;
  const username = user === undefined ? image.user?.name : undefined;
  const group = own.runAsGroup ?? ofPod.runAsGroup;
  if (own.runAsNonRoot ?? ofPod.runAsNonRoot) {
    const fail = (why: string): never => {
      throw new StartFailure('CreateContainerConfigError', why);
    };
    const where = `(pod: "${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid})", container: ${container.name})`;
    if (username !== undefined)
      fail(`container has runAsNonRoot and image has non-numeric user (${username}), cannot verify user is non-root ${where}`);
    if (user === 0) fail(`container's runAsUser breaks non-root policy ${where}`);
    if (user === undefined) fail(`container has runAsNonRoot and image will run as root ${where}`);
  }
  const groups = [...new Set([...(ofPod.fsGroup === undefined ? [] : [ofPod.fsGroup]), ...(ofPod.supplementalGroups ?? [])])];
  const seccomp = own.seccompProfile ?? ofPod.seccompProfile;
  const privileged = own.privileged ?? false;
  return {
    privileged,
    readOnlyRootFilesystem: own.readOnlyRootFilesystem ?? false,
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    ...(user === undefined ? {} : { runAsUser: user }),
    ...(username === undefined ? {} : { runAsUsername: username }),
    ...(group === undefined ? {} : { runAsGroup: group }),
    ...(groups.length > 0 ? { supplementalGroups: groups } : {}),
    ...(own.capabilities?.add ? { addCapabilities: own.capabilities.add } : {}),
    ...(own.capabilities?.drop ? { dropCapabilities: own.capabilities.drop } : {}),
    ...(privileged || own.procMount === 'Unmasked' ? {} : { maskedPaths, readonlyPaths }),
    ...(seccomp ? { seccomp: seccomp.type === 'Localhost' ? `localhost/${seccomp.localhostProfile ?? ''}` : seccomp.type } : {}),
    pid: pod.spec.hostPID ? 'node' : pod.spec.shareProcessNamespace ? 'pod' : 'container',
  };
}

/** Kernel interfaces that containers neither see nor change, as container engines have agreed on. */
const maskedPaths = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
