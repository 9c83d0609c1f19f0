/**
 * Fills in what a client left out: Go's structs that are always there, zero values that are always shown, the
 * defaults that the schema states, and those that are code and hang on a type.
 */
import { InvariantError } from '../api/errors.ts';
import { defaultCustom } from './custom-default.ts';
import type { Field, Schema } from './schema.ts';
import { copyValue, isObject, type JsonObject } from './values.ts';

export interface DefaultContext {
  /** Where the value stands: `spec.template.spec`; empty for the object itself. */
  readonly path: string;
  /** The whole object. */
  readonly root: JsonObject;
}

/** By the type's name. Changes the value in place; sees it with its own structs filled in, before its fields are defaulted. */
export type TypeDefaults = ReadonlyMap<string, (value: JsonObject, context: DefaultContext) => void>;

/** In place, on a changeable copy; the outer type before the inner ones, as Kubernetes calls its defaulting functions. */
export function applyDefaults(object: JsonObject, schema: Schema, defaults: TypeDefaults): void {
  const run = { defaults, root: object };
  if (schema.source === undefined) {
    defaultObject(object, schema, run, '');
    return;
  }
  object['metadata'] ??= {};
  const metadata = schema.fields.get('metadata')?.schema;
  if (metadata && isObject(object['metadata'])) defaultObject(object['metadata'], metadata, run, 'metadata');
  defaultCustom(object, schema.source);
}

interface Run {
  readonly defaults: TypeDefaults;
  readonly root: JsonObject;
}

function defaultObject(object: JsonObject, schema: Schema, run: Run, path: string): void {
  const plan = planOf(schema);
  for (const field of plan.structs) if (object[field.name] === undefined) object[field.name] = {};
  const code = schema.definition === undefined ? undefined : run.defaults.get(schema.definition);
  code?.(object, { path, root: run.root });
  for (const field of plan.scalars) {
    if (object[field.name] === undefined) object[field.name] = field.default === undefined ? field.zero : copyValue(field.default);
  }
  for (const field of plan.times) if (object[field.name] === undefined) object[field.name] = null;
  for (const field of plan.nested) {
    const value = object[field.name];
    if (typeof value === 'object' && value !== null)
      defaultValue(value, field.schema, run, path === '' ? field.name : `${path}.${field.name}`);
  }
}

function defaultValue(value: object, schema: Schema, run: Run, path: string): void {
  switch (schema.kind) {
    case 'object':
      if (isObject(value)) defaultObject(value, schema, run, path);
      return;
    case 'array': {
      const items = schema.items as Schema;
      if (!Array.isArray(value)) return;
      for (let i = 0; i < value.length; i++) {
        const item: unknown = value[i];
        if (typeof item === 'object' && item !== null) defaultValue(item, items, run, `${path}[${i}]`);
      }
      return;
    }
    case 'map': {
      const items = schema.items as Schema;
      for (const key in value) {
        const item = (value as JsonObject)[key];
        if (typeof item === 'object' && item !== null) defaultValue(item, items, run, `${path}[${key}]`);
      }
      return;
    }
    case 'scalar':
    case 'any':
      return;
  }
}

/** What Go writes for a struct of that type in which nothing is set. */
export function emptyStruct(schema: Schema): JsonObject {
  const out: JsonObject = {};
  for (const field of schema.fields.values()) {
    if (field.alwaysPresent) out[field.name] = emptyStruct(field.schema);
    else if (field.zero !== undefined) out[field.name] = field.zero;
  }
  return out;
}

/** What has to be looked at in an object of that type. */
interface Plan {
  readonly structs: readonly Field[];
  readonly scalars: readonly Field[];
  /** Shown as null when nothing is set. */
  readonly times: readonly Field[];
  readonly nested: readonly Field[];
}
const plans = new WeakMap<Schema, Plan>();

function planOf(schema: Schema): Plan {
  let plan = plans.get(schema);
  if (!plan) {
    if (schema.kind !== 'object') throw new InvariantError(`a ${schema.kind} has no fields to default`);
    const fields = [...schema.fields.values()];
    plan = {
      structs: fields.filter((field) => field.alwaysPresent),
      scalars: fields.filter((field) => field.zero !== undefined || field.default !== undefined),
      times: fields.filter(({ nullWhenUnset, schema: { kind, type } }) => nullWhenUnset && kind === 'scalar' && type.endsWith('time')),
      nested: fields.filter((field) => holdsObjects(field.schema)),
    };
    plans.set(schema, plan);
  }
  return plan;
}

/** Whether there can be objects of a known type in there. */
function holdsObjects(schema: Schema): boolean {
  if (schema.kind === 'object') return true;
  return (schema.kind === 'array' || schema.kind === 'map') && holdsObjects(schema.items as Schema);
}
