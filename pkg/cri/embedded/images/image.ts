import type { Image, Mount } from '../../cri.ts';

/** What an image says about running it (OCI image-spec, config.md). */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** `NAME=value` */
  readonly environment: readonly string[];
  readonly workingDir: string;
  /** `user`, `uid`, `user:group`, `uid:gid` or empty. */
  readonly user: string;
  readonly stopSignal?: string;
}

/** An image as a container's root file system is made from it. */
export interface ImageRoot {
  readonly image: Image;
  readonly config: ImageConfig;
  /** Overlay's lower folders, uppermost first: absolute, or relative to the folder `layers` of the machine's state. */
  readonly layers: readonly string[];
  /** Mounts that the image itself brings. */
  readonly mounts: readonly Mount[];
  /** What of the layers a container must not see: empty ones take the place of these. */
  readonly hidden: { readonly folders: readonly string[]; readonly files: readonly string[] };
}
