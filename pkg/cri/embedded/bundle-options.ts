import type { ContainerConfig, Mount } from '../cri.ts';
import type { ImageRoot } from './images/image.ts';
import type { Toolkit } from './toolkit.ts';

/** What a container is made of; plain data, on its way to the helper. */
export interface BundleOptions {
  /** The machine's state folder; all other paths here are relative to it. */
  readonly directory: string;
  readonly folder: string;
  readonly config: ContainerConfig;
  readonly image: ImageRoot;
  readonly toolkit: Toolkit;
  readonly hostname: string;
  /** What a pod gives each of its containers unless the container mounts something else there. */
  readonly podMounts: readonly Mount[];
  /** Absolute: what /dev/shm shows. */
  readonly shm: string;
  readonly cgroupProcs: readonly string[];
  /** Folders to show at /sys/fs/cgroup: name within it (empty for cgroup v2) and folder. */
  readonly cgroupView: readonly (readonly [name: string, folder: string])[];
  readonly pid: 'container' | 'pod' | 'node';
  /** Kernel 5.10 and later: what a container wrote need not be flushed when it ends. */
  readonly volatileOverlay: boolean;
}

/** What an exec in this container needs to know. */
export interface Bundle {
  readonly script: string;
  readonly propagation: 'private' | 'slave';
  readonly environment: readonly { readonly name: string; readonly value: string }[];
  readonly workingDir: string;
  readonly boundingSet: string;
}
