/** The types of expressions, how messages write them, and which value fits which. */

export type ScalarKind = 'bool' | 'bytes' | 'double' | 'duration' | 'dyn' | 'error' | 'int' | 'null' | 'string' | 'timestamp' | 'uint';

export type CelType =
  | { readonly kind: ScalarKind }
  | { readonly kind: 'list'; readonly element: CelType }
  | { readonly kind: 'map'; readonly key: CelType; readonly value: CelType }
  | { readonly kind: 'optional'; readonly value: CelType }
  | { readonly kind: 'type'; readonly of: CelType }
  /** Two object types are one if they are the same JavaScript object: each place in a schema has its own. */
  | ObjectType
  /** Brought by a library: `net.IP`, `kubernetes.Quantity`. */
  | { readonly kind: 'opaque'; readonly name: string }
  /** `A` in a declaration: anything, but the same wherever it is written. */
  | { readonly kind: 'parameter'; readonly name: string }
  /** A parameter while one expression is checked. */
  | TypeVariable;

export interface ObjectType {
  readonly kind: 'object';
  readonly name: string;
  readonly fields: ReadonlyMap<string, CelType>;
}

export interface TypeVariable {
  readonly kind: 'variable';
  bound: CelType | undefined;
}

export const scalars = Object.fromEntries(
  (['bool', 'bytes', 'double', 'duration', 'dyn', 'error', 'int', 'null', 'string', 'timestamp', 'uint'] as const).map((kind) => [
    kind,
    { kind },
  ]),
) as { readonly [K in ScalarKind]: { readonly kind: K } };

export const listOf = (element: CelType): CelType => ({ kind: 'list', element });
export const mapOf = (key: CelType, value: CelType): CelType => ({ kind: 'map', key, value });
export const optionalOf = (value: CelType): CelType => ({ kind: 'optional', value });
export const opaque = (name: string): CelType => ({ kind: 'opaque', name });

/** What a variable stands for so far. */
export function resolve(type: CelType): CelType {
  let current = type;
  while (current.kind === 'variable' && current.bound) current = current.bound;
  return current;
}

/** As cel-go writes them in messages. */
export function formatType(unresolved: CelType): string {
  const type = resolve(unresolved);
  switch (type.kind) {
    case 'list':
      return `list(${formatType(type.element)})`;
    case 'map':
      return `map(${formatType(type.key)}, ${formatType(type.value)})`;
    case 'optional':
      return `optional_type(${formatType(type.value)})`;
    case 'type':
      return `type(${formatType(type.of)})`;
    case 'object':
    case 'opaque':
    case 'parameter':
      return type.name;
    case 'variable':
      return 'dyn';
    case 'error':
      return '!error!';
    default:
      return type.kind;
  }
}

/** Of run-time types, whose lists and maps have no parameters: the kind decides. */
export function sameType(a: CelType, b: CelType): boolean {
  const [x, y] = [resolve(a), resolve(b)];
  if (x.kind !== y.kind) return false;
  if (x.kind === 'opaque' && y.kind === 'opaque') return x.name === y.name;
  return x.kind !== 'object' || x === y;
}

/** Whether two types are one, parameters and all. */
export function isExactly(a: CelType, b: CelType): boolean {
  const [x, y] = [resolve(a), resolve(b)];
  if (x === y) return true;
  if (x.kind === 'list' && y.kind === 'list') return isExactly(x.element, y.element);
  if (x.kind === 'map' && y.kind === 'map') return isExactly(x.key, y.key) && isExactly(x.value, y.value);
  if (x.kind === 'optional' && y.kind === 'optional') return isExactly(x.value, y.value);
  if (x.kind === 'opaque' && y.kind === 'opaque') return x.name === y.name;
  return x.kind === y.kind && x.kind !== 'object' && x.kind !== 'variable';
}

/** Whether nothing is known of it before run time. */
export const isDynamic = (type: CelType): boolean => type.kind === 'dyn' || type.kind === 'error';

/** As a type is called at run time, where lists and maps have no parameters. */
export function typeName(type: CelType): string {
  switch (type.kind) {
    case 'duration':
      return 'google.protobuf.Duration';
    case 'timestamp':
      return 'google.protobuf.Timestamp';
    case 'null':
      return 'null_type';
    case 'optional':
      return 'optional_type';
    case 'list':
    case 'map':
    case 'type':
      return type.kind;
    default:
      return formatType(type);
  }
}
