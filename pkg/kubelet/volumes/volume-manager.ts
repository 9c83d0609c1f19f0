/**
 * A pod's volumes on this node: made before its first container starts, kept up to date while it runs (config maps,
 * secrets, labels, tokens), and taken away when nothing of it runs any more.
 * https://kubernetes.io/docs/concepts/storage/volumes/
 */
import type { HostPathVolumeSource, Pod, Volume } from '../../api/generated/core-v1.ts';
import { quantityValue } from '../../api/quantity.ts';
import type { MountedVolume, MountedVolumes } from '../container-config.ts';
import type { KubeletContext } from '../kubelet-context.ts';
import type { NodeObjects } from '../node-objects.ts';
import { type VolumeFiles, writeAtomically } from './atomic-writer.ts';
import { TokenManager } from './token-manager.ts';
import { volumeFiles } from './volume-files.ts';

/** A volume could not be made ready. `message` is worded for a FailedMount event. */
export class MountFailure extends Error {
  override readonly name = 'MountFailure';
}

export class VolumeManager {
  readonly #context: KubeletContext;
  readonly #objects: NodeObjects;
  readonly #tokens: TokenManager;
  /** What was written last, by directory: to write only what has changed. */
  readonly #written = new Map<string, { readonly files: VolumeFiles; readonly generation: number }>();
  /** Counts calls of `changed`. */
  #changes = 0;
  /** Pods whose volumes are known to be up to date, and until when. */
  readonly #current = new Map<string, { readonly basis: string; readonly until: number; readonly volumes: MountedVolumes }>();

  constructor(context: KubeletContext, objects: NodeObjects) {
    this.#context = context;
    this.#objects = objects;
    this.#tokens = new TokenManager(context);
  }

