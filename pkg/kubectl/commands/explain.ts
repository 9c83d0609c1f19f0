import { apiVersionOf } from '../../api/object.ts';
import { isObject, type JsonObject } from '../../runtime/values.ts';
import type { Command, CommandContext } from '../command.ts';
import { CommandError } from '../failure.ts';
import type { ResourceInfo } from '../resource-mapper.ts';

export const explain: Command = {
  name: 'explain',
  short: 'Say what a resource or a field of it is',
  usage: 'TYPE [--recursive] [--api-version=api-version-group]',
  examples: 'kubectl explain pods\nkubectl explain deployment.spec.strategy\nkubectl explain pods --recursive',
  flags: [
    { name: 'recursive', kind: 'bool', help: 'Show all fields within, without words.' },
    { name: 'api-version', kind: 'string', help: 'At this group and version: apps/v1.' },
  ],
  async run(context, { flags, args }) {
    const [asked, ...more] = args;
    if (asked === undefined)
      throw new CommandError(
        'You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.\n\nerror: must be specified',
      );
    if (more.length > 0) throw new CommandError('We accept only this format: explain RESOURCE');
    const { info, path } = await split(context, asked.replace(/\.$/, ''), flags.optional('api-version'));
    const document = await documentOf(context, info);
    const reader = new SchemaReader(document);
    const root = reader.ofKind(info);
    await context.io.stdout(
      text(reader, { info, root, path, recursive: flags.bool('recursive'), width: context.io.isTerminal ? (context.io.width ?? 80) : 80 }),
    );
    return 0;
  },
};

/** `deployments.spec.replicas`, `deployments.apps.spec`: as much of the front as names a resource, the rest a path. */
async function split(
  context: CommandContext,
  asked: string,
  apiVersion: string | undefined,
): Promise<{ info: ResourceInfo; path: string[] }> {
  const [first = '', ...rest] = asked.split('.');
  const all = await context.mapper.all();
  if (apiVersion !== undefined) {
    const info = all.find(
      (each) => apiVersionOf(each) === apiVersion && [each.resource, each.singular, ...each.shortNames].includes(first),
    );
    if (!info) throw new CommandError(`couldn't find resource for ${JSON.stringify(first)} at version ${JSON.stringify(apiVersion)}`);
    return { info, path: rest };
  }
  for (let taken = rest.length; taken > 0; taken--) {
    const group = rest.slice(0, taken).join('.');
    if (all.some((info) => info.group === group))
      return { info: await context.mapper.one([first, group].join('.')), path: rest.slice(taken) };
  }
  return { info: await context.mapper.one(first), path: rest };
}

async function documentOf(context: CommandContext, info: ResourceInfo): Promise<JsonObject> {
  const where = info.group === '' ? `api/${info.version}` : `apis/${info.group}/${info.version}`;
  const index = (await context.api.json('/openapi/v3')) as { paths?: Record<string, { serverRelativeURL: string }> };
  const entry = index.paths?.[where];
  if (!entry) throw new CommandError(`couldn't find resource for ${JSON.stringify(`${where}, Resource=${info.resource}`)}`);
  return (await context.api.json(entry.serverRelativeURL)) as JsonObject;
}

/** Schemas of an OpenAPI v3 document, with references followed. */
export class SchemaReader {
  readonly #schemas: JsonObject;

  constructor(document: JsonObject) {
    const components = document['components'];
    this.#schemas = isObject(components) && isObject(components['schemas']) ? components['schemas'] : {};
  }

  ofKind({ group, version, kind }: ResourceInfo): JsonObject {
    for (const schema of Object.values(this.#schemas)) {
      if (!isObject(schema)) continue;
      const gvks = schema['x-kubernetes-group-version-kind'];
      if (
        Array.isArray(gvks) &&
        gvks.some((gvk) => isObject(gvk) && gvk['group'] === group && gvk['version'] === version && gvk['kind'] === kind)
      )
        return schema;
    }
    throw new CommandError(`GVR (${group}/${version}, ${kind}) not found in OpenAPI schema`);
  }

  /** The schema itself; a description beside the reference is kept. */
  follow(schema: JsonObject): JsonObject {
    const { name } = this.#reference(schema);
    if (name === undefined) return schema;
    const target = this.#schemas[name];
    return isObject(target) ? { ...target, ...(schema['description'] ? { description: schema['description'] } : {}) } : schema;
  }

  /** What is referred to, with its own description. */
  target(schema: JsonObject): JsonObject {
    const { name } = this.#reference(schema);
    const target = name === undefined ? undefined : this.#schemas[name];
    return isObject(target) ? target : schema;
  }

  /** What holds the fields: the element, in lists and maps. */
  element(schema: JsonObject): JsonObject {
    const followed = this.follow(schema);
    const inner = followed['items'] ?? (isObject(followed['additionalProperties']) ? followed['additionalProperties'] : undefined);
    return isObject(inner) ? this.element(inner) : followed;
  }

  fields(schema: JsonObject): [string, JsonObject][] {
    const properties = this.element(schema)['properties'];
    return isObject(properties)
      ? Object.entries(properties)
          .filter((entry): entry is [string, JsonObject] => isObject(entry[1]))
          .sort(([a], [b]) => (a < b ? -1 : 1))
      : [];
  }

  /** `string`, `[]Container`, `map[string]string`, `PodSpec`. */
  typeName(schema: JsonObject): string {
    const { name } = this.#reference(schema);
    const followed = this.follow(schema);
    if (isObject(followed['items'])) return `[]${this.typeName(followed['items'])}`;
    if (isObject(followed['additionalProperties'])) return `map[string]${this.typeName(followed['additionalProperties'])}`;
    if (name !== undefined && (followed['properties'] !== undefined || followed['type'] === undefined || followed['type'] === 'object'))
      return name.split('.').at(-1) ?? name;
    if (followed['format'] === 'int-or-string' || followed['x-kubernetes-int-or-string']) return 'IntOrString';
    if (name !== undefined && followed['type'] === 'string') return name.endsWith('Quantity') ? 'Quantity' : 'string';
    return typeof followed['type'] === 'string' ? (followed['type'] === 'object' ? 'Object' : followed['type']) : 'Object';
  }

  #reference(schema: JsonObject): { readonly name: string | undefined } {
    const allOf = schema['allOf'];
    const ref = schema['$ref'] ?? (Array.isArray(allOf) && isObject(allOf[0]) ? allOf[0]['$ref'] : undefined);
    return { name: typeof ref === 'string' ? ref.slice(ref.lastIndexOf('/') + 1) : undefined };
  }
}

