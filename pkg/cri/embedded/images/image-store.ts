import { statfs } from 'node:fs/promises';
import type { Logger } from '../../../log/log.ts';
import { type Image, type ImageService, RuntimeError } from '../../cri.ts';
import { hostImage, hostImageName, hostImageRoot } from './host-image.ts';
import type { ImageRoot } from './image.ts';
import { canonicalName, familiarName, parseReference } from './reference.ts';

export interface ImageStoreOptions {
  readonly directory: string;
  /** What `gokube/host` must not show. */
  readonly hide: readonly string[];
  readonly logger: Logger;
}

export class ImageStore implements ImageService {
  readonly #options: ImageStoreOptions;

  static async open(options: ImageStoreOptions): Promise<ImageStore> {
    return new ImageStore(options);
  }
  private constructor(options: ImageStoreOptions) {
    this.#options = options;
  }

  async listImages(): Promise<readonly Image[]> {
    return [hostImage()];
  }
  async imageStatus(reference: string): Promise<Image | undefined> {
    if (reference === hostImage().id || parseReference(reference).repository === `docker.io/${hostImageName}`) return hostImage();
    return undefined;
  }
  async pullImage(reference: string): Promise<string> {
    const image = await this.imageStatus(reference);
    if (image) return image.id;
    const name = familiarName(canonicalName(parseReference(reference)));
    throw new RuntimeError('ImageNotFound', `image "${name}" is not on this machine; load it from a file with: gokube image load FILE.tar`);
  }
  async removeImage(_reference: string): Promise<void> {}
  async imageFsInfo(): ReturnType<ImageService['imageFsInfo']> {
    const { bsize, blocks, bavail, bfree } = await statfs(this.#options.directory);
    return { usedBytes: (blocks - bfree) * bsize, capacityBytes: blocks * bsize, availableBytes: bavail * bsize };
  }
  /** The image's root for one container, which keeps it until `release`. */
  async use(reference: string, _container: string, covers: string): Promise<ImageRoot> {
    const image = await this.imageStatus(reference);
    if (!image) throw new RuntimeError('ImageNotFound', `image "${reference}" is not on this machine`);
    return hostImageRoot({ hide: this.#options.hide, covers, node: process.execPath });
  }
  release(_container: string): void {}
}