  /**
   * Makes every volume of the pod ready, or brings it up to date. Throws MountFailure for one that is not there yet;
   * one that is, but cannot be brought up to date, stays as it is: `problems` says why.
   */
  async mount(pod: Pod): Promise<{ readonly volumes: MountedVolumes; readonly problems: readonly string[] }> {
    const { uid } = pod.metadata;
    const basis = basisOf(pod);
    const current = this.#current.get(uid);
    if (current?.basis === basis && this.#context.clock.now() < current.until) return { volumes: current.volumes, problems: [] };
    // A change that comes while this is under way must not be taken for known.
    this.#current.delete(uid);
    const began = this.#changes;
    const volumes = new Map<string, MountedVolume>();
    const problems: string[] = [];
    for (const volume of pod.spec.volumes ?? []) {
      try {
        volumes.set(volume.name, await this.#mountOne(pod, volume));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        const message = `MountVolume.SetUp failed for volume "${volume.name}" : ${why}`;
        const plugin = pluginOf(volume);
        const path = plugin && this.#context.paths.volume(pod.metadata.uid, plugin, volume.name);
        if (path === undefined || (await this.#context.host.files.readLink(`${path}/..data`)) === undefined) {
          throw new MountFailure(message, { cause: error });
        }
        volumes.set(volume.name, { hostPath: path, readonly: true });
        problems.push(message);
      }
    }
    if (problems.length === 0 && began === this.#changes) this.#current.set(uid, { basis, until: this.#tokens.renewal(uid), volumes });
    return { volumes, problems };
  }

  /** Something that the pod's volumes may show has changed. */
  changed(uid: string): void {
    this.#changes++;
    this.#current.delete(uid);
  }

  /** Takes the pod's volumes away, with all that is in them. Idempotent. */
  async unmount(uid: string): Promise<void> {
    const { files } = this.#context.host;
    for (const directory of this.#context.paths.volumes(uid)) {
      for (const path of [...(await files.mountsBelow(directory))].reverse()) await files.unmount(path);
      await files.remove(directory);
      for (const path of this.#written.keys()) if (path.startsWith(`${directory}/`)) this.#written.delete(path);
    }
    this.#current.delete(uid);
    this.#tokens.forget(uid);
  }

  async #mountOne(pod: Pod, volume: Volume): Promise<MountedVolume> {
    const { host, paths } = this.#context;
    const uid = pod.metadata.uid;
    const fsGroup = pod.spec.securityContext?.fsGroup;
    if (volume.hostPath) return { hostPath: await this.#hostPath(volume.hostPath), readonly: false };
    if (volume.emptyDir) {
      const path = paths.volume(uid, 'empty-dir', volume.name);
      if (!(await host.files.stat(path))) {
        await host.files.makeDirectory(path, 0o777);
        const limit = quantityValue(volume.emptyDir.sizeLimit);
        if (volume.emptyDir.medium === 'Memory') await host.files.mountTmpfs(path, limit > 0 ? limit : undefined);
        if (fsGroup !== undefined) await host.files.setGroup(path, fsGroup);
      }
      return { hostPath: path, readonly: false };
    }
    const plugin = pluginOf(volume);
    if (!plugin) {
      const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'unknown';
      throw new Error(`no volume plugin matched: volumes of kind ${kind} are not supported on this node`);
    }
    const path = paths.volume(uid, plugin, volume.name);
    const wanted = await volumeFiles(pod, volume, { context: this.#context, objects: this.#objects, tokens: this.#tokens });
    const before = this.#written.get(path);
    if (!before || !sameFiles(before.files, wanted)) {
      const generation = Math.max(this.#context.clock.now(), (before?.generation ?? 0) + 1);
      await writeAtomically(host.files, path, wanted, generationName(generation));
      if (fsGroup !== undefined) await host.files.setGroup(path, fsGroup);
      this.#written.set(path, { files: wanted, generation });
    }
    return { hostPath: path, readonly: true };
  }

  async #hostPath({ path, type = '' }: HostPathVolumeSource): Promise<string> {
    const { files } = this.#context.host;
    const present = await files.stat(path);
    if (!present && type === 'DirectoryOrCreate') await files.makeDirectory(path, 0o755);
    else if (!present && type === 'FileOrCreate') await files.writeFile(path, new Uint8Array(), 0o644);
    const wanted: Record<string, string> = {
      Directory: 'directory',
      DirectoryOrCreate: 'directory',
      File: 'file',
      FileOrCreate: 'file',
      Socket: 'socket',
      BlockDevice: 'block',
      CharDevice: 'character',
    };
    const kind = wanted[type];
    const found = present ?? (type.endsWith('OrCreate') ? await files.stat(path) : undefined);
    if (kind !== undefined && found?.kind !== kind)
      throw new Error(
        `hostPath type check failed: ${path} is not a ${kind === 'directory' ? 'directory' : kind === 'file' ? 'file' : `${kind} ${kind === 'socket' ? 'file' : 'device'}`}`,
      );
    // As container engines do: a bind mount needs something to bind.
    if (!found) await files.makeDirectory(path, 0o755);
    return path;
  }
}

/** All of a pod that its volumes may show. */
function basisOf({ metadata, spec, status }: Pod): string {
  if (!spec.volumes?.length) return '';
  return JSON.stringify([metadata.labels, metadata.annotations, status.podIPs, metadata.generation]);
}

/** What makes a volume's files, if they are made of the API server's objects. */
function pluginOf({ configMap, secret, downwardAPI, projected }: Volume): string | undefined {
  if (configMap) return 'configmap';
  if (secret) return 'secret';
  if (downwardAPI) return 'downward-api';
  return projected ? 'projected' : undefined;
}

/** As Kubernetes names them: `2026_01_02_03_04_05.000000006`. */
function generationName(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace(/[-T:]/g, '_')}.${String(ms % 1000).padStart(3, '0')}000000`;
}

function sameFiles(a: VolumeFiles, b: VolumeFiles): boolean {
  if (a.size !== b.size) return false;
  for (const [path, { data, mode }] of a) {
    const other = b.get(path);
    if (!other || other.mode !== mode || other.data.length !== data.length || !data.every((byte, i) => byte === other.data[i]))
      return false;
  }
  return true;
}
