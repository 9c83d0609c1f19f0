/**
 * What a conversion webhook is asked, and what may come back. Pure.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#webhook-conversion
 */
import type { KubeObject } from '../../api/object.ts';
import { isObject, metadataOf, objectAt, type Raw, raw, text } from '../raw.ts';

export interface Review {
  readonly apiVersion: string;
  readonly uid: string;
  readonly desiredAPIVersion: string;
  readonly objects: readonly KubeObject[];
}

/** The versions of ConversionReview that this server speaks; they say the same. */
const spoken = ['v1', 'v1beta1'];

/** The apiVersion of the review: the first that the webhook prefers and this server speaks. */
export function reviewVersion(preferred: readonly string[]): string {
  return `apiextensions.k8s.io/${preferred.find((version) => spoken.includes(version)) ?? 'v1'}`;
}

export function reviewBody({ apiVersion, uid, desiredAPIVersion, objects }: Review): object {
  return { kind: 'ConversionReview', apiVersion, request: { uid, desiredAPIVersion, objects } };
}

/** The converted objects, in the order in which they were sent. Throws a plain error that says what is wrong with the answer. */
export function convertedObjects(answer: unknown, review: Review): KubeObject[] {
  const { apiVersion, kind, response } = objectAt(answer);
  if (apiVersion !== review.apiVersion || kind !== 'ConversionReview') {
    const expected = `${review.apiVersion}, Kind=ConversionReview`;
    throw new Error(`expected webhook response of ${expected}, got ${text(apiVersion)}, Kind=${text(kind)}`);
  }
  if (!isObject(response)) throw new Error('no response provided');
  if (response['uid'] !== review.uid) {
    throw new Error(`expected response.uid=${JSON.stringify(review.uid)}, got ${JSON.stringify(text(response['uid']))}`);
  }
  const result = objectAt(response['result']);
  if (result['status'] !== 'Success') throw new Error(text(result['message']) || text(result['reason']) || 'unknown reason');
  const objects = Array.isArray(response['convertedObjects']) ? response['convertedObjects'] : [];
  if (objects.length !== review.objects.length) {
    throw new Error(`returned ${objects.length} objects, expected ${review.objects.length}`);
  }
  return review.objects.map((original, i) => accept(original, objects[i], { ...review, index: i }));
}

/** Of the metadata, a conversion changes labels and annotations alone. */
function accept(original: KubeObject, converted: unknown, at: { desiredAPIVersion: string; index: number }): KubeObject {
  const invalid = (why: string): Error => new Error(`returned invalid converted object at index ${at.index}: ${why}`);
  if (!isObject(converted)) throw invalid('it is no object');
  if (converted['apiVersion'] !== at.desiredAPIVersion) {
    throw invalid(`invalid groupVersion (expected ${at.desiredAPIVersion}, received ${text(converted['apiVersion'])})`);
  }
  if (converted['kind'] !== original.kind) throw invalid(`invalid kind (expected ${original.kind}, received ${text(converted['kind'])})`);
  const metadata = converted['metadata'];
  if (!isObject(metadata)) throw new Error(`returned invalid metadata in object at index ${at.index}: missing metadata`);
  const before = metadataOf(raw(original));
  for (const field of ['name', 'namespace', 'uid']) {
    const [was, is] = [text(before[field]), text(metadata[field])];
    if (was !== is) throw invalid(`must have the same ${field === 'uid' ? 'UID' : field}: ${was} != ${is}`);
  }
  const { labels: _labels, annotations: _annotations, ...kept } = before;
  return {
    ...converted,
    metadata: { ...kept, ...texts(metadata, 'labels', at.index), ...texts(metadata, 'annotations', at.index) },
  } as unknown as KubeObject;
}

function texts(metadata: Raw, field: string, index: number): Raw {
  const value = metadata[field];
  if (value === undefined || value === null) return {};
  if (!isObject(value) || !Object.values(value).every((each) => typeof each === 'string')) {
    throw new Error(`returned invalid metadata in object at index ${index}: metadata.${field} is no map of texts`);
  }
  return { [field]: value };
}
