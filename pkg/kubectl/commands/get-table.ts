import { resourcePath } from '../../client/resource-path.ts';
import { type ApiRequestOptions, type Query, tableMediaType } from '../api.ts';
import type { CommandContext } from '../command.ts';
import type { Flags } from '../flags.ts';
import { itemsOf } from '../output/object-printer.ts';
import { isTable, type Table, tableLines } from '../output/table.ts';
import { printedType, type ResourceInfo } from '../resource-mapper.ts';
import type { Target } from '../targets.ts';

/** The selectors and page size of a list. */
export function listQuery(flags: Flags): Query {
  return { labelSelector: flags.optional('selector'), fieldSelector: flags.optional('field-selector') };
}

export function linesOf(
  table: Table,
  { flags, info, mixed }: { readonly flags: Flags; readonly info: ResourceInfo; readonly mixed: boolean },
): string[][] {
  return tableLines(table, {
    wide: flags.string('output') === 'wide',
    headers: !flags.bool('no-headers'),
    namespaces: flags.bool('all-namespaces') && info.namespaced,
    labels: flags.bool('show-labels'),
    labelColumns: flags.list('label-columns'),
    ...(mixed || flags.bool('show-kind') ? { prefix: `${printedType(info)}/` } : {}),
  });
}

export async function fetchTable(context: CommandContext, target: Target, flags: Flags): Promise<Table> {
  const { api } = context;
  const path = resourcePath(target.info, { ...target, subresource: flags.optional('subresource') });
  const includeObject = flags.has('sort-by') ? 'Object' : undefined;
  const ask = async (query: Query): Promise<Table> => {
    const options: ApiRequestOptions = { accept: tableMediaType, query: { includeObject, ...query } };
    const answer = await api.json(path, options);
    return isTable(answer) ? answer : plainTable(answer);
  };
  if (target.name !== undefined) return ask({});
  const limit = flags.int('chunk-size') || undefined;
  let page = await ask({ ...listQuery(flags), limit });
  const pages = [page];
  while (page.metadata?.continue) {
    page = await ask({ ...listQuery(flags), limit, continue: page.metadata.continue });
    pages.push(page);
  }
  const [first] = pages as [Table, ...Table[]];
  return { ...first, metadata: { ...first.metadata, ...page.metadata }, rows: pages.flatMap(({ rows }) => rows ?? []) };
}

/** For servers that make no tables of a kind. */
function plainTable(answer: unknown): Table {
  return {
    kind: 'Table',
    columnDefinitions: [
      { name: 'Name', type: 'string' },
      { name: 'Created At', type: 'date' },
    ],
    rows: itemsOf(answer).map((object) => ({ cells: [object.metadata.name, object.metadata.creationTimestamp], object })),
  };
}
