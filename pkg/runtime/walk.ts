/** Visits the values of named types in an object: what validators hang on. */
import type { Schema } from './schema.ts';
import { isObject, type JsonObject } from './values.ts';

/**
 * `definition`: the type's name; `path` as in error messages: `spec.template.spec.containers[0]`, empty at the top.
 * True: what is inside the value has been seen to, and is not visited.
 */
export type Visit = (definition: string, value: unknown, path: string) => boolean;

/** Every value whose type has a name, outer before inner, in the order of the object's fields. */
export function visitTypes(object: unknown, schema: Schema, visit: Visit, path = ''): void {
  if (schema.definition !== undefined && visit(schema.definition, object, path)) return;
  switch (schema.kind) {
    case 'object': {
      if (!isObject(object)) return;
      const { fields } = schema;
      for (const key in object) {
        const field = fields.get(key);
        const value = object[key];
        if (field !== undefined && value !== null && holdsNames(field.schema))
          visitTypes(value, field.schema, visit, path === '' ? key : `${path}.${key}`);
      }
      return;
    }
    case 'array': {
      const items = schema.items as Schema;
      if (!Array.isArray(object)) return;
      for (let i = 0; i < object.length; i++) visitTypes(object[i], items, visit, `${path}[${i}]`);
      return;
    }
    case 'map': {
      const items = schema.items as Schema;
      if (!isObject(object)) return;
      for (const key in object) visitTypes((object as JsonObject)[key], items, visit, `${path}[${key}]`);
      return;
    }
    case 'scalar':
    case 'any':
      return;
  }
}

const known = new WeakMap<Schema, boolean>();

/** Whether a value of that type is, or holds, a value of a named type. */
function holdsNames(schema: Schema): boolean {
  let answer = known.get(schema);
  if (answer === undefined) {
    answer = schema.definition !== undefined || ((schema.kind === 'array' || schema.kind === 'map') && holdsNames(schema.items as Schema));
    known.set(schema, answer);
  }
  return answer;
}
