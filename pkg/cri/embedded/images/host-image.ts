import { createHash } from 'node:crypto';
import { globSync, statSync } from 'node:fs';
import type { Image } from '../../cri.ts';
import type { ImageRoot } from './image.ts';
import { parseReference } from './reference.ts';

/** The image that is always there, with any tag: the machine's own root file system, read and never written. */
export const hostImageName = 'gokube/host';

/** Homes, run-time state, and where services keep what is nobody else's business. An empty folder takes their place. */
const hiddenFolders = [
  '/root',
  '/home',
  '/tmp',
  '/var/tmp',
  '/run',
  '/mnt',
  '/media',
  '/var/backups',
  '/var/log',
  '/var/mail',
  '/var/spool',
  '/etc/ssl/private',
  '/etc/kubernetes',
  '/etc/rancher',
  '/var/lib/containerd',
  '/var/lib/docker',
  '/var/lib/etcd',
  '/var/lib/kubelet',
  '/var/lib/rancher',
  '/var/lib/gokube',
];
/** Secrets that lie among files a program needs. An empty file takes their place. */
const hiddenFiles = ['/etc/shadow', '/etc/shadow-', '/etc/gshadow', '/etc/gshadow-', '/etc/sudoers', '/etc/krb5.keytab'];
const hiddenGlobs = ['/etc/ssh/ssh_host_*_key', '/etc/*.key', '/etc/sudoers.d/*'];

export interface HostImageOptions {
  /** More to hide: the cluster's data folder, a kubeconfig. Files or folders, absolute. */
  readonly hide: readonly string[];
  /** A Node.js binary that the pods may use: it appears as /opt/gokube/bin/node, last in PATH. */
  readonly node: string;
}

export class HostImage {
  readonly image: Image = {
    id: `sha256:${createHash('sha256').update(hostImageName).digest('hex')}`,
    tags: [`${hostImageName}:latest`],
    digests: [],
    sizeBytes: 0,
  };
  readonly #options: HostImageOptions;
  readonly #folders: readonly string[];
  readonly #files: readonly string[];

  /** Looks once what there is to hide. */
  constructor(options: HostImageOptions) {
    this.#options = options;
    const folders: string[] = [];
    const files: string[] = [];
    for (const path of [...hiddenFolders, ...hiddenFiles, ...globSync(hiddenGlobs), ...options.hide]) {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat?.isDirectory()) folders.push(path);
      else if (stat?.isFile()) files.push(path);
    }
    // Within a hidden folder there is nothing left to hide.
    this.#folders = [...new Set(folders.filter((path) => !folders.some((other) => path !== other && path.startsWith(`${other}/`))))];
    this.#files = [...new Set(files.filter((path) => !this.#folders.some((folder) => path.startsWith(`${folder}/`))))];
  }

  answersTo(reference: string): boolean {
    return reference === this.image.id || parseReference(reference).repository === `docker.io/${hostImageName}`;
  }

  root(): ImageRoot {
    return {
      image: this.image,
      config: {
        entrypoint: [],
        command: ['/bin/sh'],
        environment: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/gokube/bin'],
        workingDir: '/',
        user: '',
      },
      layers: ['/'],
      mounts: [{ containerPath: '/opt/gokube/bin/node', hostPath: this.#options.node, readonly: true }],
      hidden: { folders: this.#folders, files: this.#files },
    };
  }
}
