import type { Container, Pod } from '../api/generated/core-v1.ts';
import { type Image, isRuntimeError, type RegistryAuth } from '../cri/cri.ts';
import { CrashBackoff } from './crash-backoff.ts';
import { messageOf, unlessAborted } from './deadline.ts';
import type { KubeletContext } from './kubelet-context.ts';
import { StartFailure } from './start-failure.ts';

/**
 * Sees to it that a container's image is there, by its pull policy. One pull of an image at a time, shared by all
 * who wait for it; failures back off by pod and image. A pull goes on when those who waited have gone.
 */
export class ImageManager {
  readonly #context: KubeletContext;
  readonly #backoff = new CrashBackoff();
  readonly #failedAt = new Map<string, { at: number; reason: string; message: string }>();
  readonly #pulls = new Map<string, Promise<string>>();

  constructor(context: KubeletContext) {
    this.#context = context;
  }

  /** Throws StartFailure: ErrImagePull, ImagePullBackOff, ErrImageNeverPull, InvalidImageName. */
  async ensure(
    pod: Pod,
    container: Pick<Container, 'name' | 'image' | 'imagePullPolicy'>,
    auth: readonly RegistryAuth[],
    signal: AbortSignal,
  ): Promise<Image> {
    const { clock, events, images } = this.#context;
    const reference = container.image ?? '';
    const policy = container.imagePullPolicy ?? (/(:latest|\/[^:@]*|^[^:@/]*)$/.test(reference) ? 'Always' : 'IfNotPresent');
    const present = await images.imageStatus(reference);
    if (present && policy !== 'Always') {
      events.event(pod, 'Normal', 'Pulled', `Container image "${reference}" already present on machine`);
      return present;
    }
    if (policy === 'Never') {
      events.event(pod, 'Warning', 'ErrImageNeverPull', `Container image "${reference}" is not present with pull policy of Never`);
      throw new StartFailure('ErrImageNeverPull', `Container image "${reference}" is not present with pull policy of Never`);
    }
    const key = `${pod.metadata.uid}/${reference}`;
    const failed = this.#failedAt.get(key);
    const wait = failed ? this.#backoff.remaining(key, failed.at, clock.now()) : 0;
    if (failed && wait > 0) {
      events.event(pod, 'Normal', 'BackOff', `Back-off pulling image "${reference}"`);
      // What is wrong with the name does not get better; its own reason says more.
      if (failed.reason === 'InvalidImageName') throw new StartFailure(failed.reason, failed.message, wait);
      throw new StartFailure('ImagePullBackOff', `Back-off pulling image "${reference}": ${failed.reason}: ${failed.message}`, wait);
    }
    events.event(pod, 'Normal', 'Pulling', `Pulling image "${reference}"`);
    const started = clock.monotonic();
    try {
      const id = await unlessAborted(signal, this.#pull(reference, auth));
      const took = ((clock.monotonic() - started) / 1000).toFixed(3).replace(/\.?0+$/, '');
      const image = (await images.imageStatus(id)) ?? (await images.imageStatus(reference));
      if (!image) throw new Error(`image "${reference}" was pulled, but is not there`);
      this.#failedAt.delete(key);
      events.event(
        pod,
        'Normal',
        'Pulled',
        `Successfully pulled image "${reference}" in ${took}s (${took}s including waiting). Image size: ${image.sizeBytes} bytes.`,
      );
      return image;
    } catch (error) {
      if (signal.aborted) throw error;
      const message = messageOf(error);
      const reason = isRuntimeError(error, 'InvalidImageName') ? 'InvalidImageName' : 'ErrImagePull';
      const now = clock.now();
      this.#backoff.next(key, failed?.at ?? now, now);
      this.#failedAt.set(key, { at: now, reason, message });
      events.event(pod, 'Warning', 'Failed', `Failed to pull image "${reference}": ${message}`);
      throw new StartFailure(reason, message, this.#backoff.remaining(key, now, now));
    }
  }

  forget(uid: string): void {
    this.#backoff.forget(`${uid}/`);
    for (const key of this.#failedAt.keys()) if (key.startsWith(`${uid}/`)) this.#failedAt.delete(key);
  }

  #pull(reference: string, auth: readonly RegistryAuth[]): Promise<string> {
    let pull = this.#pulls.get(reference);
    if (!pull) {
      pull = this.#pullWith(reference, auth).finally(() => this.#pulls.delete(reference));
      // Those who wait see the failure; nobody may be left.
      pull.catch(() => undefined);
      this.#pulls.set(reference, pull);
    }
    return pull;
  }

  /** With each credential that fits in turn, then the last one's failure. */
  async #pullWith(reference: string, auth: readonly RegistryAuth[]): Promise<string> {
    for (const credential of auth.slice(0, -1)) {
      try {
        return await this.#context.images.pullImage(reference, credential);
      } catch (error) {
        this.#context.log.info('a credential did not fetch the image', { image: reference, error });
      }
    }
    return this.#context.images.pullImage(reference, auth.at(-1));
  }
}
