import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../../log/log.ts';
import { type Image, type ImageService, RuntimeError } from '../../cri.ts';
import { applyLayer } from './apply-layer.ts';
import { type ArchivedImage, readArchive } from './archive.ts';
import { HostImage } from './host-image.ts';
import type { ImageConfig, ImageRoot } from './image.ts';
import { mergedView } from './merged-view.ts';
import { canonicalName, familiarName, parseReference } from './reference.ts';

export interface ImageStoreOptions {
  /** The machine's state folder: images lie in `images/`, their layers in `layers/`. */
  readonly directory: string;
  /** What `gokube/host` must not show. */
  readonly hide: readonly string[];
  readonly logger: Logger;
}

/** What is kept of an image, as `images/<id>.json`. */
interface StoredImage {
  readonly id: string;
  /** In full: `docker.io/library/nginx:1.27`. */
  readonly names: readonly string[];
  readonly digests: readonly string[];
  readonly sizeBytes: number;
  /** Folders in `layers/`, lowest first. */
  readonly layers: readonly string[];
  readonly config: ImageConfig;
}

/** What is kept of a layer, as `layers/<name>.json` beside the folder `layers/<name>`. */
interface StoredLayer {
  readonly chainId: string;
  readonly sizeBytes: number;
}

/** A layer on its way into the store: `layers/<name>.new` until its image is whole. */
interface NewLayer extends StoredLayer {
  readonly name: string;
}

/**
 * The images of a machine, shared by its nodes. A layer is stored once for every stack it stands on (its chain id,
 * image-spec config.md), as the upper folder that overlayfs itself wrote: so whiteouts are in the form it reads.
 *
 * An image is either whole or not there: it is unpacked aside, layers are moved into place, and the image's file
 * comes last. Layers that no image and no container needs are removed.
 */
export class ImageStore implements ImageService {
  readonly #options: ImageStoreOptions;
  readonly #host: HostImage;
  readonly #images = new Map<string, StoredImage>();
  readonly #layers = new Map<string, StoredLayer>();
  /** Layers of removed images on which containers still stand. */
  readonly #inUse = new Map<string, readonly string[]>();
  #tail: Promise<unknown> = Promise.resolve();

