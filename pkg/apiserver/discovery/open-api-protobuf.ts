/**
 * The OpenAPI v2 document as protobuf, the only form that Go clients ask for: the messages of `openapi.v2.Document`
 * (gnostic's). They follow the JSON document member by member; the table below says under which number each member
 * goes and what it is. Members that begin with `x-` go into `vendor_extension` as YAML text, which JSON is.
 */
import { InvariantError } from '../../api/errors.ts';
import { stringifyJson } from '../../runtime/json.ts';
import { WireWriter } from '../../runtime/protobuf-wire.ts';
import { isObject, type JsonObject } from '../../runtime/values.ts';

export const openApiV2Protobuf = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

/** A scalar; `any` (a value as text); the name of a message; `[]` of any of these. */
type MemberType = string;
type Members = Readonly<Record<string, readonly [number: number, type: MemberType]>>;

interface Message {
  readonly members: Members;
  /** Members of any other name: each becomes an entry of this list, with its name and value. */
  readonly others?: readonly [number: number, type: MemberType];
  readonly extensions?: number;
}

const messages: Readonly<Record<string, Message>> = {
  Document: {
    members: {
      swagger: [1, 'string'],
      info: [2, 'Info'],
      paths: [8, 'Paths'],
      definitions: [9, 'Definitions'],
      security: [12, '[]SecurityRequirement'],
      securityDefinitions: [13, 'SecurityDefinitions'],
    },
  },
  Info: { members: { title: [1, 'string'], version: [2, 'string'], description: [3, 'string'] } },
  Paths: { members: {}, others: [2, 'PathItem'], extensions: 1 },
  PathItem: {
    members: {
      get: [2, 'Operation'],
      put: [3, 'Operation'],
      post: [4, 'Operation'],
      delete: [5, 'Operation'],
      options: [6, 'Operation'],
      head: [7, 'Operation'],
      patch: [8, 'Operation'],
      parameters: [9, '[]ParametersItem'],
    },
    extensions: 10,
  },
  Operation: {
    members: {
      tags: [1, '[]string'],
      summary: [2, 'string'],
      description: [3, 'string'],
      operationId: [5, 'string'],
      produces: [6, '[]string'],
      consumes: [7, '[]string'],
      parameters: [8, '[]ParametersItem'],
      responses: [9, 'Responses'],
      schemes: [10, '[]string'],
      deprecated: [11, 'bool'],
    },
    extensions: 13,
  },
  BodyParameter: {
    members: { description: [1, 'string'], name: [2, 'string'], in: [3, 'string'], required: [4, 'bool'], schema: [5, 'Schema'] },
    extensions: 6,
  },
  QueryParameter: {
    members: {
      required: [1, 'bool'],
      in: [2, 'string'],
      description: [3, 'string'],
      name: [4, 'string'],
      type: [6, 'string'],
      uniqueItems: [20, 'bool'],
    },
    extensions: 23,
  },
  PathParameter: {
    members: {
      required: [1, 'bool'],
      in: [2, 'string'],
      description: [3, 'string'],
      name: [4, 'string'],
      type: [5, 'string'],
      uniqueItems: [19, 'bool'],
    },
    extensions: 22,
  },
  Responses: { members: {}, others: [1, 'ResponseValue'], extensions: 2 },
  Response: { members: { description: [1, 'string'], schema: [2, 'SchemaItem'] }, extensions: 5 },
  Definitions: { members: {}, others: [1, 'Schema'] },
  Schema: {
    members: {
      $ref: [1, 'string'],
      format: [2, 'string'],
      title: [3, 'string'],
      description: [4, 'string'],
      default: [5, 'any'],
      multipleOf: [6, 'double'],
      maximum: [7, 'double'],
      exclusiveMaximum: [8, 'bool'],
      minimum: [9, 'double'],
      exclusiveMinimum: [10, 'bool'],
      maxLength: [11, 'int64'],
      minLength: [12, 'int64'],
      pattern: [13, 'string'],
      maxItems: [14, 'int64'],
      minItems: [15, 'int64'],
      uniqueItems: [16, 'bool'],
      maxProperties: [17, 'int64'],
      minProperties: [18, 'int64'],
      required: [19, '[]string'],
      enum: [20, '[]any'],
      additionalProperties: [21, 'AdditionalPropertiesItem'],
      type: [22, 'TypeItem'],
      items: [23, 'ItemsItem'],
      allOf: [24, '[]Schema'],
      properties: [25, 'Definitions'],
      readOnly: [27, 'bool'],
      example: [30, 'any'],
    },
    extensions: 31,
  },
  SecurityRequirement: { members: {}, others: [1, 'StringArray'] },
  SecurityDefinitions: { members: {}, others: [1, 'SecurityDefinitionsItem'] },
  ApiKeySecurity: { members: { type: [1, 'string'], name: [2, 'string'], in: [3, 'string'], description: [4, 'string'] }, extensions: 5 },
};

