/**
 * Tables: rows of cells as `kubectl get` prints them, so that a client can show kinds it has never heard of.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 */
import { badRequest } from '../api/errors.ts';
import type { ListMeta } from '../api/generated/meta-v1.ts';
import type { Entry, TableColumn } from '../registry/contract.ts';
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
  const columns = call.subresource === '' || call.subresource === 'status' ? declaration.columns : fallbackColumns;
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    columnDefinitions: withColumns ? columns.map(columnDefinition) : [],
    rows: entries.map((entry) => ({
      cells: columns.map((column) => column.cell(entry.object, now) ?? null),
      ...rowObject(entry, include, version),
    })),
  };
}

/** Read before a watch begins too, so that a wrong value is refused at once. */
export function includeObject(query: URLSearchParams): IncludeObject {
  const include = query.get('includeObject') || 'Metadata';
  if (include !== 'None' && include !== 'Metadata' && include !== 'Object') {
    throw badRequest(`unrecognized includeObject value: ${JSON.stringify(include)}`);
  }
  return include;
}

function rowObject(entry: Entry, include: IncludeObject, version: MetaVersion): { object?: unknown } {
  switch (include) {
    case 'None':
      return {};
    case 'Metadata':
      return { object: partialMetadata(entry.object, version) };
    case 'Object':
      return { object: entry.object };
  }
}

function columnDefinition({ name, type, format, description, priority }: TableColumn): unknown {
  return { name, type, format: format ?? (name === 'Name' ? 'name' : ''), description, priority };
}

/** For subresources with a kind of their own (Scale), which have no columns declared. */
const fallbackColumns: readonly TableColumn[] = [
  { name: 'Name', type: 'string', format: 'name', description: 'Name of the object.', priority: 0, cell: (object) => object.metadata.name },
  {
    name: 'Created At',
    type: 'date',
    description: 'When the object was created.',
    priority: 0,
    cell: (object) => object.metadata.creationTimestamp,
  },
];
