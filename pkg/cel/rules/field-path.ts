/** A rule's `fieldPath`: `.spec.name`, `.labels['a.b']`, checked against the schema. */
import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import { isSchema } from '../types/schema-type.ts';

/** As causes write it, without a leading dot; undefined: no such field. */
export function resolveFieldPath(path: string, schema: JSONSchemaProps): string | undefined {
  let rest = path;
  let current = schema;
  let resolved = '';
  while (rest !== '') {
    const step = /^(?:\.([^.[\]]+)|\['((?:[^'\\]|\\.)*)'\])/.exec(rest);
    if (!step) return undefined;
    const name = step[1] ?? unescaped(step[2] ?? '');
    if (name === undefined) return undefined;
    rest = rest.slice(step[0].length);
    if (current.properties !== undefined) {
      const next = Object.hasOwn(current.properties, name) ? current.properties[name] : undefined;
      if (!next) return undefined;
      resolved += resolved === '' ? name : `.${name}`;
      current = next;
    } else if (isSchema(current.additionalProperties)) {
      resolved += `[${name}]`;
      current = current.additionalProperties;
    } else {
      return undefined;
    }
  }
  return resolved === '' ? undefined : resolved;
}

const escapes: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', "'": "'", '\\': '\\' };

function unescaped(text: string): string | undefined {
  const known = [...text.matchAll(/\\(.)/gs)].every(([, char]) => Object.hasOwn(escapes, char ?? ''));
  return known ? text.replace(/\\(.)/gs, (_, char: string) => escapes[char] as string) : undefined;
}