interface Explained {
  readonly info: ResourceInfo;
  readonly root: JsonObject;
  readonly path: readonly string[];
  readonly recursive: boolean;
  readonly width: number;
}

export function text(reader: SchemaReader, { info, root, path, recursive, width }: Explained): string {
  let schema = root;
  let field: string | undefined;
  for (const [i, name] of path.entries()) {
    const found = reader.fields(schema).find(([each]) => each === name);
    if (!found) throw new CommandError(`field ${JSON.stringify(path.slice(0, i + 1).join('.'))} does not exist`);
    field = name;
    schema = found[1];
  }
  const out: string[] = [];
  if (info.group) out.push(`GROUP:      ${info.group}`);
  out.push(`KIND:       ${info.kind}`, `VERSION:    ${info.version}`, '');
  if (field !== undefined) {
    const values = reader.follow(schema)['enum'];
    const list = Array.isArray(values) ? ['ENUM:', ...values.map((value) => `    ${value}`)] : [''];
    out.push(`FIELD: ${field} <${reader.typeName(schema)}>`, ...list, '');
  }
  out.push('DESCRIPTION:', ...descriptionsOf(reader, schema).flatMap((each) => wrapped(each, 4, width)), '    ');
  const fields = reader.fields(schema);
  if (fields.length > 0) {
    out.push('FIELDS:');
    const required = requiredOf(reader.element(schema));
    for (const [name, each] of fields) {
      if (recursive) listFields(reader, out, { name, schema: each, required: required.has(name), depth: 1, above: [] });
      else {
        out.push(`  ${name}\t<${reader.typeName(each)}>${required.has(name) ? ' -required-' : ''}`, ...enumOf(reader.follow(each), '  '));
        out.push(...wrapped(descriptionsOf(reader, each)[0] as string, 4, width), '');
      }
    }
  }
  return `${out.join('\n')}\n\n`;
}

function listFields(
  reader: SchemaReader,
  out: string[],
  {
    name,
    schema,
    required,
    depth,
    above,
  }: {
    readonly name: string;
    readonly schema: JsonObject;
    readonly required: boolean;
    readonly depth: number;
    readonly above: readonly string[];
  },
): void {
  const type = reader.typeName(schema);
  out.push(`${'  '.repeat(depth)}${name}\t<${type}>${required ? ' -required-' : ''}`, ...enumOf(reader.follow(schema), '  '.repeat(depth)));
  // A type within itself (a schema's properties, for one) has no end.
  if (above.includes(type)) return;
  const inner = requiredOf(reader.element(schema));
  for (const [child, each] of reader.fields(schema)) {
    listFields(reader, out, { name: child, schema: each, required: inner.has(child), depth: depth + 1, above: [...above, type] });
  }
}

function requiredOf(schema: JsonObject): Set<unknown> {
  return new Set(Array.isArray(schema['required']) ? schema['required'] : []);
}

function enumOf(schema: JsonObject, indent: string): string[] {
  return Array.isArray(schema['enum']) ? [`${indent}enum: ${schema['enum'].join(', ')}`] : [];
}

/** What is said of the field, and what of its type. */
function descriptionsOf(reader: SchemaReader, schema: JsonObject): string[] {
  const said = [schema['description'], reader.target(schema)['description'], reader.element(schema)['description']];
  const texts = [...new Set(said.filter((text): text is string => typeof text === 'string' && text !== ''))];
  return texts.length === 0 ? ['<empty>'] : texts;
}

function wrapped(text: string, indent: number, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width - indent) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines.map((line) => `${' '.repeat(indent)}${line}`.trimEnd());
}
