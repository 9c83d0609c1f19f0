/**
 * OpenAPI v2 documents as protobuf, in the messages of gnostic: the only form in which Go clients ask for
 * `/openapi/v2`.
 * https://github.com/google/gnostic-models
 */
import { stringifyJson } from './json.ts';
import { WireWriter } from './protobuf-wire.ts';
import { isObject, type JsonObject } from './values.ts';

export const gnosticMediaType = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

/** How one field is written. The writer goes backwards, and so do these. */
type Write = (writer: WireWriter, number: number, value: unknown) => void;
/** A message's fields by their name in JSON; the extensions, which begin with `x-`, under their own number. */
interface Shape {
  readonly fields: Readonly<Record<string, readonly [number: number, write: Write]>>;
  readonly extensions?: number;
}

/** Proto3: what is empty, zero or false is not written. */
const text: Write = (writer, number, value) => {
  if (typeof value === 'string' && value !== '') writer.string(number, value);
};
const bool: Write = (writer, number, value) => {
  if (value === true) writer.varint(number, 1);
};
const integer: Write = (writer, number, value) => {
  if (typeof value === 'number' && value !== 0) writer.varint(number, value);
};
const double: Write = (writer, number, value) => {
  if (typeof value === 'number' && value !== 0) writer.double(number, value);
};
const texts: Write = (writer, number, value) => {
  if (Array.isArray(value)) for (const item of value.toReversed()) writer.string(number, String(item));
};
/** A value of any kind: its text in YAML, which JSON is. */
const any: Write = (writer, number, value) => enclose(writer, number, () => writer.string(2, `${stringifyJson(value)}\n`));

function enclose(writer: WireWriter, number: number, content: () => void): void {
  const start = writer.length;
  content();
  writer.message(number, start);
}

/** A message within a message. `shape` is asked for when it is needed, since shapes refer to one another. */
const message =
  (shape: () => Shape): Write =>
  (writer, number, value) =>
    enclose(writer, number, () => writeShape(writer, value, shape()));

/** A message that holds nothing but field 1. */
const wrapped =
  (write: Write): Write =>
  (writer, number, value) =>
    enclose(writer, number, () => write(writer, 1, value));

const list =
  (write: Write): Write =>
  (writer, number, value) => {
    if (Array.isArray(value)) for (const item of value.toReversed()) write(writer, number, item);
  };

/** A map: entries with a name and a value. */
const named =
  (write: Write): Write =>
  (writer, number, value) => {
    if (!isObject(value)) return;
    for (const [name, item] of Object.entries(value).reverse()) {
      enclose(writer, number, () => {
        write(writer, 2, item);
        text(writer, 1, name);
      });
    }
  };

function writeShape(writer: WireWriter, value: unknown, shape: Shape): void {
  const object: JsonObject = isObject(value) ? value : {};
  const extensions = Object.entries(object).filter(([key]) => key.startsWith('x-'));
  if (shape.extensions !== undefined) named(any)(writer, shape.extensions, Object.fromEntries(extensions));
  const fields = Object.entries(shape.fields).sort(([, [a]], [, [b]]) => b - a);
  for (const [key, [number, write]] of fields) if (object[key] !== undefined) write(writer, number, object[key]);
}

const schema: Shape = {
  fields: {
    $ref: [1, text],
    format: [2, text],
    title: [3, text],
    description: [4, text],
    default: [5, any],
    multipleOf: [6, double],
    maximum: [7, double],
    exclusiveMaximum: [8, bool],
    minimum: [9, double],
    exclusiveMinimum: [10, bool],
    maxLength: [11, integer],
    minLength: [12, integer],
    pattern: [13, text],
    maxItems: [14, integer],
    minItems: [15, integer],
    uniqueItems: [16, bool],
    maxProperties: [17, integer],
    minProperties: [18, integer],
    required: [19, texts],
    enum: [20, list(any)],
    additionalProperties: [
      21,
      (writer, number, value) =>
        enclose(writer, number, () => {
          if (isObject(value)) message(() => schema)(writer, 1, value);
          else writer.varint(2, value === true ? 1 : 0);
        }),
    ],
    type: [22, (writer, number, value) => wrapped(texts)(writer, number, Array.isArray(value) ? value : [value])],
    items: [23, (writer, number, value) => wrapped(list(message(() => schema)))(writer, number, Array.isArray(value) ? value : [value])],
    allOf: [24, list(message(() => schema))],
    properties: [25, wrapped(named(message(() => schema)))],
    discriminator: [26, text],
    readOnly: [27, bool],
    example: [30, any],
  },
  extensions: 31,
};

