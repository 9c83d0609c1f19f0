import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, globSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

/** Folders that others may write to, with the sticky bit. */
const openFolders: ReadonlySet<string> = new Set(['/tmp', '/var/tmp']);

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

  /** The image for one container; `covers`, a folder of that container's, keeps what it puts into the hidden folders. */
  root(covers: string): ImageRoot {
    const cover = (path: string): string => join(covers, path.slice(1).replaceAll('/', '.'));
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
      mounts: [
        ...this.#folders.map((path) => ({ containerPath: path, hostPath: cover(path), readonly: false })),
        { containerPath: '/opt/gokube/bin/node', hostPath: this.#options.node, readonly: true },
      ],
      prepare: (upper) => {
        for (const path of this.#folders) {
          mkdirSync(cover(path), { recursive: true });
          const { uid, gid, mode } = statSync(path);
          chownSync(cover(path), uid, gid);
          chmodSync(cover(path), openFolders.has(path) ? 0o1777 : mode & 0o7777);
        }
        for (const path of this.#files) {
          copyFolders(upper, dirname(path));
          writeFileSync(join(upper, path), '', { mode: 0o600 });
        }
      },
    };
  }
}

/** The folders above a file, with the owners and modes of the machine's: a merged folder shows its upper half's. */
function copyFolders(upper: string, folder: string): void {
  let path = '';
  for (const part of folder.split('/').filter(Boolean)) {
    path += `/${part}`;
    const target = join(upper, path);
    if (existsSync(target)) continue;
    mkdirSync(target);
    const { uid, gid, mode } = statSync(path);
    chownSync(target, uid, gid);
    chmodSync(target, mode & 0o7777);
  }
}
