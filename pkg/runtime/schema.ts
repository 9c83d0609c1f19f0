/**
 * pkg/runtime knows objects as data: how they are read, written and changed, by the schema of their type. It sees no
 * store and no HTTP.
 *
 * Flow of a write: `decode` (bytes → value) → `prune` (unknown fields out, types checked, values made canonical)
 * → `default` → validators hang on `walk` → `managed-fields` → `encode`. Patches (`json-patch`, `merge-patch`,
 * `strategic-merge-patch`, `apply`) come between the current object and `prune`.
 *
 * Guarantees: every function is pure or changes only the object it is told to; input from outside leads to an ApiError
 * and never to another exception; what is not touched is not copied, so frozen objects may share parts with new ones.
 *
 * This file: the schema of a type. A node is linked to its fields when they are first asked for, since there are some
 * 770 types and most processes meet a few dozen.
 */
import { InvariantError } from '../api/errors.ts';
import table from '../api/generated/schema-table.json' with { type: 'json' };

/** What a scalar may hold; the last four have a type of their own in Go. */
export type ScalarType = 'string' | 'int32' | 'int64' | 'double' | 'bool' | 'byte' | 'quantity' | 'int-or-string' | 'time' | 'micro-time';

/** The type of a value. Which members have a meaning depends on `kind`. */
export interface Schema {
  /** `any`: free-form, kept as it is (RawExtension, FieldsV1, JSON, `x-kubernetes-preserve-unknown-fields`). */
  readonly kind: 'object' | 'map' | 'array' | 'scalar' | 'any';
  /** The type's name, where it has one: `io.k8s.api.core.v1.Pod`. */
  readonly definition: string | undefined;
  /** Group, version and kind of a top-level kind. */
  readonly gvk: readonly (readonly [group: string, version: string, kind: string])[];
  /** The type's name as Go's decoder prints it: `int32`, `v1.PodSpec`, `[]v1.Container`. */
  readonly goType: string;
  /** Of a scalar. */
  readonly type: ScalarType;
  /** Of an object, by name. */
  readonly fields: ReadonlyMap<string, Field>;
  /** The element of an array or a map; of `any`: what an object in that place must be, if that is known. */
  readonly items: Schema | undefined;
  /** An object or map that patches and field ownership treat as one value. */
  readonly atomic: boolean;
  readonly listType: 'atomic' | 'set' | 'map';
  /** Whether the type says so, or it is what goes without saying. */
  readonly listTypeStated: boolean;
  readonly listKeys: readonly string[];
  /** An object that keeps fields it does not know. */
  readonly preserveUnknown: boolean;
  /** Null is a value. */
  readonly nullable: boolean;
  /** A whole object within another, with apiVersion, kind and metadata. */
  readonly embedded: boolean;
  /** Of a custom resource: the node of its OpenAPI schema, with what validation needs. */
  readonly source: object | undefined;
  /** Of a custom resource: whether its status is written apart. Undefined: where there is one, it is. */
  readonly statusApart: boolean | undefined;
}

/** A field of an object. */
export interface Field {
  readonly name: string;
  /** Its name in sets of fields: `f:<name>`. */
  readonly element: string;
  readonly schema: Schema;
  readonly required: boolean;
  /** Go holds a value, not a pointer: zero is the same as unset. */
  readonly value: boolean;
  /** Zero and empty are left out of JSON. */
  readonly omitEmpty: boolean;
  /** A Go struct that is no pointer: always there, `{}` when nothing is set. */
  readonly alwaysPresent: boolean;
  /** What always stands in JSON when nothing is set: a scalar that is neither a pointer nor left out when empty. */
  readonly zero: Zero | undefined;
  /** Go writes null when nothing is set (lists, maps, pointers, times): null is the same as unset. */
  readonly nullWhenUnset: boolean;
  readonly default: unknown;
  /** Field numbers of protobuf: more than one where the field lives in an embedded message. */
  readonly numbers: readonly number[];
  /** A list that stands in a protobuf message of its own. */
  readonly wrapped: boolean;
  readonly patchStrategy: 'merge' | 'replace' | undefined;
  readonly retainKeys: boolean;
  readonly patchMergeKey: string | undefined;
}

