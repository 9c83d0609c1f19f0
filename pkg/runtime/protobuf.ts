/**
 * Kubernetes' protobuf, both ways: built-in kinds in the envelope that Go clients send and expect, and watch frames.
 * A field that is no pointer in Go is always on the wire; read, its zero value means "not set".
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
 */
import { ApiError, badRequest } from '../api/errors.ts';
import { apiVersionOf, parseApiVersion } from '../api/object.ts';
import { encodeJson } from './encode.ts';
import { maxBodyDepth, parseJson } from './json.ts';
import { type MessageCodec, readAny, writeAny } from './protobuf-any.ts';
import { eachField, readScalar, writeScalar } from './protobuf-scalars.ts';
import { WireReader, WireWriter } from './protobuf-wire.ts';
import { typeMetaOf } from './prune.ts';
import { builtinSchema, definitionOfKind, type Field, type Schema } from './schema.ts';
import { getKey, isObject, type JsonObject, setKey } from './values.ts';

export const protobufMediaType = 'application/vnd.kubernetes.protobuf';
/** `k8s` and a zero: what every such document begins with. */
const magic = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);

/** Whether objects of that kind can be written as protobuf: built-in ones can, custom resources cannot. */
export function hasProtobuf(apiVersion: string, kind: string): boolean {
  return schemaFor(apiVersion, kind) !== undefined;
}

function schemaFor(apiVersion: string, kind: string): Schema | undefined {
  // The oldest documents of discovery name no version, though they are of the first.
  const { group, version } = parseApiVersion(apiVersion === '' ? 'v1' : apiVersion);
  // Status is of meta.k8s.io in discovery's eyes, and calls itself v1; so do lists of nothing in particular.
  const definition = definitionOfKind(group, version, kind);
  return definition === undefined ? undefined : builtinSchema(definition);
}

/** The object in its envelope, its kind from its own apiVersion and kind. Throws NotAcceptable for a kind that is not built in. */
export function encodeProtobuf(object: unknown): Uint8Array {
  const { apiVersion, kind } = typeMetaOf(object);
  const schema = schemaFor(apiVersion, kind);
  if (!schema || !isObject(object)) {
    throw new ApiError(
      'NotAcceptable',
      `object of kind ${JSON.stringify(kind)} in ${JSON.stringify(apiVersion)} does not have a protobuf encoding`,
    );
  }
  const writer = new WireWriter();
  writer.string(4, '');
  writer.string(3, '');
  const raw = writer.length;
  writeStruct(writer, object, schema);
  writer.message(2, raw);
  const meta = writer.length;
  writer.string(2, kind);
  writer.string(1, apiVersion);
  writer.message(1, meta);
  writer.prefix(magic);
  return writer.finish();
}

/**
 * An object from its envelope, with apiVersion and kind; the given kind stands in for an envelope that names none.
 * Throws BadRequest for what is no such document, and for kinds that are not built in.
 */
