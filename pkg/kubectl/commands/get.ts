import { isApiError, isNotFound } from '../../api/errors.ts';
import {
  allNamespacesFlag,
  type Command,
  type CommandContext,
  type CommandInput,
  fieldSelectorFlag,
  filenameFlags,
  outputFlag,
  selectorFlag,
} from '../command.ts';
import { CommandError, describeFailure, SilentExit } from '../failure.ts';
import type { Flags } from '../flags.ts';
import { type LooseObject, readText } from '../manifests.ts';
import { listOf, type ObjectPrinter, printerFor } from '../output/object-printer.ts';
import { sortBy } from '../output/sort-by.ts';
import { type Table, TablePrinter } from '../output/table.ts';
import { printedName, type ResourceInfo } from '../resource-mapper.ts';
import { type Target, type Targets, targetsOf } from '../targets.ts';
import { fetchTable, linesOf, listQuery } from './get-table.ts';
import { watchAndPrint } from './get-watch.ts';

export const get: Command = {
  name: 'get',
  short: 'Show one or many objects',
  usage: '(TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE/NAME ...)',
  examples: `
kubectl get pods
kubectl get pods -o wide -A
kubectl get deployment web -o yaml
kubectl get pods -l app=web -w
kubectl get pods -o custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[*].image`,
  flags: [
    outputFlag,
    selectorFlag,
    fieldSelectorFlag,
    allNamespacesFlag,
    ...filenameFlags,
    { name: 'watch', short: 'w', kind: 'bool', help: 'After the list, show changes as they come.' },
    { name: 'watch-only', kind: 'bool', help: 'Show changes alone, without the list.' },
    { name: 'output-watch-events', kind: 'bool', help: 'Say of each change what it is: ADDED, MODIFIED, DELETED.' },
    { name: 'no-headers', kind: 'bool', help: 'No line with the names of columns.' },
    { name: 'show-labels', kind: 'bool', help: 'All labels as the last column.' },
    { name: 'label-columns', short: 'L', kind: 'strings', help: 'A column for each of these labels.' },
    { name: 'show-kind', kind: 'bool', help: 'Say of each object what it is.' },
    { name: 'show-managed-fields', kind: 'bool', help: 'Keep managedFields when printing JSON or YAML.' },
    { name: 'sort-by', kind: 'string', help: 'Sort by this field, a JSONPath: {.metadata.creationTimestamp}.' },
    { name: 'ignore-not-found', kind: 'bool', help: 'What is not there is no error.' },
    { name: 'chunk-size', kind: 'int', default: 500, help: 'Ask for so many objects at a time; 0: for all at once.' },
    { name: 'subresource', kind: 'string', help: 'Show this subresource: status or scale.' },
    { name: 'raw', kind: 'string', help: 'Show what the server answers at this path.' },
  ],
  async run(context, input) {
    const { flags, args } = input;
    const raw = flags.optional('raw');
    if (raw !== undefined) return printRaw(context, raw, args);
    if (args.length === 0 && !flags.has('filename')) {
      await context.warn(
        'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.\n',
      );
      throw new CommandError(
        'Required resource not specified.\nUse "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).\nSee \'kubectl get -h\' for help and examples',
      );
    }
    const targets = await targetsOf(context, args, flags, { lists: true });
    const printer = await objectPrinter(context, targets, flags);
    if (flags.bool('watch') || flags.bool('watch-only')) return watchAndPrint(context, input, { targets, printer });
    return printer ? printObjects(context, input, targets, printer) : printTables(context, input, targets);
  },
};

async function objectPrinter(context: CommandContext, { targets }: Targets, flags: Flags): Promise<ObjectPrinter | undefined> {
  const infos = new Map(targets.map(({ info }) => [`${info.group}/${info.kind}`, info]));
  return printerFor(flags.optional('output'), {
    readFile: (path) => readText(context.io, path),
    headers: !flags.bool('no-headers'),
    showManagedFields: flags.bool('show-managed-fields'),
    nameOf: ({ apiVersion, kind, metadata }) => {
      const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
      const info = infos.get(`${group}/${kind}`);
      return info ? printedName(info, metadata.name) : `${kind.toLowerCase()}/${metadata.name}`;
    },
  });
}

