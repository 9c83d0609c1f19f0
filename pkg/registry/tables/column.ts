import type { KubeObject } from '../../api/object.ts';
import { selectorFromLabelSelector } from '../../api/selectors.ts';
import type { TableColumn } from '../contract.ts';
import { objectAt, objects, type Raw, raw, text } from '../raw.ts';
import { ageAt } from './human-duration.ts';

export type Cell = (object: Raw, now: number) => unknown;

interface ColumnOptions {
  readonly type?: TableColumn['type'];
  readonly description?: string;
}

/** A column that is always shown. */
export function column(name: string, cell: Cell, options: ColumnOptions = {}): TableColumn {
  return {
    name,
    type: options.type ?? 'string',
    description: options.description ?? '',
    priority: 0,
    cell: (object: KubeObject, now: number) => cell(raw(object), now),
  };
}

/** A column of `-o wide`. */
export function wide(name: string, cell: Cell, options: ColumnOptions = {}): TableColumn {
  return { ...column(name, cell, options), priority: 1 };
}

/** A whole number; nothing set reads as zero. */
export function integer(name: string, cell: Cell, description = ''): TableColumn {
  return column(name, (object, now) => Number(cell(object, now) ?? 0), { type: 'integer', description });
}

export const metadata = (object: Raw): Raw => objectAt(object['metadata']);
export const spec = (object: Raw): Raw => objectAt(object['spec']);
export const status = (object: Raw): Raw => objectAt(object['status']);

export const nameColumn: TableColumn = {
  ...column('Name', (object) => metadata(object)['name'], { description: 'Unique within its namespace.' }),
  format: 'name',
};
export const ageColumn = column('Age', (object, now) => ageAt(metadata(object)['creationTimestamp'], now), {
  description: 'How long ago it was created.',
});
export const createdAtColumn: TableColumn = {
  ...column('Created At', (object) => metadata(object)['creationTimestamp'], { type: 'date', description: 'When it was created.' }),
};

export const none = '<none>';
export const orNone = (value: unknown): string => text(value) || none;

/** `a=b,c=d`, by key. */
export function labelText(labels: unknown): string {
  const pairs = Object.entries(objectAt(labels)).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.length === 0 ? none : pairs.map(([key, value]) => `${key}=${String(value)}`).join(',');
}

/** A metav1.LabelSelector in the form of the query parameter. */
export function selectorText(selector: unknown): string {
  if (selector === undefined) return none;
  try {
    return selectorFromLabelSelector(objectAt(selector)).toString() || none;
  } catch {
    return '<error>';
  }
}

export const containersOf = (template: unknown): Raw[] => objects(objectAt(objectAt(template)['spec'])['containers']);
const joined = (list: readonly Raw[], field: string): string => list.map((item) => text(item[field])).join(',');

/** The columns by which workloads tell what they run. */
export function templateColumns(template: (object: Raw) => unknown): TableColumn[] {
  return [
    wide('Containers', (object) => joined(containersOf(template(object)), 'name'), { description: 'Containers of the template.' }),
    wide('Images', (object) => joined(containersOf(template(object)), 'image'), { description: 'Images of these containers.' }),
  ];
}

/** The condition's entry, if it is there. */
export function conditionOf(object: Raw, type: string): Raw | undefined {
  return objects(status(object)['conditions']).find((condition) => condition['type'] === type);
}
export const isTrue = (object: Raw, type: string): boolean => conditionOf(object, type)?.['status'] === 'True';