export function decodeProtobuf(bytes: Uint8Array, fallback?: readonly [group: string, version: string, kind: string]): JsonObject {
  if (!startsWithMagic(bytes)) throw badRequest('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  let apiVersion = '';
  let kind = '';
  let raw: Uint8Array = new Uint8Array();
  let contentType = '';
  eachField(new WireReader(bytes, magic.length), (reader, number) => {
    if (number === 1) {
      eachField(reader.message(), (inner, field) => {
        if (field === 1) apiVersion = inner.string();
        else if (field === 2) kind = inner.string();
        return field <= 2;
      });
    } else if (number === 2) raw = reader.bytes();
    else if (number === 4) contentType = reader.string();
    else return false;
    return true;
  });
  if (fallback && apiVersion === '') apiVersion = apiVersionOf({ group: fallback[0], version: fallback[1] });
  if (fallback && kind === '') kind = fallback[2];
  if (contentType === 'application/json') {
    const { value } = parseJson(new TextDecoder().decode(raw), maxBodyDepth);
    if (isObject(value)) return { apiVersion, kind, ...value };
    throw badRequest(`the JSON within the protobuf message is no object`);
  }
  const schema = schemaFor(apiVersion, kind);
  if (!schema) throw badRequest(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
  return { apiVersion, kind, ...readStruct(new WireReader(raw), schema, 0) };
}

function startsWithMagic(bytes: Uint8Array): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

/** One event of a watch: four bytes of length, then a WatchEvent that holds the object in its envelope. */
export function protobufWatchFrame(type: string, object: unknown): Uint8Array {
  const { apiVersion, kind } = typeMetaOf(object);
  const writer = new WireWriter();
  const start = writer.length;
  writer.bytes(1, hasProtobuf(apiVersion, kind) ? encodeProtobuf(object) : encodeJson(object));
  writer.message(2, start);
  writer.string(1, type);
  const { length } = writer;
  writer.prefix(Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length));
  return writer.finish();
}

/** Where a message's fields go: into the object, or through an embedded message into the same object. */
interface Slot {
  readonly number: number;
  readonly field: Field | undefined;
  readonly embedded: Layout | undefined;
}
interface Layout {
  readonly byNumber: ReadonlyMap<number, Slot>;
  /** From the highest number down: the writer writes backwards. */
  readonly falling: readonly Slot[];
}

const codec: MessageCodec = {
  writeStruct,
  readStruct,
  readDocument: (bytes) => (startsWithMagic(bytes) ? decodeProtobuf(bytes) : undefined),
};

const layouts = new WeakMap<Schema, Layout>();

function layoutOf(schema: Schema): Layout {
  let layout = layouts.get(schema);
  if (!layout) {
    layout = layOut(
      [...schema.fields.values()].filter((field) => field.numbers.length > 0),
      0,
    );
    layouts.set(schema, layout);
  }
  return layout;
}

function layOut(fields: readonly Field[], depth: number): Layout {
  const byNumber = new Map<number, Slot>();
  for (const [number, group] of Map.groupBy(fields, (field) => field.numbers[depth] as number)) {
    const single = group.length === 1 && group[0]?.numbers.length === depth + 1;
    byNumber.set(number, { number, field: single ? group[0] : undefined, embedded: single ? undefined : layOut(group, depth + 1) });
  }
  return { byNumber, falling: [...byNumber.values()].sort((a, b) => b.number - a.number) };
}

/** The content of the message, without tag and length. */
function writeStruct(writer: WireWriter, object: JsonObject, schema: Schema): void {
  writeSlots(writer, object, layoutOf(schema));
}

function writeSlots(writer: WireWriter, object: JsonObject, layout: Layout): void {
  for (const { number, field, embedded } of layout.falling) {
    if (embedded) {
      const start = writer.length;
      writeSlots(writer, object, embedded);
      writer.message(number, start);
    } else if (field) {
      writeField(writer, number, getKey(object, field.name), field);
    }
  }
}

function writeField(writer: WireWriter, number: number, value: unknown, field: Field): void {
  const { schema } = field;
  if (value === undefined || value === null) {
    // Absent lists, maps and bytes are nil in Go, and nil is not written.
    if (!field.value || schema.kind === 'array' || schema.kind === 'map' || (schema.kind === 'scalar' && schema.type === 'byte')) return;
  }
  if (field.wrapped) {
    const start = writer.length;
    writeValue(writer, 1, value, schema);
    writer.message(number, start);
    return;
  }
  writeValue(writer, number, value, schema);
}

function writeValue(writer: WireWriter, number: number, value: unknown, schema: Schema): void {
  switch (schema.kind) {
    case 'scalar':
      writeScalar(writer, number, schema.type, value);
      return;
    case 'any':
      writeAny(writer, number, value, schema, codec);
      return;
    case 'object': {
      const start = writer.length;
      writeStruct(writer, isObject(value) ? value : {}, schema);
      writer.message(number, start);
      return;
    }
    case 'array': {
      const list = Array.isArray(value) ? value : [];
      for (let i = list.length - 1; i >= 0; i--) writeValue(writer, number, list[i], schema.items as Schema);
      return;
    }
    case 'map': {
      const map = isObject(value) ? value : {};
      for (const key of Object.keys(map).sort().reverse()) {
        const start = writer.length;
        writeMapValue(writer, map[key], schema.items as Schema);
        writer.string(1, key);
        writer.message(number, start);
      }
      return;
    }
  }
}

/** A map's value that is a list stands in a message of its own (ExtraValue). */
function writeMapValue(writer: WireWriter, value: unknown, schema: Schema): void {
  const start = writer.length;
  writeValue(writer, schema.kind === 'array' ? 1 : 2, value, schema);
  if (schema.kind === 'array') writer.message(2, start);
}

/** The fields of a message, as JSON would have them. */
function readStruct(reader: WireReader, schema: Schema, depth: number): JsonObject {
  if (depth > maxBodyDepth / 2) throw badRequest('exceeded max depth');
  const out: JsonObject = {};
  readSlots(reader, layoutOf(schema), out, depth);
  return out;
}

function readSlots(reader: WireReader, layout: Layout, out: JsonObject, depth: number): void {
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    const slot = layout.byNumber.get(number);
    if (slot?.embedded) readSlots(reader.message(), slot.embedded, out, depth);
    else if (slot?.field) readField(reader, slot.field, out, depth);
    else reader.skip();
  }
}

