import type { Clock } from '../../clock/clock.ts';
import { type Image, type ImageService, RuntimeError } from '../cri.ts';
import { type FakeBehavior, parseDuration } from './behavior.ts';

/** What is known about an image, by the reference that pods use. */
export interface FakeImage {
  readonly behavior?: FakeBehavior;
  /** Milliseconds. */
  readonly pullDelay?: number;
  readonly sizeBytes?: number;
  readonly user?: Image['user'];
  /** The image's entrypoint, in front of a container's arguments. */
  readonly entrypoint?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Every image can be pulled, unless its name says otherwise: one under `missing/` is not there, one under `broken/`
 * fails on the way, one under `slow-30s/` takes that long.
 */
export class FakeImages implements ImageService {
  readonly #clock: Clock;
  readonly #known: Readonly<Record<string, FakeImage>>;
  readonly #present = new Map<string, Image>();
  available = true;

  constructor(clock: Clock, known: Readonly<Record<string, FakeImage>>) {
    this.#clock = clock;
    this.#known = known;
  }

  /** What the runtime was told about the image, by name or by the name without its tag. */
  facts(reference: string): FakeImage {
    const tag = tagOf(reference);
    return this.#known[reference] ?? this.#known[tag] ?? this.#known[tag.replace(/:[^/:]*$/, '')] ?? {};
  }

  async listImages(): Promise<readonly Image[]> {
    this.#check();
    return [...this.#present.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async imageStatus(reference: string): Promise<Image | undefined> {
    this.#check();
    return this.#present.get(reference) ?? this.#present.get(idOf(reference));
  }

  async pullImage(reference: string): Promise<string> {
    this.#check();
    if (!/^[a-z0-9]+([._:/@-]+[A-Za-z0-9]+)*$/.test(reference)) {
      throw new RuntimeError('InvalidImageName', `couldn't parse image name "${reference}": invalid reference format`);
    }
    const { pullDelay, sizeBytes = 10_000_000, user } = this.facts(reference);
    const slow = /(?:^|\/)slow-([0-9a-z.]+)\//.exec(reference);
    const delay = pullDelay ?? (slow ? parseDuration(slow[1] as string) : undefined) ?? 0;
    if (delay > 0) await this.#clock.sleep(delay);
    this.#check();
    if (/(^|\/)missing\//.test(reference)) {
      throw new RuntimeError('ImageNotFound', `failed to resolve reference "${tagOf(reference)}": ${tagOf(reference)}: not found`);
    }
    if (/(^|\/)broken\//.test(reference)) {
      throw new RuntimeError('ImagePullFailed', `failed to pull image "${reference}": the registry closed the connection`);
    }
    const id = idOf(reference);
    const tags = [...new Set([...(this.#present.get(id)?.tags ?? []), tagOf(reference)])].sort();
    this.#present.set(id, {
      id,
      tags,
      digests: [`${tagOf(reference).replace(/:[^/:]*$/, '')}@${id}`],
      sizeBytes,
      ...(user ? { user } : {}),
    });
    return id;
  }

  async removeImage(reference: string): Promise<void> {
    this.#check();
    this.#present.delete(reference);
    this.#present.delete(idOf(reference));
  }

  async imageFsInfo(): Promise<{ readonly usedBytes: number; readonly capacityBytes: number; readonly availableBytes: number }> {
    this.#check();
    const capacityBytes = 100 * 2 ** 30;
    const usedBytes = [...this.#present.values()].reduce((sum, image) => sum + image.sizeBytes, 0);
    return { usedBytes, capacityBytes, availableBytes: capacityBytes - usedBytes };
  }

  #check(): void {
    if (!this.available) throw new RuntimeError('Unavailable', 'the machine is off');
  }
}

/** With the tag that is meant when none is written. */
function tagOf(reference: string): string {
  return /[:@][^/]*$/.test(reference) ? reference : `${reference}:latest`;
}

/** 64 hexadecimal digits that depend on the name alone, so that every node knows an image by the same id. */
function idOf(reference: string): string {
  if (reference.startsWith('sha256:')) return reference;
  const name = tagOf(reference);
  let hex = '';
  for (let part = 0; part < 8; part++) {
    let hash = 0x811c9dc5 ^ part;
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    hex += ((hash ^ (hash >>> 15)) >>> 0).toString(16).padStart(8, '0');
  }
  return `sha256:${hex}`;
}
