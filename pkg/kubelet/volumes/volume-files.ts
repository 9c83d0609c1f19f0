/** What config maps, secrets, the downward API and tokens look like as files. */
import type { Container, DownwardAPIVolumeFile, KeyToPath, Pod, Volume } from '../../api/generated/core-v1.ts';
import { decodeBase64 } from '../base64.ts';
import { podField, resourceField } from '../downward-api.ts';
import type { KubeletContext } from '../kubelet-context.ts';
import type { NodeObjects } from '../node-objects.ts';
import type { VolumeFiles } from './atomic-writer.ts';
import type { TokenManager } from './token-manager.ts';

const defaultMode = 0o644;
const encoder = new TextEncoder();

interface Sources {
  readonly context: Pick<KubeletContext, 'hostIPs' | 'node'>;
  readonly objects: NodeObjects;
  readonly tokens: TokenManager;
}

/** The files of a volume that the API server's objects make up. Throws with a message for a FailedMount event. */
export async function volumeFiles(pod: Pod, volume: Volume, sources: Sources): Promise<VolumeFiles> {
  const out = new Map<string, { data: Uint8Array; mode: number }>();
  const put = (entries: Iterable<readonly [string, { readonly data: Uint8Array; readonly mode: number }]>): void => {
    for (const [path, file] of entries) out.set(safe(path), file);
  };
  if (volume.configMap) put(await configMapFiles(pod, volume.configMap.name, volume.configMap, volume.configMap.defaultMode, sources));
  if (volume.secret) put(await secretFiles(pod, volume.secret.secretName, volume.secret, volume.secret.defaultMode, sources));
  if (volume.downwardAPI) put(downwardFiles(pod, volume.downwardAPI.items, volume.downwardAPI.defaultMode, sources));
  const projectedMode = volume.projected?.defaultMode;
  for (const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } of volume.projected?.sources ??
    []) {
    if (configMap) put(await configMapFiles(pod, configMap.name, configMap, projectedMode, sources));
    if (secret) put(await secretFiles(pod, secret.name, secret, projectedMode, sources));
    if (downwardAPI) put(downwardFiles(pod, downwardAPI.items, projectedMode, sources));
    if (serviceAccountToken) {
      const token = await sources.tokens.token(pod, serviceAccountToken);
      // Nobody but the container's user is to read a token, and that user may not be root.
      const mode = pod.spec.securityContext?.fsGroup === undefined ? (projectedMode ?? defaultMode) : 0o640;
      put([[serviceAccountToken.path, { data: encoder.encode(token), mode }]]);
    }
    if (clusterTrustBundle || podCertificate)
      throw new Error(`a source of the projected volume "${volume.name}" is not supported on this node`);
  }
  return out;
}

interface Selection {
  readonly items?: readonly KeyToPath[];
  readonly optional?: boolean;
}

async function configMapFiles(
  pod: Pod,
  name: string | undefined,
  selection: Selection,
  mode: number | undefined,
  { objects }: Sources,
): Promise<Map<string, { data: Uint8Array; mode: number }>> {
  const namespace = pod.metadata.namespace ?? '';
  const found = await objects.configMap(namespace, name ?? '');
  if (!found && !selection.optional) throw new Error(`configmap "${name}" not found`);
  const data = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(found?.data ?? {})) data.set(key, encoder.encode(value));
  for (const [key, value] of Object.entries(found?.binaryData ?? {})) data.set(key, decodeBase64(value));
  return select(data, selection, mode);
}

async function secretFiles(
  pod: Pod,
  name: string | undefined,
  selection: Selection,
  mode: number | undefined,
  { objects }: Sources,
): Promise<Map<string, { data: Uint8Array; mode: number }>> {
  const namespace = pod.metadata.namespace ?? '';
  const found = await objects.secret(namespace, name ?? '');
  if (!found && !selection.optional) throw new Error(`secret "${name}" not found`);
  return select(new Map(Object.entries(found?.data ?? {}).map(([key, value]) => [key, decodeBase64(value)])), selection, mode);
}

function select(
  data: ReadonlyMap<string, Uint8Array>,
  { items, optional }: Selection,
  mode: number | undefined,
): Map<string, { data: Uint8Array; mode: number }> {
  const out = new Map<string, { data: Uint8Array; mode: number }>();
  if (!items || items.length === 0) {
    for (const [key, bytes] of data) out.set(key, { data: bytes, mode: mode ?? defaultMode });
    return out;
  }
  for (const item of items) {
    const bytes = data.get(item.key);
    if (bytes) out.set(item.path, { data: bytes, mode: item.mode ?? mode ?? defaultMode });
    else if (!optional) throw new Error(`references non-existent config key: ${item.key}`);
  }
  return out;
}

function downwardFiles(
  pod: Pod,
  items: readonly DownwardAPIVolumeFile[] | undefined,
  mode: number | undefined,
  { context }: Sources,
): Map<string, { data: Uint8Array; mode: number }> {
  const out = new Map<string, { data: Uint8Array; mode: number }>();
  const containers: readonly Container[] = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  for (const { path, fieldRef, resourceFieldRef, mode: own } of items ?? []) {
    let text = '';
    if (fieldRef) {
      text = podField(pod, fieldRef.fieldPath, { podIPs: pod.status.podIPs?.map(({ ip }) => ip) ?? [], hostIPs: context.hostIPs });
    } else if (resourceFieldRef) {
      const target = containers.find(({ name }) => name === resourceFieldRef.containerName);
      if (!target) throw new Error(`container "${resourceFieldRef.containerName}" not found`);
      text = resourceField(target, resourceFieldRef, context.node());
    }
    out.set(path, { data: encoder.encode(text), mode: own ?? mode ?? defaultMode });
  }
  return out;
}

/** The server has checked paths as well; a file outside its volume would be the host's. */
function safe(path: string): string {
  const parts = path.split('/');
  if (path === '' || path.startsWith('/') || parts.includes('..') || parts[0]?.startsWith('..'))
    throw new Error(`invalid path ${JSON.stringify(path)}: must be relative and must not contain '..'`);
  return path;
}