function readField(reader: WireReader, field: Field, out: JsonObject, depth: number): void {
  const { schema, name } = field;
  switch (schema.kind) {
    case 'array': {
      let list = out[name] as unknown[] | undefined;
      if (!list) {
        list = [];
        out[name] = list;
      }
      readElements(reader, schema.items as Schema, list, depth, field.wrapped);
      return;
    }
    case 'map': {
      let map = out[name] as JsonObject | undefined;
      if (!map) {
        map = {};
        out[name] = map;
      }
      readEntry(reader.message(), schema.items as Schema, map, depth);
      return;
    }
    case 'object': {
      // A message that comes in pieces is one message.
      const read = readStruct(reader.message(), schema, depth + 1);
      out[name] = isObject(out[name]) ? { ...out[name], ...read } : read;
      return;
    }
    case 'scalar': {
      const value = readScalar(reader, schema.type);
      const unset =
        value === undefined ||
        (field.value && field.omitEmpty && (value === '' || value === 0 || value === false) && schema.type !== 'int-or-string');
      if (unset) delete out[name];
      else out[name] = value;
      return;
    }
    case 'any': {
      const value = readAny(reader, schema, depth, codec);
      if (value !== undefined) out[name] = value;
      return;
    }
  }
}

function readElements(reader: WireReader, items: Schema, list: unknown[], depth: number, wrapped: boolean): void {
  if (wrapped) {
    eachField(reader.message(), (inner, number) => {
      if (number === 1) readElements(inner, items, list, depth, false);
      return number === 1;
    });
    return;
  }
  if (items.kind === 'scalar' && (items.type === 'int32' || items.type === 'int64' || items.type === 'bool') && reader.type === 2) {
    readPacked(reader.bytes(), items, list);
    return;
  }
  list.push(readItem(reader, items, depth));
}

/** Numbers may come all in one piece. */
function readPacked(bytes: Uint8Array, items: Schema, list: unknown[]): void {
  let at = 0;
  while (at < bytes.length) {
    let end = at;
    while (end < bytes.length && (bytes[end] as number) >= 128) end++;
    // One varint, dressed as field 1.
    const reader = new WireReader(Uint8Array.of(8, ...bytes.subarray(at, end + 1)));
    reader.next();
    list.push(readScalar(reader, items.type));
    at = end + 1;
  }
}

function readItem(reader: WireReader, items: Schema, depth: number): unknown {
  switch (items.kind) {
    case 'scalar':
      return readScalar(reader, items.type) ?? null;
    case 'any':
      return readAny(reader, items, depth, codec) ?? null;
    case 'object':
      return readStruct(reader.message(), items, depth + 1);
    case 'array': {
      const list: unknown[] = [];
      readElements(reader, items.items as Schema, list, depth, true);
      return list;
    }
    case 'map':
      throw badRequest('a list of maps has no protobuf encoding');
  }
}

function readEntry(reader: WireReader, items: Schema, map: JsonObject, depth: number): void {
  let key = '';
  let value: unknown;
  eachField(reader, (inner, number) => {
    if (number === 1) key = inner.string();
    else if (number === 2) value = readItem(inner, items, depth);
    return number <= 2;
  });
  setKey(
    map,
    key,
    value ??
      (items.kind === 'scalar'
        ? items.type === 'quantity'
          ? '0'
          : items.type === 'string' || items.type === 'byte'
            ? ''
            : null
        : items.kind === 'array'
          ? []
          : {}),
  );
}
