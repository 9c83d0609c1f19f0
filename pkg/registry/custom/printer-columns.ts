/**
 * The columns of a custom resource's table: what its definition asks for, or the age.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#additional-printer-columns
 */
import type { CustomResourceColumnDefinition } from '../../api/generated/apiextensions-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { JsonPath } from '../../runtime/json-path.ts';
import { sortedJson } from '../../runtime/sorted-json.ts';
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
      return typeof value === 'string' ? ageText(value, now) : undefined;
    default:
      return jsonText(value);
  }
}

/** RFC 3339 alone is a time; a date without one is none. */
const time = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d/;

function ageText(value: string, now: number): string {
  return value === '' || time.test(value) ? ageAt(value, now) : '<invalid>';
}

/** A text as it is, anything else as its JSON. */
function jsonText(value: unknown): string {
  return typeof value === 'object' ? sortedJson(value) : String(value);
}
