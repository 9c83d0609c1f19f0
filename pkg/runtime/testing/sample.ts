/** Random objects of any type, for property tests: in the canonical form in which the server would keep them. */
import type { Field, ScalarType, Schema } from '../schema.ts';
import type { JsonObject } from '../values.ts';

/** Between 0 and 1, from a seed: mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An object of that type in which each field is set with the given likelihood, less so the deeper it stands. */
export function sampleObject(schema: Schema, random: () => number, likelihood = 0.5, depth = 0): JsonObject {
  const out: JsonObject = {};
  // Items of a list leave their kind to the list.
  const gvk = depth === 0 ? schema.gvk[0] : undefined;
  for (const field of schema.fields.values()) {
    if (schema.gvk.length > 0 && (field.name === 'apiVersion' || field.name === 'kind')) {
      if (gvk) out[field.name] = field.name === 'kind' ? gvk[2] : gvk[0] === '' ? gvk[1] : `${gvk[0]}/${gvk[1]}`;
    } else if (field.alwaysPresent || (random() < likelihood / (1 + depth / 3) && depth < 12)) {
      const value = sampleField(field, random, likelihood, depth);
      if (value !== undefined) out[field.name] = value;
    } else if (field.zero !== undefined && field.zero !== null) out[field.name] = field.zero; // A time of null is written, and read as none.
  }
  return out;
}

/** Undefined where Go would not write what came out. */
function sampleField(field: Field, random: () => number, likelihood: number, depth: number): unknown {
  const value = sampleValue(field.schema, random, likelihood, depth + 1);
  if (field.schema.kind === 'scalar' && field.value && field.omitEmpty && (value === '' || value === 0 || value === false)) {
    return field.schema.type === 'int-or-string' ? value : undefined;
  }
  const empty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return empty && (field.schema.kind === 'array' || field.schema.kind === 'map') ? undefined : value;
}

function sampleValue(schema: Schema, random: () => number, likelihood: number, depth: number): unknown {
  const count = Math.floor(random() * 3);
  switch (schema.kind) {
    case 'object':
      return sampleObject(schema, random, likelihood, depth);
    case 'array':
      return Array.from({ length: count }, () => sampleValue(schema.items as Schema, random, likelihood, depth));
    case 'map':
      return Object.fromEntries(
        Array.from({ length: count }, (_, index) => [`key-${index}`, sampleValue(schema.items as Schema, random, likelihood, depth)]),
      );
    case 'any':
      if (schema.goType === 'v1.JSONSchemaPropsOrBool') return random() < 0.5;
      if (schema.goType === 'v1.JSONSchemaPropsOrStringArray') return ['a', 'b'];
      if (schema.items) return sampleObject(schema.items, random, likelihood, depth + 4);
      return { a: [1, 'x', null, { b: true }] };
    case 'scalar':
      return sampleScalar(schema.type, random);
  }
}

const choices: Readonly<Record<ScalarType, readonly unknown[]>> = {
  string: ['', 'a', 'some text', 'ünï ☃ 𝄞', 'x'.repeat(80)],
  int32: [0, 1, -1, 80, 2 ** 31 - 1, -(2 ** 31)],
  int64: [0, 1, -1, 30, 2 ** 53 - 1, -(2 ** 53) + 1, 2n ** 63n - 1n, -(2n ** 63n)],
  double: [0, 1, -1.5, 1e300],
  bool: [true, false],
  byte: ['', 'AA==', 'aGVsbG8=', '/+8A'],
  quantity: ['0', '1', '500m', '1536Mi', '1e3', '-1'],
  'int-or-string': [0, 80, -1, 'http', '25%', ''],
  time: ['2024-02-29T12:34:56Z', '0001-01-01T00:00:01Z', '1969-12-31T23:59:59Z', '9999-12-31T23:59:59Z'],
  'micro-time': ['2024-02-29T12:34:56.000001Z', '1969-12-31T23:59:59.999999Z'],
};

function sampleScalar(type: ScalarType, random: () => number): unknown {
  const list = choices[type];
  return list[Math.floor(random() * list.length)];
}