const bodyParameter: Shape = {
  fields: { description: [1, text], name: [2, text], in: [3, text], required: [4, bool], schema: [5, message(() => schema)] },
  extensions: 6,
};
const queryParameter: Shape = {
  fields: {
    required: [1, bool],
    in: [2, text],
    description: [3, text],
    name: [4, text],
    type: [6, text],
    format: [7, text],
    uniqueItems: [20, bool],
  },
  extensions: 23,
};
const pathParameter: Shape = {
  fields: {
    required: [1, bool],
    in: [2, text],
    description: [3, text],
    name: [4, text],
    type: [5, text],
    format: [6, text],
    uniqueItems: [19, bool],
  },
  extensions: 22,
};

/** ParametersItem → Parameter → a body's, or another's → one in the query, or in the path. */
const parameter: Write = (writer, number, value) => {
  const place = isObject(value) ? value['in'] : undefined;
  enclose(writer, number, () =>
    enclose(writer, 1, () => {
      if (place === 'body') message(() => bodyParameter)(writer, 1, value);
      else
        enclose(writer, 2, () =>
          place === 'path' ? message(() => pathParameter)(writer, 4, value) : message(() => queryParameter)(writer, 3, value),
        );
    }),
  );
};

const response: Shape = { fields: { description: [1, text], schema: [2, wrapped(message(() => schema))] }, extensions: 5 };
const operation: Shape = {
  fields: {
    tags: [1, texts],
    summary: [2, text],
    description: [3, text],
    operationId: [5, text],
    produces: [6, texts],
    consumes: [7, texts],
    parameters: [8, list(parameter)],
    responses: [9, wrapped(named(wrapped(message(() => response))))],
    schemes: [10, texts],
    deprecated: [11, bool],
  },
  extensions: 13,
};
const one = message(() => operation);
const pathItem: Shape = {
  fields: {
    get: [2, one],
    put: [3, one],
    post: [4, one],
    delete: [5, one],
    options: [6, one],
    head: [7, one],
    patch: [8, one],
    parameters: [9, list(parameter)],
  },
  extensions: 10,
};
const info: Shape = { fields: { title: [1, text], version: [2, text], description: [3, text] }, extensions: 7 };
const apiKey: Shape = { fields: { type: [1, text], name: [2, text], in: [3, text], description: [4, text] }, extensions: 5 };

const document: Shape = {
  fields: {
    swagger: [1, text],
    info: [2, message(() => info)],
    schemes: [5, texts],
    consumes: [6, texts],
    produces: [7, texts],
    paths: [8, (writer, number, value) => enclose(writer, number, () => named(message(() => pathItem))(writer, 2, value))],
    definitions: [9, wrapped(named(message(() => schema)))],
    security: [12, list(wrapped(named((writer, number, scopes) => enclose(writer, number, () => texts(writer, 1, scopes)))))],
    securityDefinitions: [
      13,
      wrapped(named((writer, number, value) => enclose(writer, number, () => message(() => apiKey)(writer, 2, value)))),
    ],
  },
  extensions: 16,
};

/** `swagger`: a document as `openApiV2` makes it. */
export function encodeGnostic(swagger: unknown): Uint8Array {
  const writer = new WireWriter();
  writeShape(writer, swagger, document);
  return writer.finish();
}
