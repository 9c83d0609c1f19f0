/**
 * Free-form values in protobuf: bytes that hold JSON (RawExtension, FieldsV1, JSON), or a message that is one of
 * several things (the JSONSchemaPropsOr... of CustomResourceDefinitions).
 */
import { badRequest, InvariantError } from '../api/errors.ts';
import { encodeJson } from './encode.ts';
import { maxBodyDepth, parseJson } from './json.ts';
import { eachField } from './protobuf-scalars.ts';
import type { WireReader, WireWriter } from './protobuf-wire.ts';
import type { Schema } from './schema.ts';
import { isObject, type JsonObject } from './values.ts';

const utf8 = new TextDecoder();

/** What free-form values need of the codec for messages. */
export interface MessageCodec {
  writeStruct(writer: WireWriter, object: JsonObject, schema: Schema): void;
  readStruct(reader: WireReader, schema: Schema, depth: number): JsonObject;
  /** The object in an envelope; undefined for bytes that are none. */
  readDocument(bytes: Uint8Array): JsonObject | undefined;
}

/** Undefined is written as a message with nothing in it. */
export function writeAny(writer: WireWriter, number: number, value: unknown, schema: Schema, codec: MessageCodec): void {
  const start = writer.length;
  if (schema.items) writeOr(writer, value, schema, schema.items, codec);
  else if (value !== undefined && value !== null) writer.bytes(1, jsonOf(value));
  writer.message(number, start);
}

/** What is frozen is mostly a field set that many objects share: its JSON is made once. */
const encoded = new WeakMap<object, Uint8Array>();

function jsonOf(value: unknown): Uint8Array {
  if (typeof value !== 'object' || value === null || !Object.isFrozen(value)) return encodeJson(value);
  let bytes = encoded.get(value);
  if (!bytes) {
    bytes = encodeJson(value);
    encoded.set(value, bytes);
  }
  return bytes;
}

export function readAny(reader: WireReader, schema: Schema, depth: number, codec: MessageCodec): unknown {
  if (schema.items) return readOr(reader.message(), schema, schema.items, (inner, items) => codec.readStruct(inner, items, depth + 1));
  let raw: Uint8Array | undefined;
  eachField(reader.message(), (inner, number) => {
    if (number === 1) raw = inner.bytes();
    return number === 1;
  });
  if (raw === undefined || raw.length === 0) return undefined;
  return codec.readDocument(raw) ?? parseJson(utf8.decode(raw), maxBodyDepth).value;
}

/** One schema is field 1; what it may be instead: schemas or names in field 2, or a truth value before it. */
function writeOr(writer: WireWriter, value: unknown, schema: Schema, items: Schema, codec: MessageCodec): void {
  const writeSchema = (number: number, one: unknown): void => {
    const start = writer.length;
    codec.writeStruct(writer, isObject(one) ? one : {}, items);
    writer.message(number, start);
  };
  switch (schema.goType) {
    case 'v1.JSONSchemaPropsOrBool':
      if (isObject(value)) writeSchema(2, value);
      // An object allows what fits it, so it says true as well.
      writer.varint(1, value === true || isObject(value) ? 1 : 0);
      return;
    case 'v1.JSONSchemaPropsOrArray':
      if (Array.isArray(value)) for (const one of value.toReversed()) writeSchema(2, one);
      else if (isObject(value)) writeSchema(1, value);
      return;
    case 'v1.JSONSchemaPropsOrStringArray':
      if (Array.isArray(value)) for (const name of value.toReversed()) writer.string(2, String(name));
      else if (isObject(value)) writeSchema(1, value);
      return;
    default:
      throw new InvariantError(`${schema.goType} is none of the types that can be several things`);
  }
}

function readOr(reader: WireReader, schema: Schema, items: Schema, readSchema: (reader: WireReader, items: Schema) => JsonObject): unknown {
  let one: unknown;
  let allows = false;
  const several: unknown[] = [];
  const bool = schema.goType === 'v1.JSONSchemaPropsOrBool';
  const names = schema.goType === 'v1.JSONSchemaPropsOrStringArray';
  eachField(reader, (inner, number) => {
    if (number > 2) return false;
    if (bool && number === 1) allows = inner.int32() !== 0;
    else if (names && number === 2) several.push(inner.string());
    else {
      const read = readSchema(inner.message(), items);
      if (number === 2 && !bool) several.push(read);
      else one = read;
    }
    return true;
  });
  if (one !== undefined) return one;
  if (bool) return allows;
  if (several.length === 0 && !names) throw badRequest('a schema or a list of schemas is empty');
  return several;
}
