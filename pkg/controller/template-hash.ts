import type { PodTemplateSpec } from '../api/generated/core-v1.ts';

/** The label that tells one template's pods from another's. */
export const templateHashLabel = 'pod-template-hash';

/**
 * A short name for a template, stable over restarts: FNV-1a of its JSON with sorted fields, in the alphabet of
 * generated names. `collisionCount` gives another one, for when two templates meet in one name.
 */
export function templateHash(template: unknown, collisionCount = 0): string {
  const text = `${canonical(template)}${collisionCount > 0 ? collisionCount : ''}`;
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  return [...String(hash >>> 0)].map((digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join('');
}

/** The value with its fields in order, as Go's encoder writes maps. */
export function inOrder(value: unknown): unknown {
  return JSON.parse(canonical(value));
}

/** JSON in which the order of fields does not count, and undefined is absence. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}

/** The template as it was before the hash was put on it. */
export function withoutTemplateHash(template: PodTemplateSpec): PodTemplateSpec {
  if (template.metadata.labels?.[templateHashLabel] === undefined) return template;
  const { [templateHashLabel]: _, ...labels } = template.metadata.labels;
  return { ...template, metadata: { ...template.metadata, labels } };
}