/** Messages that wrap one value under a number: which, and of what type, can depend on the value. */
const wrappers: Readonly<Record<string, (value: unknown) => readonly [number: number, type: MemberType]>> = {
  ParametersItem: () => [1, 'Parameter'],
  Parameter: (value) => (isObject(value) && value['in'] === 'body' ? [1, 'BodyParameter'] : [2, 'NonBodyParameter']),
  NonBodyParameter: (value) => (isObject(value) && value['in'] === 'path' ? [4, 'PathParameter'] : [3, 'QueryParameter']),
  ResponseValue: () => [1, 'Response'],
  SchemaItem: () => [1, 'Schema'],
  SecurityDefinitionsItem: () => [2, 'ApiKeySecurity'],
  AdditionalPropertiesItem: (value) => (typeof value === 'boolean' ? [2, 'bool'] : [1, 'Schema']),
  TypeItem: () => [1, '[]string'],
  ItemsItem: () => [1, '[]Schema'],
  StringArray: () => [1, '[]string'],
};

export function encodeOpenApiV2(document: JsonObject): Uint8Array {
  const writer = new WireWriter();
  writeContent(writer, 'Document', document);
  return writer.finish();
}

/** The writer goes from the end to the beginning, so members are written last to first. */
function writeContent(writer: WireWriter, type: string, value: unknown): void {
  const wrap = wrappers[type];
  if (wrap) {
    const [number, inner] = wrap(value);
    writeMember(writer, number, inner, value);
    return;
  }
  const message = messages[type];
  if (!message || !isObject(value)) throw new InvariantError(`OpenAPI: no ${type} can be made of ${stringifyJson(value)}`);
  for (const [name, member] of Object.entries(value).reverse()) {
    if (member === undefined) continue;
    const known = Object.hasOwn(message.members, name) ? message.members[name] : undefined;
    if (known) writeMember(writer, known[0], known[1], member);
    else if (name.startsWith('x-') && message.extensions !== undefined) writeNamed(writer, message.extensions, 'any', name, member);
    else if (message.others) writeNamed(writer, message.others[0], message.others[1], name, member);
    else throw new InvariantError(`OpenAPI: a ${type} has no member ${JSON.stringify(name)}`);
  }
}

function writeNamed(writer: WireWriter, number: number, type: MemberType, name: string, value: unknown): void {
  const end = writer.length;
  writeMember(writer, 2, type, value);
  writer.string(1, name);
  writer.message(number, end);
}

function writeMember(writer: WireWriter, number: number, type: MemberType, value: unknown): void {
  if (type.startsWith('[]')) {
    // `items` and `type` are one value in JSON and a list here.
    for (const item of (Array.isArray(value) ? value : [value]).toReversed()) writeMember(writer, number, type.slice(2), item);
    return;
  }
  switch (type) {
    case 'string':
      writer.string(number, String(value));
      return;
    case 'bool':
      writer.varint(number, value ? 1 : 0);
      return;
    case 'int64':
      writer.varint(number, Number(value));
      return;
    case 'double':
      writer.double(number, Number(value));
      return;
    default: {
      const end = writer.length;
      if (type === 'any') writer.string(2, stringifyJson(value));
      else writeContent(writer, type, value);
      writer.message(number, end);
    }
  }
}
