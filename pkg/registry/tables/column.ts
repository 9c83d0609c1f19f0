import type { KubeObject } from '../../api/object.ts';
import type { TableColumn } from '../contract.ts';
import { objectAt, objects, type Raw, raw, strings, text } from '../raw.ts';
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

/** A whole number in a column that Kubernetes calls one of strings. */
export function counted(name: string, cell: Cell, description = ''): TableColumn {
  return { ...integer(name, cell, description), type: 'string' };
}

export const metadata = (object: Raw): Raw => objectAt(object['metadata']);
export const spec = (object: Raw): Raw => objectAt(object['spec']);
export const status = (object: Raw): Raw => objectAt(object['status']);

export const nameColumn: TableColumn = {
  ...column('Name', (object) => metadata(object)['name'], { description: 'Unique within its namespace.' }),
  format: 'name',
};
/** The name, and whether an annotation makes it the one that is taken when none is named. */
export function defaultName(annotation: string): TableColumn {
  const cell = ({ metadata: { name, annotations } }: KubeObject): string =>
    annotations?.[annotation] === 'true' ? `${name} (default)` : name;
  return { ...nameColumn, cell };
}
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

const expressionTexts: Readonly<Record<string, (key: string, values: string) => string>> = {
  In: (key, values) => `${key} in (${values})`,
  NotIn: (key, values) => `${key} notin (${values})`,
  Exists: (key) => key,
  DoesNotExist: (key) => `!${key}`,
};

/** A metav1.LabelSelector in the form of the query parameter, by key. */
export function selectorText(selector: unknown): string {
  if (selector === undefined) return none;
  const { matchLabels, matchExpressions } = objectAt(selector);
  const terms = Object.entries(objectAt(matchLabels)).map(([key, value]) => ({ key, text: `${key}=${String(value)}` }));
  for (const { key, operator, values } of objects(matchExpressions)) {
    const format = expressionTexts[text(operator)];
    if (!format) return '<error>';
    terms.push({ key: text(key), text: format(text(key), strings(values).sort().join(',')) });
  }
  terms.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return terms.map((term) => term.text).join(',') || none;
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

/** As many as kubectl shows of a list; the others are counted. */
export const shown = 3;
export function shortened(all: readonly string[], empty: string): string {
  if (all.length === 0) return empty;
  const rest = all.length - shown;
  return rest > 0 ? `${all.slice(0, shown).join(',')} + ${rest} more...` : all.join(',');
}