interface NodeOptions {
  readonly kind: Schema['kind'];
  readonly definition?: string;
  readonly gvk?: Schema['gvk'];
  readonly goType: string;
  readonly type?: ScalarType;
  readonly fields?: () => ReadonlyMap<string, Field>;
  readonly items?: () => Schema;
  readonly atomic?: boolean;
  readonly listType?: Schema['listType'];
  readonly listKeys?: readonly string[];
  readonly preserveUnknown?: boolean;
  readonly nullable?: boolean;
  readonly embedded?: boolean;
  readonly source?: object;
  readonly statusApart?: boolean;
}

const noFields: ReadonlyMap<string, Field> = new Map();

class SchemaNode implements Schema {
  readonly kind: Schema['kind'];
  readonly definition: string | undefined;
  readonly gvk: Schema['gvk'];
  readonly goType: string;
  readonly type: ScalarType;
  readonly atomic: boolean;
  readonly listType: Schema['listType'];
  readonly listTypeStated: boolean;
  readonly listKeys: readonly string[];
  readonly preserveUnknown: boolean;
  readonly nullable: boolean;
  readonly embedded: boolean;
  readonly source: object | undefined;
  readonly statusApart: boolean | undefined;
  readonly #options: NodeOptions;
  #fields: ReadonlyMap<string, Field> | undefined;
  #items: Schema | undefined;

  constructor(options: NodeOptions) {
    this.kind = options.kind;
    this.definition = options.definition;
    this.gvk = options.gvk ?? [];
    this.goType = options.goType;
    this.type = options.type ?? 'string';
    this.atomic = options.atomic ?? false;
    this.listType = options.listType ?? 'atomic';
    this.listTypeStated = options.listType !== undefined;
    this.listKeys = options.listKeys ?? [];
    this.preserveUnknown = options.preserveUnknown ?? false;
    this.nullable = options.nullable ?? false;
    this.embedded = options.embedded ?? false;
    this.source = options.source;
    this.statusApart = options.statusApart;
    this.#options = options;
  }

  get fields(): ReadonlyMap<string, Field> {
    this.#fields ??= this.#options.fields?.() ?? noFields;
    return this.#fields;
  }

  get items(): Schema | undefined {
    this.#items ??= this.#options.items?.();
    return this.#items;
  }
}

/** A node that is linked when its fields and items are first asked for. */
export function createSchema(options: NodeOptions): Schema {
  return new SchemaNode(options);
}

const core = 'io.k8s.apimachinery.pkg.';
const crd = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.';

/** Types that are written otherwise than Go's structs. */
const special: Readonly<Record<string, () => NodeOptions>> = {
  [`${core}api.resource.Quantity`]: () => ({ kind: 'scalar', type: 'quantity', goType: 'resource.Quantity' }),
  [`${core}apis.meta.v1.Time`]: () => ({ kind: 'scalar', type: 'time', goType: 'v1.Time' }),
  [`${core}apis.meta.v1.MicroTime`]: () => ({ kind: 'scalar', type: 'micro-time', goType: 'v1.MicroTime' }),
  [`${core}util.intstr.IntOrString`]: () => ({ kind: 'scalar', type: 'int-or-string', goType: 'intstr.IntOrString' }),
  [`${core}runtime.RawExtension`]: () => ({ kind: 'any', goType: 'runtime.RawExtension' }),
  [`${core}apis.meta.v1.FieldsV1`]: () => ({ kind: 'any', goType: 'v1.FieldsV1' }),
  [`${core}apis.meta.v1.Patch`]: () => ({ kind: 'any', goType: 'v1.Patch' }),
  [`${crd}JSON`]: () => ({ kind: 'any', goType: 'v1.JSON' }),
  [`${crd}JSONSchemaPropsOrArray`]: () => orSchema('v1.JSONSchemaPropsOrArray'),
  [`${crd}JSONSchemaPropsOrBool`]: () => orSchema('v1.JSONSchemaPropsOrBool'),
  [`${crd}JSONSchemaPropsOrStringArray`]: () => orSchema('v1.JSONSchemaPropsOrStringArray'),
};
function orSchema(goType: string): NodeOptions {
  return { kind: 'any', goType, items: () => builtinSchema(`${crd}JSONSchemaProps`) };
}

