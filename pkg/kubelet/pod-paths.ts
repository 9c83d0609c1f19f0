import type { Pod } from '../api/generated/core-v1.ts';

/**
 * Where a pod's files are on the node, laid out as Kubernetes lays them out below the kubelet's directory:
 * `pods/UID/volumes/kubernetes.io~configmap/NAME`, `pods/UID/containers/NAME/...`, `logs/NAMESPACE_NAME_UID/NAME/0.log`.
 */
export class PodPaths {
  readonly root: string;
  /** On a file system in memory, where the node has one: what secrets hold is never to reach a disk. */
  readonly secretRoot: string;

  constructor(root: string, secretRoot = root) {
    this.root = root;
    this.secretRoot = secretRoot;
  }

  get pods(): string {
    return `${this.root}/pods`;
  }
  get logs(): string {
    return `${this.root}/logs`;
  }
  pod(uid: string): string {
    return `${this.pods}/${uid}`;
  }
  /** Where the pod's volumes are, on disk and in memory. */
  volumes(uid: string): readonly string[] {
    return [...new Set([this.root, this.secretRoot])].map((root) => `${root}/pods/${uid}/volumes`);
  }
  /** `plugin` as in `configmap`, `empty-dir`. */
  volume(uid: string, plugin: string, name: string): string {
    const root = plugin === 'secret' || plugin === 'projected' ? this.secretRoot : this.root;
    return `${root}/pods/${uid}/volumes/kubernetes.io~${plugin}/${name}`;
  }
  etcHosts(uid: string): string {
    return `${this.pod(uid)}/etc-hosts`;
  }
  /** One file for each attempt, so that an earlier one's last words are not lost. */
  terminationLog(uid: string, container: string, attempt: number): string {
    return `${this.pod(uid)}/containers/${container}/${attempt}`;
  }
  podLogs(pod: Pod): string {
    const { namespace = '', name, uid } = pod.metadata;
    return `${this.logs}/${namespace}_${name}_${uid}`;
  }
  /** The uid in the name of a log directory. */
  uidOfLogs(directory: string): string {
    return directory.slice(directory.lastIndexOf('_') + 1);
  }
}

/** As the kubelet's messages name a pod: `web_default(uid)`. */
export function podLabel(pod: Pod): string {
  return `${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid})`;
}