async function printRaw(context: CommandContext, path: string, args: readonly string[]): Promise<number> {
  if (args.length > 0) throw new CommandError('arguments may not be passed when --raw is specified');
  for await (const chunk of await context.api.stream(path)) await context.io.stdout(chunk);
  return 0;
}

async function printObjects(
  context: CommandContext,
  { flags }: CommandInput,
  { targets }: Targets,
  printer: ObjectPrinter,
): Promise<number> {
  const failures: unknown[] = [];
  const items: LooseObject[] = [];
  let single: LooseObject | undefined;
  for (const target of targets) {
    try {
      if (target.name === undefined) {
        items.push(
          ...((await context.api.list(target.info, target.namespace, listQuery(flags), flags.int('chunk-size'))).items as LooseObject[]),
        );
      } else {
        const object = (await context.api.get(target.info, { ...target, subresource: flags.optional('subresource') })) as LooseObject;
        items.push(object);
        if (targets.length === 1) single = object;
      }
    } catch (error) {
      if (!(isNotFound(error) && flags.bool('ignore-not-found'))) failures.push(error);
    }
  }
  const ordered = flags.has('sort-by') ? sortBy(items, flags.string('sort-by'), (item) => item) : items;
  const nothing = ordered.length === 0 && (failures.length > 0 || flags.bool('ignore-not-found') || flags.string('output') === 'name');
  if (!nothing) {
    const text = printer(single ?? listOf(ordered));
    await context.io.stdout(text);
  }
  return endWith(context, failures);
}

async function printTables(context: CommandContext, { flags }: CommandInput, { targets }: Targets): Promise<number> {
  const failures: unknown[] = [];
  const answered: { readonly info: ResourceInfo; readonly table: Table }[] = [];
  for (const group of byType(targets)) {
    const tables: Table[] = [];
    for (const target of group) {
      try {
        tables.push(await fetchTable(context, target, flags));
      } catch (error) {
        if (!(isNotFound(error) && flags.bool('ignore-not-found'))) failures.push(error);
      }
    }
    const table = joined(tables, flags);
    if (table) answered.push({ info: (group[0] as Target).info, table });
  }
  // Names are told apart by their kind where several kinds were found, even if there are no objects of some.
  const mixed = new Set(answered.map(({ info }) => info)).size > 1;
  let printed = 0;
  for (const { info, table } of answered) {
    if (!table.rows?.length) continue;
    if (printed++ > 0) await context.io.stdout('\n');
    await context.io.stdout(new TablePrinter().format(linesOf(table, { flags, info, mixed })));
  }
  if (printed === 0 && failures.length === 0 && !flags.bool('ignore-not-found')) {
    const namespaced = targets.some(({ info }) => info.namespaced) && !flags.bool('all-namespaces');
    await context.warn(namespaced ? `No resources found in ${context.namespace} namespace.` : 'No resources found');
  }
  return endWith(context, failures);
}

/** Neighbours of one type share a table. */
function byType(targets: readonly Target[]): Target[][] {
  const groups: Target[][] = [];
  for (const target of targets) {
    const last = groups.at(-1);
    if (last?.[0]?.info === target.info) last.push(target);
    else groups.push([target]);
  }
  return groups;
}

function joined(tables: readonly Table[], flags: Flags): Table | undefined {
  const [first] = tables;
  if (!first) return undefined;
  const rows = tables.flatMap((table) => table.rows ?? []);
  return { ...first, rows: flags.has('sort-by') ? sortBy(rows, flags.string('sort-by'), (row) => row.object) : rows };
}

/** All that failed is said; the exit code tells that something did. */
export async function endWith(context: CommandContext, failures: readonly unknown[]): Promise<number> {
  if (failures.length === 0) return 0;
  const unreachable = failures.find((error) => isApiError(error, 'ServiceUnavailable') || context.io.signal.aborted);
  if (unreachable) throw unreachable;
  for (const failure of failures) await context.warn(describeFailure(failure));
  throw new SilentExit(1);
}