const lines: Readonly<Record<string, string>> = table;
const built = new Map<string, Schema>();

/** The schema of a type of Kubernetes' own, by its full name: `io.k8s.api.core.v1.Pod`. */
export function builtinSchema(definition: string): Schema {
  let schema = built.get(definition);
  if (!schema) {
    schema = buildDefinition(definition);
    built.set(definition, schema);
  }
  return schema;
}

/** Whether a type of that name is known. */
export function hasBuiltinSchema(definition: string): boolean {
  return Object.hasOwn(special, definition) || Object.hasOwn(lines, definition);
}

/** The names of all types. */
export function builtinDefinitions(): readonly string[] {
  return [...Object.keys(lines), ...Object.keys(special)];
}

let byKind: Map<string, string> | undefined;

/** The name of a kind's type, or undefined for a kind that is not built in. */
export function definitionOfKind(group: string, version: string, kind: string): string | undefined {
  if (!byKind) {
    byKind = new Map();
    for (const [definition, line] of Object.entries(lines)) {
      for (const gvk of headOf(line).gvks) if (!byKind.has(gvk)) byKind.set(gvk, definition);
    }
  }
  // Kinds of no group in particular (Status, DeleteOptions) also go by the name of the group they are defined in.
  const own = byKind.get(`${group}/${version}/${kind}`);
  if (own !== undefined || group !== 'meta.k8s.io') return own;
  const shared = byKind.get(`/${version}/${kind}`);
  return shared?.includes('.meta.v1.') ? shared : undefined;
}

function headOf(line: string): { gvks: string[]; mapType: string } {
  const end = line.indexOf(';');
  const [gvks, mapType] = (end < 0 ? line : line.slice(0, end)).split(' ') as [string, string];
  return { gvks: gvks ? gvks.split(',') : [], mapType };
}

function buildDefinition(definition: string): Schema {
  const options = Object.hasOwn(special, definition) ? special[definition] : undefined;
  if (options) return new SchemaNode({ ...options(), definition });
  if (!Object.hasOwn(lines, definition)) throw new InvariantError(`no type is named ${JSON.stringify(definition)}`);
  return structNode(definition, undefined);
}

/** `mapType`: what the field that holds the struct says, against what the struct says of itself. */
function structNode(definition: string, mapType: string | undefined): Schema {
  const line = lines[definition] as string;
  const head = headOf(line);
  const gvk = head.gvks.map((text) => text.split('/') as [string, string, string]);
  return new SchemaNode({
    kind: 'object',
    definition,
    gvk,
    goType: definition.split('.').slice(-2).join('.'),
    atomic: (mapType ?? head.mapType) === 'atomic',
    fields: () => parseFields(line),
  });
}

function parseFields(line: string): ReadonlyMap<string, Field> {
  const fields = new Map<string, Field>();
  for (const part of line.split(';').slice(1)) {
    const field = parseField(part.split(' ') as [string, string, ...string[]]);
    fields.set(field.name, field);
  }
  return fields;
}

type Zero = string | number | boolean | null;
const zeros: Partial<Record<ScalarType, Zero>> = { string: '', int32: 0, int64: 0, double: 0, bool: false };
/** Go leaves out an empty text or number, but never a struct; a time of nothing it writes as null, and reads it as none. */
const structs: Partial<Record<ScalarType, Zero>> = { quantity: '0', 'int-or-string': 0, time: null, 'micro-time': null };

