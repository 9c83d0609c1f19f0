/** `-o`: how objects are printed when it is not as a table from the server. */

import { JsonPath, relaxedPath } from '../../runtime/json-path.ts';
import { sortedJson } from '../../runtime/sorted-json.ts';
import { isObject } from '../../runtime/values.ts';
import { formatYaml } from '../../runtime/yaml-format.ts';
import { CommandError } from '../failure.ts';
import type { LooseObject } from '../manifests.ts';
import { formatTable } from './table.ts';

/** Text of one object, or of a List of them; ends with a line break unless the template ends otherwise. */
export type ObjectPrinter = (object: unknown) => string;

const formats = ['custom-columns', 'custom-columns-file', 'json', 'jsonpath', 'jsonpath-as-json', 'jsonpath-file', 'name', 'wide', 'yaml'];

export interface PrinterOptions {
  /** Reads a template's file. */
  readonly readFile: (path: string) => Promise<string>;
  readonly headers?: boolean;
  readonly showManagedFields?: boolean;
  /** `pod/web` for an object. */
  readonly nameOf: (object: LooseObject) => string;
}

/** Undefined for tables: no -o, or -o wide. Throws for an unknown form. */
export async function printerFor(output: string | undefined, options: PrinterOptions): Promise<ObjectPrinter | undefined> {
  if (output === undefined || output === '' || output === 'wide') return undefined;
  const equals = output.indexOf('=');
  const form = equals < 0 ? output : output.slice(0, equals);
  const argument = equals < 0 ? '' : output.slice(equals + 1);
  const needed = (): string => {
    if (argument === '')
      throw new CommandError(
        `${form === 'custom-columns' ? 'custom-columns format specified but no custom columns given' : 'template format specified but no template given'}`,
      );
    return argument;
  };
  const clean = (object: unknown): unknown => (options.showManagedFields ? object : withoutManagedFields(object));
  switch (form) {
    case 'json':
      return (object) => `${sortedJson(clean(object), 4)}\n`;
    case 'yaml':
      return (object) => formatYaml(clean(object));
    case 'name':
      return (object) =>
        itemsOf(object)
          .map((item) => `${options.nameOf(item)}\n`)
          .join('');
    case 'jsonpath':
    case 'jsonpath-file':
    case 'jsonpath-as-json': {
      const path = new JsonPath(form === 'jsonpath-file' ? (await options.readFile(needed())).replace(/\n$/, '') : needed());
      return form === 'jsonpath-as-json'
        ? (object) => `${sortedJson(path.find(clean(object)), 4)}\n`
        : (object) => path.render(clean(object));
    }
    case 'custom-columns':
      return customColumns(needed(), options);
    case 'custom-columns-file': {
      const [names = '', paths = ''] = (await options.readFile(needed())).split('\n');
      const heads = names.trim().split(/\s+/);
      const specs = paths.trim().split(/\s+/);
      if (heads.length !== specs.length)
        throw new CommandError(`number of headers (${heads.length}) and field specifications (${specs.length}) don't match`);
      return customColumns(heads.map((head, i) => `${head}:${specs[i]}`).join(','), options);
    }
    default:
      throw new CommandError(
        `unable to match a printer suitable for the output format ${JSON.stringify(form)}, allowed formats are: ${formats.join(',')}`,
      );
  }
}

/** `NAME:.metadata.name,IMAGE:.spec.containers[*].image`. */
function customColumns(spec: string, { headers = true }: PrinterOptions): ObjectPrinter {
  const columns = splitColumns(spec).map((part) => {
    const colon = part.indexOf(':');
    if (colon <= 0 || colon === part.length - 1) {
      throw new CommandError(`unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`);
    }
    return { head: part.slice(0, colon), path: relaxedPath(part.slice(colon + 1)) };
  });
  const cell = (path: JsonPath, object: unknown): string => {
    const found = path.find(object);
    return found.length === 0
      ? '<none>'
      : found
          .map((value) =>
            value === null || value === undefined ? '<nil>' : isObject(value) || Array.isArray(value) ? goValue(value) : String(value),
          )
          .join(',');
  };
  return (object) =>
    formatTable([
      ...(headers ? [columns.map(({ head }) => head)] : []),
      ...itemsOf(object).map((item) => columns.map(({ path }) => cell(path, item))),
    ]);
}

/** Commas within brackets belong to a path. */
function splitColumns(spec: string): string[] {
  return spec.match(/(?:\[[^\]]*\]|[^,[])+/g) ?? [];
}

/** As Go's fmt prints maps and slices. */
function goValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`;
  if (!isObject(value)) return String(value);
  const pairs = Object.keys(value)
    .sort()
    .map((key) => `${key}:${goValue(value[key])}`);
  return `map[${pairs.join(' ')}]`;
}

/** The objects of a List, or the one object. */
export function itemsOf(object: unknown): LooseObject[] {
  if (isObject(object) && Array.isArray(object['items']) && String(object['kind']).endsWith('List'))
    return object['items'] as LooseObject[];
  return [object as LooseObject];
}

export function withoutManagedFields(object: unknown): unknown {
  if (!isObject(object)) return object;
  if (Array.isArray(object['items'])) return { ...object, items: object['items'].map(withoutManagedFields) };
  if (!isObject(object['metadata']) || object['metadata']['managedFields'] === undefined) return object;
  const { managedFields: _hidden, ...metadata } = object['metadata'];
  return { ...object, metadata };
}

/** What `get` of several objects prints. */
export function listOf(items: readonly unknown[], resourceVersion = ''): unknown {
  return { apiVersion: 'v1', items, kind: 'List', metadata: { resourceVersion } };
}
