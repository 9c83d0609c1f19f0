import { sortedJson } from '../runtime/sorted-json.ts';
import { isObject, type JsonObject } from '../runtime/values.ts';
import type { LooseObject } from './manifests.ts';

/** Where client-side apply keeps what it was given last. */
export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** The object with itself, as JSON, in the annotation. */
export function withLastApplied(object: LooseObject): LooseObject {
  const { [lastAppliedAnnotation]: _before, ...annotations } = object.metadata.annotations ?? {};
  const plain: LooseObject = { ...object, metadata: { ...object.metadata, annotations } };
  // A line break at its end, as kubectl's encoder writes one: two kubectls then see no difference.
  const text = `${sortedJson(plain)}\n`;
  return { ...plain, metadata: { ...plain.metadata, annotations: { ...annotations, [lastAppliedAnnotation]: text } } };
}

/** Undefined when the object was never applied, or the annotation cannot be read. */
export function lastApplied(object: LooseObject): JsonObject | undefined {
  const text = object.metadata.annotations?.[lastAppliedAnnotation];
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