function zeroOf(type: ScalarType, omitEmpty: boolean): Zero | undefined {
  const shown = structs[type];
  if (shown !== undefined) return shown;
  return omitEmpty ? undefined : zeros[type];
}

const isTime = ({ kind, type }: Schema): boolean => kind === 'scalar' && (type === 'time' || type === 'micro-time');

function parseField([name, type, ...flags]: [string, string, ...string[]]): Field {
  const attribute = (letter: string): string | undefined => flags.find((flag) => flag.startsWith(letter))?.slice(letter.length);
  const schema = parseType(type, {
    listType: attribute('l=') as Schema['listType'] | undefined,
    listKeys: attribute('k=')?.split(','),
    mapType: attribute('t='),
  });
  const value = flags.includes('+');
  const omitEmpty = flags.includes('o');
  const strategies = attribute('s=')?.split(',') ?? [];
  const byDefault = attribute('d=');
  return {
    name,
    element: `f:${name}`,
    schema,
    required: flags.includes('!'),
    value,
    omitEmpty,
    alwaysPresent: value && schema.kind === 'object' && !flags.includes('z'),
    zero: schema.kind === 'scalar' && value && !flags.includes('z') ? zeroOf(schema.type, omitEmpty) : undefined,
    nullWhenUnset:
      isTime(schema) && value ? !flags.includes('z') : !omitEmpty && (!value || schema.kind === 'array' || schema.kind === 'map'),
    // A default that Go would not write is none.
    default: byDefault === undefined || (value && omitEmpty && !JSON.parse(byDefault)) ? undefined : JSON.parse(byDefault),
    numbers: attribute('#')?.split('.').map(Number) ?? [],
    wrapped: flags.includes('w'),
    patchStrategy: strategies.includes('merge') ? 'merge' : strategies.includes('replace') ? 'replace' : undefined,
    retainKeys: strategies.includes('retainKeys'),
    patchMergeKey: attribute('m='),
  };
}

interface TypeFacts {
  readonly listType?: Schema['listType'] | undefined;
  readonly listKeys?: readonly string[] | undefined;
  readonly mapType?: string | undefined;
}

function parseType(text: string, facts: TypeFacts): Schema {
  if (text.startsWith('@')) {
    const definition = `io.k8s.${text.slice(1)}`;
    return facts.mapType && !special[definition] ? structNode(definition, facts.mapType) : builtinSchema(definition);
  }
  if (text.startsWith('[]')) {
    const items = parseType(text.slice(2), {});
    return new SchemaNode({
      kind: 'array',
      goType: `[]${items.goType}`,
      items: () => items,
      ...(facts.listType ? { listType: facts.listType } : {}),
      ...(facts.listKeys ? { listKeys: facts.listKeys } : {}),
    });
  }
  if (text.startsWith('{}')) {
    const items = parseType(text.slice(2), {});
    return new SchemaNode({ kind: 'map', goType: `map[string]${items.goType}`, items: () => items, atomic: facts.mapType === 'atomic' });
  }
  const [type, named] = text.split(':') as [ScalarType, string | undefined];
  return scalar(type, named);
}

const scalars = new Map<string, Schema>();

/** `named`: Go's name for the type, qualified unless it is of the same package. */
function scalar(type: ScalarType, named: string | undefined): Schema {
  const key = `${type}:${named ?? ''}`;
  let schema = scalars.get(key);
  if (!schema) {
    const plain = type === 'byte' ? '[]uint8' : type === 'double' ? 'float64' : type;
    schema = new SchemaNode({ kind: 'scalar', type, goType: named ? (named.includes('.') ? named : `v1.${named}`) : plain });
    scalars.set(key, schema);
  }
  return schema;
}
