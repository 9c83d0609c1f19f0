import { ApiError } from '../../api/errors.ts';
import type { WebhookClientConfig } from '../../api/generated/apiextensions-v1.ts';
import { apiVersionOf, deepFreeze, type KubeObject } from '../../api/object.ts';
import { type Random, uuid } from '../../clock/random.ts';
import { encodeJson } from '../../runtime/encode.ts';
import { parseJson } from '../../runtime/json.ts';
import { copyValue } from '../../runtime/values.ts';
import type { Entry } from '../contract.ts';
import { kube, type Raw, raw } from '../raw.ts';
import type { StoredEntry } from '../stored-entry.ts';
import type { WebhookDialer } from '../webhook-dialer.ts';
import { convertedObjects, reviewBody, reviewVersion } from './conversion-review.ts';
import type { CustomFormat } from './custom-format.ts';
import { type CustomVersion, ShownEntry, type VersionRef } from './custom-version.ts';

export interface ConversionWebhook {
  readonly dialer: WebhookDialer | undefined;
  readonly random: Random;
  readonly client: WebhookClientConfig;
  readonly reviewVersions: readonly string[];
}

const decoder = new TextDecoder();

/** Has objects turned into another version, all in one call. The answers are the caller's, in order. */
export async function convertBy(
  webhook: ConversionWebhook,
  objects: readonly KubeObject[],
  desiredAPIVersion: string,
): Promise<KubeObject[]> {
  const { dialer, client, random, reviewVersions } = webhook;
  const review = { apiVersion: reviewVersion(reviewVersions), uid: uuid(random), desiredAPIVersion, objects };
  try {
    if (!dialer) throw new Error('this API server has no way to reach webhooks');
    const answer = await dialer.post(client, encodeJson(reviewBody(review)));
    return convertedObjects(parseJson(decoder.decode(answer)).value, review);
  } catch (error) {
    const { apiVersion, kind } = objects[0] as KubeObject;
    const why = error instanceof Error ? error.message : String(error);
    // Kubernetes gives no reason either: it is not the client's fault, and not this server's.
    throw new ApiError('Unknown', `conversion webhook for ${apiVersion}, Kind=${kind} ${/^returned /.test(why) ? why : `failed: ${why}`}`, {
      code: 500,
      cause: error,
    });
  }
}

/** Conversion `Webhook`: somebody else knows how the versions of an object differ. Asked once for each entry. */
export function webhookVersion(format: CustomFormat, ref: VersionRef, webhook: ConversionWebhook): CustomVersion {
  const apiVersion = apiVersionOf(ref);
  const shown = new WeakMap<StoredEntry, Entry>();
  const asked = new WeakMap<StoredEntry, Promise<void>>();

  const convert = async (entries: readonly StoredEntry[]): Promise<void> => {
    const objects = await convertBy(
      webhook,
      entries.map(({ object }) => object),
      apiVersion,
    );
    for (const [i, entry] of entries.entries()) shown.set(entry, new ShownEntry(entry, deepFreeze(objects[i] as KubeObject)));
  };
  const prepare = async (entries: readonly StoredEntry[]): Promise<void> => {
    const missing = new Set<StoredEntry>();
    const waiting = new Set<Promise<void>>();
    for (const entry of entries) {
      if (shown.has(entry)) continue;
      const { object } = entry;
      const pending = asked.get(entry);
      if (object.apiVersion === apiVersion) shown.set(entry, format.isAsStored(object) ? entry : new ShownEntry(entry, object));
      else if (pending) waiting.add(pending);
      else missing.add(entry);
    }
    if (missing.size > 0) {
      const list = [...missing];
      // A failure is told to those who wait now; whoever comes later asks again.
      const call = convert(list).finally(() => {
        for (const entry of list) asked.delete(entry);
      });
      for (const entry of list) asked.set(entry, call);
      waiting.add(call);
    }
    await Promise.all(waiting);
  };
  return {
    prepare,
    view: (entry) => shown.get(entry) as Entry,
    async live(entry) {
      await prepare([entry]);
      return (shown.get(entry) as Entry).object;
    },
    async stored(object: Raw) {
      if (object['apiVersion'] === format.apiVersion) return object;
      const [converted] = await convertBy(webhook, [kube(object)], format.apiVersion);
      return copyValue(raw(converted as KubeObject)) as Raw;
    },
    outdated: (entry) => entry.object.apiVersion !== format.apiVersion || !format.isAsStored(entry.object),
  };
}
