/**
 * The columns of a custom resource's table: what its definition asks for, or the age.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#additional-printer-columns
 */
import type { CustomResourceColumnDefinition } from '../../api/generated/apiextensions-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { JsonPath } from '../../runtime/json-path.ts';
import { isObject } from '../../runtime/values.ts';
import type { TableColumn } from '../contract.ts';
import { nameColumn } from '../tables/column.ts';
import { ageAt } from '../tables/human-duration.ts';

const age: CustomResourceColumnDefinition = {
  name: 'Age',
  type: 'date',
  description: 'When the object was created.',
  jsonPath: '.metadata.creationTimestamp',
};

/** Where one of the paths cannot be read, the age alone: nobody checks them before, and the objects must be shown. */
export function printerColumns(definitions: readonly CustomResourceColumnDefinition[] = []): TableColumn[] {
  const wanted = definitions.length > 0 ? definitions : [age];
  const columns = wanted.flatMap((definition) => columnOf(definition) ?? []);
  return [nameColumn, ...(columns.length === wanted.length ? columns : [columnOf(age) as TableColumn])];
}

function columnOf({
  name,
  type,
  format,
  description = '',
  priority = 0,
  jsonPath,
}: CustomResourceColumnDefinition): TableColumn | undefined {
  const path = pathOf(jsonPath);
  if (!path) return undefined;
  return {
    name,
    type: type as TableColumn['type'],
    ...(format === undefined ? {} : { format }),
    description,
    priority,
    cell: (object: KubeObject, now: number) => cellOf(first(path, object), type, now),
  };
}

function pathOf(jsonPath: string): JsonPath | undefined {
  try {
    return new JsonPath(`{${jsonPath}}`);
  } catch {
    return undefined; // What is no path finds nothing.
  }
}

/** The first of what the path finds; nothing, where it cannot be followed. */
function first(path: JsonPath, object: KubeObject): unknown {
  try {
    return path.find(object)[0];
  } catch {
    return undefined; // An index beyond the end, in this object: an empty cell, as for any other absence.
  }
}

function cellOf(value: unknown, type: string, now: number): unknown {
  if (value === undefined || value === null) return undefined;
  switch (type) {
    case 'integer':
      if (typeof value === 'bigint') return value;
      return typeof value === 'number' ? Math.trunc(value) : undefined;
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint' ? value : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'date':
      return typeof value === 'string' ? ageAt(value, now) : undefined;
    default:
      return goText(value);
  }
}

/** As Go prints a value that has no type of its own: `map[a:1 b:2]`, `[x y]`. */
function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (isObject(value)) {
    const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${pairs.map(([key, each]) => `${key}:${goText(each)}`).join(' ')}]`;
  }
  return value === null ? '<nil>' : String(value);
}
