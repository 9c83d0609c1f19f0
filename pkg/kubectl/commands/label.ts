import {
  allNamespacesFlag,
  type Command,
  type CommandContext,
  type CommandInput,
  dryRunFlag,
  dryRunOf,
  fieldManagerFlag,
  fieldSelectorFlag,
  filenameFlags,
  outputFlag,
  selectorFlag,
} from '../command.ts';
import { CommandError } from '../failure.ts';
import { objectsOf, targetsOf } from '../targets.ts';
import { endWith } from './get.ts';
import { resultPrinter } from './write-object.ts';

interface Kind {
  readonly name: 'label' | 'annotate';
  readonly field: 'labels' | 'annotations';
  readonly noun: string;
  /** What was done, and what was not. */
  readonly done: string;
}

export const label: Command = marking({ name: 'label', field: 'labels', noun: 'label', done: 'labeled' });
export const annotate: Command = marking({ name: 'annotate', field: 'annotations', noun: 'annotation', done: 'annotated' });

function marking(kind: Kind): Command {
  return {
    name: kind.name,
    short: `Set or take away ${kind.field} of objects`,
    usage: '[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [KEY-]',
    examples: `kubectl ${kind.name} pod web tier=front\nkubectl ${kind.name} pod web tier-`,
    flags: [
      ...filenameFlags,
      selectorFlag,
      fieldSelectorFlag,
      allNamespacesFlag,
      outputFlag,
      dryRunFlag,
      fieldManagerFlag(`kubectl-${kind.name}`),
      { name: 'all', kind: 'bool', help: 'All objects of the types named.' },
      { name: 'overwrite', kind: 'bool', help: `Replace ${kind.field} that are there.` },
      { name: 'list', kind: 'bool', help: `Show the ${kind.field}.` },
    ],
    run: (context, input) => mark(context, input, kind),
  };
}

async function mark(context: CommandContext, { flags, args }: CommandInput, kind: Kind): Promise<number> {
  const first = args.findIndex((arg) => arg.includes('=') || arg.endsWith('-'));
  const from = first < 0 ? args.length : first;
  const late = args.slice(from).find((arg) => !arg.includes('=') && !arg.endsWith('-'));
  if (late !== undefined) throw new CommandError(`all resources must be specified before ${kind.noun} changes: ${late}`);
  const changes = parseChanges(args.slice(from), kind);
  if (Object.keys(changes).length === 0 && !flags.bool('list')) throw new CommandError(`at least one ${kind.noun} update is required`);
  const { targets } = await targetsOf(context, args.slice(0, from), flags, {
    nothing: 'one or more resources must be specified as <resource> <name> or <resource>/<name>',
  });
  const dryRun = dryRunOf(flags);
  const print = await resultPrinter(context, flags, dryRun);
  const failures: unknown[] = [];
  for (const { target, object } of await objectsOf(context, targets, flags)) {
    try {
      const before = object.metadata[kind.field] ?? {};
      if (flags.bool('list')) {
        for (const key of Object.keys(before).sort()) await context.print(`${key}=${before[key]}`);
        continue;
      }
      if (!flags.bool('overwrite')) {
        const clash = Object.entries(changes).find(([key, value]) => value !== null && before[key] !== undefined && before[key] !== value);
        if (clash) {
          const quoted =
            kind.name === 'label'
              ? `'${clash[0]}' already has a value (${before[clash[0]]}), and --overwrite is false`
              : `--overwrite is false but found the following declared annotation(s): '${clash[0]}' already has a value (${before[clash[0]]})`;
          throw new CommandError(quoted);
        }
      }
      for (const [key, value] of Object.entries(changes))
        if (value === null && before[key] === undefined && kind.name === 'label')
          await context.print(`${kind.noun} ${JSON.stringify(key)} not found.`);
      const effective = Object.entries(changes).filter(([key, value]) =>
        value === null ? before[key] !== undefined : before[key] !== value,
      );
      const body = { metadata: { [kind.field]: Object.fromEntries(effective) } };
      const query = { fieldManager: flags.string('field-manager'), dryRun: dryRun === 'server' ? 'All' : undefined };
      const after =
        effective.length === 0 || dryRun === 'client'
          ? { ...object, metadata: { ...object.metadata, [kind.field]: { ...before, ...changes } } }
          : ((await context.api.patch(target.info, target, 'merge', body, query)) as typeof object);
      await print(
        target.info,
        after,
        verbOf(
          kind,
          effective.map(([, value]) => value),
        ),
      );
    } catch (error) {
      failures.push(error);
      if (context.io.signal.aborted) throw error;
    }
  }
  return endWith(context, failures);
}

function verbOf({ name, done }: Kind, values: readonly (string | null)[]): string {
  if (name === 'annotate') return done;
  if (values.length === 0) return 'not labeled';
  return values.every((value) => value === null) ? 'unlabeled' : done;
}

/** A key with null is to be taken away. */
function parseChanges(args: readonly string[], { noun }: Kind): Record<string, string | null> {
  const changes: Record<string, string | null> = {};
  for (const arg of args) {
    const equals = arg.indexOf('=');
    const removes = equals < 0 && arg.endsWith('-');
    const key = removes ? arg.slice(0, -1) : arg.slice(0, equals);
    if (!removes && equals <= 0) throw new CommandError(`unknown ${noun} spec: ${arg}`);
    if (key in changes)
      throw new CommandError(`can not both modify and remove ${noun === 'label' ? 'a label' : 'an annotation'} in the same command`);
    changes[key] = removes ? null : arg.slice(equals + 1);
  }
  return changes;
}