  static async open(options: ImageStoreOptions): Promise<ImageStore> {
    const store = new ImageStore(options);
    await rm(store.#path('loading'), { recursive: true, force: true });
    for (const folder of ['images', 'layers/empty']) mkdirSync(store.#path(folder), { recursive: true });
    for (const file of readdirSync(store.#path('layers')).filter((name) => name.endsWith('.json')))
      store.#layers.set(file.slice(0, -5), JSON.parse(readFileSync(store.#path(`layers/${file}`), 'utf8')) as StoredLayer);
    for (const file of readdirSync(store.#path('images')).filter((name) => name.endsWith('.json'))) store.#read(file);
    await store.#collect();
    return store;
  }

  private constructor(options: ImageStoreOptions) {
    this.#options = options;
    this.#host = new HostImage({ hide: options.hide, node: process.execPath });
  }

  async listImages(): Promise<readonly Image[]> {
    return [this.#host.image, ...[...this.#images.values()].map(asImage)];
  }

  async imageStatus(reference: string): Promise<Image | undefined> {
    if (this.#host.answersTo(reference)) return this.#host.image;
    const stored = this.#find(reference);
    return stored && asImage(stored);
  }

  async pullImage(reference: string): Promise<string> {
    const image = await this.imageStatus(reference);
    if (image) return image.id;
    const name = familiarName(canonicalName(parseReference(reference)));
    throw new RuntimeError('ImageNotFound', `image "${name}" is not on this machine; load it from a file with: gokube image load FILE.tar`);
  }

  /** A name is taken off the image; with its last name, or by its id, the image goes. */
  removeImage(reference: string): Promise<void> {
    return this.#serially(async () => {
      if (this.#host.answersTo(reference)) throw new RuntimeError('InvalidArgument', `image "${reference}" is built in and stays`);
      const image = this.#find(reference);
      if (!image) return;
      const names = reference === image.id ? [] : image.names.filter((name) => name !== canonicalName(parseReference(reference)));
      if (names.length > 0) await this.#write({ ...image, names });
      else {
        this.#images.delete(image.id);
        await rm(this.#file(image.id), { force: true });
        await this.#collect();
      }
    });
  }

  async imageFsInfo(): ReturnType<ImageService['imageFsInfo']> {
    const { bsize, blocks, bavail } = await statfs(this.#options.directory);
    const usedBytes = [...this.#images.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return { usedBytes, capacityBytes: blocks * bsize, availableBytes: bavail * bsize };
  }

  /**
   * Loads every image of an archive (OCI layout or docker save, from a file or a stream); `name` is for one that
   * does not say its name. Throws RuntimeError `InvalidArgument` or `InvalidImageName`, and then nothing has changed.
   */
  load(source: string | AsyncIterable<Uint8Array>, name?: string): Promise<readonly Image[]> {
    return this.#serially(async () => {
      if (typeof source === 'string' && !existsSync(source)) throw new RuntimeError('InvalidArgument', `there is no file ${source}`);
      const folder = `loading/${randomBytes(6).toString('hex')}`;
      await mkdir(this.#path(folder), { recursive: true });
      try {
        const archived = await readArchive(typeof source === 'string' ? createReadStream(source) : source, this.#path(folder));
        const fresh = new Map<string, NewLayer>();
        const images: StoredImage[] = [];
        for (const image of archived) images.push(await this.#prepare(image, fresh, name));
        // From here on only moves within one file system.
        for (const layer of fresh.values()) await this.#addLayer(layer);
        for (const image of images) await this.#add(image);
        return images.map((image) => asImage(this.#images.get(image.id) ?? image));
      } catch (error) {
        // Noticed by whichever step wrote last, and wrapped in its words.
        const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
        if ((cause as NodeJS.ErrnoException).code === 'ENOSPC')
          throw new RuntimeError('InvalidArgument', `no room left in ${this.#options.directory}; nothing was loaded`, { cause: error });
        throw error;
      } finally {
        await rm(this.#path('loading'), { recursive: true, force: true });
        await this.#collect();
      }
    });
  }

  /** The image's root for one container, which keeps it until `release`. */
  async use(reference: string, container: string): Promise<ImageRoot> {
    if (this.#host.answersTo(reference)) return this.#host.root();
    const stored = this.#find(reference);
    if (!stored) throw new RuntimeError('ImageNotFound', `image "${reference}" is not on this machine`);
    this.#inUse.set(container, stored.layers);
    const layers = stored.layers.length > 0 ? stored.layers.toReversed() : ['empty'];
    return { image: asImage(stored), config: stored.config, layers, mounts: [], hidden: { folders: [], files: [] } };
  }

  release(container: string): void {
    if (!this.#inUse.delete(container)) return;
    void this.#serially(() => this.#collect()).catch((error: unknown) =>
      this.#options.logger.warn('image layers could not be removed', { error }),
    );
  }

  /** Unpacks the layers that are not there yet, each upon those below it. */
  async #prepare(image: ArchivedImage, fresh: Map<string, NewLayer>, name: string | undefined): Promise<StoredImage> {
    const given = image.names.length > 0 ? image.names : name === undefined ? [] : [name];
    const names = [...new Set(given.map((text) => canonicalName(parseReference(text))))];
    const layers: string[] = [];
    let chainId = '';
    let sizeBytes = 0;
    for (const [at, diffId] of image.config.rootfs.diff_ids.entries()) {
      chainId = chainId === '' ? diffId : sha256(`${chainId} ${diffId}`);
      let layer = this.#findLayer(chainId) ?? fresh.get(chainId);
      if (!layer) {
        const short = this.#nameFor(chainId);
        const below = layers.map((one) => (this.#layers.has(one) ? one : `${one}.new`)).reverse();
        const what = `layer ${at + 1} of ${image.names[0] ?? image.id}`;
        layer = {
          name: short,
          chainId,
          sizeBytes: await this.#unpack(image.layers[at] as string, `${short}.new`, below, { diffId, what }),
        };
        fresh.set(chainId, layer);
      }
      layers.push(layer.name);
      sizeBytes += layer.sizeBytes;
    }
    const digests = image.digest === undefined ? [] : names.map((full) => `${parseReference(full).repository}@${image.digest}`);
    return { id: image.id, names, digests, sizeBytes, layers, config: runConfig(image) };
  }

  #findLayer(chainId: string): NewLayer | undefined {
    for (const [name, layer] of this.#layers) if (layer.chainId === chainId) return { name, ...layer };
    return undefined;
  }

  /** Short, since all of an image's layers must fit into one mount option; longer where two would be the same. */
  #nameFor(chainId: string): string {
    for (let length = 8; ; length++) {
      const name = chainId.slice(7, 7 + length);
      if (!this.#layers.has(name) && !existsSync(this.#path(`layers/${name}.new`))) return name;
    }
  }

  async #addLayer({ name, ...layer }: NewLayer): Promise<void> {
    await writeFile(this.#path(`layers/${name}.json`), JSON.stringify(layer));
    await rename(this.#path(`layers/${name}.new`), this.#path(`layers/${name}`));
    this.#layers.set(name, layer);
  }

  async #unpack(file: string, folder: string, below: readonly string[], options: { diffId: string; what: string }): Promise<number> {
    await mkdir(this.#path(`layers/${folder}`));
    if (below.length === 0) return applyLayer(file, this.#path(`layers/${folder}`), options);
    const view = await mergedView(this.#path('layers'), below, folder);
    try {
      return await applyLayer(file, view.path, options);
    } finally {
      await view.close();
    }
  }

  /** A name belongs to one image: the one before loses it. */
  async #add(stored: StoredImage): Promise<void> {
    for (const other of this.#images.values()) {
      const left = other.names.filter((name) => !stored.names.includes(name));
      if (other.id !== stored.id && left.length < other.names.length) await this.#write({ ...other, names: left });
    }
    const before = this.#images.get(stored.id);
    const union = (a: readonly string[] = [], b: readonly string[] = []): string[] => [...new Set([...a, ...b])];
    await this.#write({ ...stored, names: union(before?.names, stored.names), digests: union(before?.digests, stored.digests) });
  }

  async #write(image: StoredImage): Promise<void> {
    const file = this.#file(image.id);
    await writeFile(`${file}.new`, JSON.stringify(image));
    await rename(`${file}.new`, file);
    this.#images.set(image.id, image);
  }

  #read(file: string): void {
    try {
      const image = JSON.parse(readFileSync(this.#path(`images/${file}`), 'utf8')) as StoredImage;
      const missing = image.layers.find((layer) => !existsSync(this.#path(`layers/${layer}`)));
      if (missing !== undefined) throw new Error(`its layer ${missing} is missing`);
      this.#images.set(image.id, image);
    } catch (error) {
      this.#options.logger.warn(`the image in images/${file} cannot be used; load it again`, { error });
    }
  }

  async #collect(): Promise<void> {
    const needed = new Set([
      'empty',
      ...[...this.#images.values(), ...[...this.#inUse.values()].map((layers) => ({ layers }))].flatMap(({ layers }) => layers),
    ]);
    for (const name of readdirSync(this.#path('layers'))) {
      if (needed.has(name.replace(/\.json$/, ''))) continue;
      this.#layers.delete(name);
      await rm(this.#path(`layers/${name}`), { recursive: true, force: true });
    }
  }

  #find(reference: string): StoredImage | undefined {
    const byId = this.#images.get(reference);
    if (byId) return byId;
    if (/^sha256:[0-9a-f]{64}$/.test(reference)) return undefined;
    const wanted = parseReference(reference);
    const name = canonicalName(wanted);
    for (const image of this.#images.values()) if (image.names.includes(name) || image.digests.includes(name)) return image;
    return undefined;
  }

  #file(id: string): string {
    return this.#path(`images/${id.slice(7)}.json`);
  }
  #path(name: string): string {
    return join(this.#options.directory, name);
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => {});
    return result;
  }
}

function asImage({ id, names, digests, sizeBytes, config }: StoredImage): Image {
  const user = config.user.split(':')[0] ?? '';
  return {
    id,
    tags: names.map(familiarName),
    digests: digests.map(familiarName),
    sizeBytes,
    ...(user === '' ? {} : { user: /^\d+$/.test(user) ? { uid: Number(user) } : { name: user } }),
  };
}

function runConfig({ config: { config } }: ArchivedImage): ImageConfig {
  return {
    entrypoint: config?.Entrypoint ?? [],
    command: config?.Cmd ?? [],
    environment: config?.Env ?? [],
    workingDir: config?.WorkingDir ?? '',
    user: config?.User ?? '',
    ...(config?.StopSignal ? { stopSignal: config.StopSignal } : {}),
  };
}

function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
