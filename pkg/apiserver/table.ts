/**
 * Tables: rows of cells as `kubectl get` prints them, so that a client can show kinds it has never heard of.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 */
import { badRequest } from '../api/errors.ts';
import type { ListMeta } from '../api/generated/meta-v1.ts';
import type { Entry, TableColumn } from '../registry/contract.ts';
import { ageColumn, createdAtColumn, integer, nameColumn, spec, status } from '../registry/tables/column.ts';
import { type MetaVersion, partialMetadata } from './partial-metadata.ts';
import type { ResourceCall } from './resource-call.ts';

type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface TableOptions {
  /** A watch sends the columns with its first event only. */
  readonly withColumns?: boolean;
}

export function tableOf(
  call: ResourceCall,
  entries: readonly Entry[],
  metadata: ListMeta,
  { withColumns = true }: TableOptions = {},
): unknown {
  const { declaration, services, negotiated, exchange } = call;
  const version = negotiated.metaVersion;
  const include = includeObject(exchange.request.query);
  const now = services.clock.now();
  const columns = call.subresource !== 'scale' ? declaration.columns : declaration.custom ? customScaleColumns : scaleColumns;
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    // Go writes a list that is not set as null.
    columnDefinitions: withColumns ? columns.map(columnDefinition) : null,
    rows: rowsOrNull(
      entries.map((entry) => ({
        cells: columns.map((column) => column.cell(entry.object, now) ?? null),
        object: rowObject(entry, include, version),
      })),
      columns,
    ),
  };
}

/** Read before a watch begins too, so that a wrong value is refused at once. */
export function includeObject(query: URLSearchParams): IncludeObject {
  const include = query.get('includeObject') || 'Metadata';
  if (include !== 'None' && include !== 'Metadata' && include !== 'Object') {
    const why = `includeObject: Invalid value: ${JSON.stringify(include)}: must be 'Metadata', 'Object', 'None', or empty`;
    throw badRequest(`Unable to convert to Table as requested: ${why}`);
  }
  return include;
}

/** A kind without columns of its own has no rows at all where it has none. */
function rowsOrNull(rows: readonly unknown[], columns: readonly TableColumn[]): readonly unknown[] | null {
  return rows.length === 0 && columns.includes(createdAtColumn) ? null : rows;
}

function rowObject(entry: Entry, include: IncludeObject, version: MetaVersion): unknown {
  switch (include) {
    case 'None':
      return null;
    case 'Metadata':
      return partialMetadata(entry.object, version);
    case 'Object':
      return entry.object;
  }
}

function columnDefinition({ name, type, format, description, priority }: TableColumn): unknown {
  return { name, type, format: format ?? (name === 'Name' ? 'name' : ''), description, priority };
}

/** For a Scale, as kubectl shows it. Other subresources are the object itself. */
const scaleColumns: readonly TableColumn[] = [
  { ...nameColumn, format: '' },
  integer('Desired', (object) => spec(object)['replicas'], 'How many pods are wanted.'),
  integer('Available', (object) => status(object)['replicas'], 'How many pods there are.'),
  ageColumn,
];
/** The same, called by other formats. */
const customScaleColumns: readonly TableColumn[] = [nameColumn, ...scaleColumns.slice(1, -1), { ...ageColumn, type: 'date' }];
