import { ApiError, isNotFound } from '../../api/errors.ts';
import type { Status } from '../../api/generated/meta-v1.ts';
import type { WatchEvent } from '../../api/http.ts';
import type { KubeObject } from '../../api/object.ts';
import { sortedJson } from '../../runtime/sorted-json.ts';
import { formatYaml } from '../../runtime/yaml-format.ts';
import { type Query, tableMediaType } from '../api.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { CommandError } from '../failure.ts';
import type { ObjectPrinter } from '../output/object-printer.ts';
import { type ColumnDefinition, isTable, type Table, TablePrinter } from '../output/table.ts';
import type { Target, Targets } from '../targets.ts';
import { fetchTable, linesOf, listQuery } from './get-table.ts';

interface WatchOptions {
  readonly targets: Targets;
  readonly printer: ObjectPrinter | undefined;
}

/** The list, then every change until Ctrl-C. A watch that the server ends is taken up where it ended. */
export async function watchAndPrint(context: CommandContext, input: CommandInput, { targets, printer }: WatchOptions): Promise<number> {
  const [target, ...others] = targets.targets;
  if (!target || others.length > 0) throw new CommandError('you may only watch a single resource or type of resource at a time');
  const { flags } = input;
  const from = printer ? await listObjects(context, input, target, printer) : undefined;
  const table = printer ? undefined : await startTable(context, input, target);
  const show = printer
    ? (event: WatchEvent) => showObject(context, input, event, printer)
    : (event: WatchEvent) => (table as TableWatch).show(event);
  const query: Query = target.name === undefined ? listQuery(flags) : { fieldSelector: `metadata.name=${target.name}` };
  let resourceVersion = from ?? table?.resourceVersion ?? '';
  const { signal } = context.io;
  while (!signal.aborted) {
    const events = context.api.watch(target.info, target.namespace, {
      query: { ...query, resourceVersion, allowWatchBookmarks: true },
      ...(printer ? {} : { accept: tableMediaType }),
    });
    for await (const event of events) {
      if (event.type === 'ERROR') throw ApiError.fromStatus(event.object as Partial<Status>, 500);
      resourceVersion = revisionOf(event.object) ?? resourceVersion;
      if (event.type !== 'BOOKMARK') await show(event);
    }
  }
  throw signal.reason;
}

/** A Table's rows carry the objects' metadata; the table itself may have a revision of its own. */
function revisionOf(object: unknown): string | undefined {
  if (isTable(object)) {
    const row = object.rows?.[0]?.object as KubeObject | undefined;
    return row?.metadata.resourceVersion ?? object.metadata?.resourceVersion;
  }
  return (object as KubeObject).metadata.resourceVersion;
}

class TableWatch {
  readonly resourceVersion: string;
  readonly #printer = new TablePrinter();
  readonly #context: CommandContext;
  readonly #input: CommandInput;
  readonly #target: Target;
  #columns: readonly ColumnDefinition[];
  #headed = false;

  constructor(context: CommandContext, input: CommandInput, options: { readonly target: Target; readonly table: Table }) {
    this.#context = context;
    this.#input = input;
    this.#target = options.target;
    this.#columns = options.table.columnDefinitions ?? [];
    this.resourceVersion = options.table.metadata?.resourceVersion ?? '';
  }

  async show({ type, object }: WatchEvent): Promise<void> {
    await this.print(object as Table, type);
  }

  async print(table: Table, type: string): Promise<void> {
    if (table.columnDefinitions?.length) this.#columns = table.columnDefinitions;
    if (!table.rows?.length) return;
    const { flags } = this.#input;
    const lines = linesOf({ ...table, columnDefinitions: this.#columns }, { flags, info: this.#target.info, mixed: false });
    const headers = !flags.bool('no-headers');
    const shown = headers && this.#headed ? lines.slice(1) : lines;
    const withEvents = flags.bool('output-watch-events');
    const cells = shown.map((line, i) => (withEvents ? [headers && !this.#headed && i === 0 ? 'EVENT' : type, ...line] : line));
    this.#headed = true;
    await this.#context.io.stdout(this.#printer.format(cells));
  }
}

async function startTable(context: CommandContext, input: CommandInput, target: Target): Promise<TableWatch> {
  const table = await fetchTable(context, target, input.flags);
  const row = table.rows?.[0]?.object as KubeObject | undefined;
  // One object has no list's revision: what follows it begins with its own.
  const metadata = target.name === undefined ? table.metadata : { resourceVersion: row?.metadata.resourceVersion ?? '' };
  const watch = new TableWatch(context, input, { target, table: { ...table, ...(metadata ? { metadata } : {}) } });
  if (!input.flags.bool('watch-only')) await watch.print(table, 'ADDED');
  return watch;
}

async function listObjects(context: CommandContext, input: CommandInput, target: Target, printer: ObjectPrinter): Promise<string> {
  const { flags } = input;
  const only = flags.bool('watch-only');
  if (target.name !== undefined) {
    try {
      const object = await context.api.get(target.info, target);
      if (!only) await showObject(context, input, { type: 'ADDED', object }, printer);
      return object.metadata.resourceVersion;
    } catch (error) {
      if (isNotFound(error) && flags.bool('ignore-not-found')) return '';
      throw error;
    }
  }
  const list = await context.api.list(target.info, target.namespace, listQuery(flags), flags.int('chunk-size'));
  if (!only) for (const object of list.items) await showObject(context, input, { type: 'ADDED', object }, printer);
  return list.metadata.resourceVersion ?? '';
}

async function showObject(
  context: CommandContext,
  { flags }: CommandInput,
  { type, object }: WatchEvent,
  printer: ObjectPrinter,
): Promise<void> {
  const output = flags.string('output');
  if (!flags.bool('output-watch-events')) {
    await context.io.stdout(`${output === 'yaml' ? '---\n' : ''}${printer(object)}`);
  } else if (output === 'json') await context.io.stdout(`${sortedJson({ object, type })}\n`);
  else if (output === 'yaml') await context.io.stdout(`---\n${formatYaml({ object, type })}`);
  else await context.io.stdout(`${type.padEnd(10)}${printer(object)}`);
}
