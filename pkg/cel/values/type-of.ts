/** What a value is at run time. */
import { type CelType, listOf, mapOf, optionalOf, scalars } from '../types/cel-type.ts';
import { type CelValue, Duration, ListValue, MapValue, OpaqueValue, OptionalValue, Timestamp, TypeValue, Uint } from './value.ts';

const anyList = listOf(scalars.dyn);
const anyMap = mapOf(scalars.dyn, scalars.dyn);
const anyOptional = optionalOf(scalars.dyn);
const anyType: CelType = { kind: 'type', of: scalars.dyn };

export function typeOf(value: CelValue): CelType {
  switch (typeof value) {
    case 'boolean':
      return scalars.bool;
    case 'bigint':
      return scalars.int;
    case 'number':
      return scalars.double;
    case 'string':
      return scalars.string;
    default:
      return typeOfObject(value);
  }
}

function typeOfObject(value: Exclude<CelValue, boolean | bigint | number | string>): CelType {
  if (value === null) return scalars.null;
  if (value instanceof ListValue) return anyList;
  if (value instanceof MapValue) return value.objectType ?? anyMap;
  if (value instanceof Uint8Array) return scalars.bytes;
  if (value instanceof Uint) return scalars.uint;
  if (value instanceof Timestamp) return scalars.timestamp;
  if (value instanceof Duration) return scalars.duration;
  if (value instanceof OptionalValue) return anyOptional;
  if (value instanceof TypeValue) return anyType;
  if (value instanceof OpaqueValue) return value.type;
  return scalars.error;
}

/** Whether the value's kind fits a parameter; parameters of lists and maps are not looked into. */
export function accepts(parameter: CelType, value: CelValue): boolean {
  switch (parameter.kind) {
    case 'dyn':
    case 'parameter':
    case 'variable':
      return true;
    case 'string':
    case 'double':
    case 'int':
    case 'bool':
      return typeof value === javascriptTypes[parameter.kind];
    case 'list':
      return value instanceof ListValue;
    case 'map':
    case 'object':
      return value instanceof MapValue;
    case 'optional':
      return value instanceof OptionalValue;
    case 'type':
      return value instanceof TypeValue;
    case 'opaque':
      return value instanceof OpaqueValue && value.type.kind === 'opaque' && value.type.name === parameter.name;
    default:
      return typeOf(value).kind === parameter.kind;
  }
}

const javascriptTypes = { string: 'string', double: 'number', int: 'bigint', bool: 'boolean' } as const;
