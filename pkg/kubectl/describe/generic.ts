import type { KubeObject } from '../../api/object.ts';
import { isObject } from '../../runtime/values.ts';
import { describeLabels, describeMetadata } from './common.ts';
import type { Lines } from './lines.ts';

/** Any object, field by field: names spread into words, keys in order. */
export async function describeGeneric(object: KubeObject, lines: Lines): Promise<void> {
  describeMetadata(object, lines);
  describeLabels(object, lines);
  lines.field('API Version', object.apiVersion);
  lines.field('Kind', object.kind);
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = object as KubeObject & Record<string, unknown>;
  const { name: _name, namespace: _namespace, labels: _labels, annotations: _annotations, managedFields: _owned, ...facts } = metadata;
  lines.write(0, 'Metadata:');
  describeFields(facts as Record<string, unknown>, lines, 1);
  describeFields(rest, lines, 0);
}

function describeFields(fields: Readonly<Record<string, unknown>>, lines: Lines, level: number): void {
  for (const key of Object.keys(fields).sort()) {
    const value = fields[key];
    const name = inWords(key);
    if (Array.isArray(value)) {
      lines.write(level, `${name}:`);
      for (const item of value) {
        if (isObject(item)) describeFields(item, lines, level + 1);
        else lines.write(level + 1, String(item));
      }
    } else if (isObject(value)) {
      if (Object.keys(value).length === 0) continue;
      lines.write(level, `${name}:`);
      describeFields(value, lines, level + 1);
    } else lines.field(name, value === null ? '<nil>' : String(value), level);
  }
}

/** `creationTimestamp` → `Creation Timestamp`, `podCIDR` → `Pod CIDR`; what is no field's name stays. */
function inWords(key: string): string {
  if (!/^[a-z][A-Za-z0-9]*$/.test(key)) return key;
  const words = key.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[A-Z]+/g) ?? [key];
  const acronyms = new Set(['api', 'uid', 'url', 'ip', 'cidr', 'dns', 'tls', 'id', 'acl', 'cpu', 'http', 'https', 'os']);
  return words
    .map((word) => (acronyms.has(word.toLowerCase()) ? word.toUpperCase() : (word[0] as string).toUpperCase() + word.slice(1)))
    .join(' ');
}
