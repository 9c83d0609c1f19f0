/** What commands that write objects have in common: validation, and saying what was done. */
import type { CommandContext, DryRun } from '../command.ts';
import { dryRunSuffix } from '../command.ts';
import { CommandError } from '../failure.ts';
import type { FlagSpec, Flags } from '../flags.ts';
import { type LooseObject, readText } from '../manifests.ts';
import { printerFor } from '../output/object-printer.ts';
import { printedName, type ResourceInfo } from '../resource-mapper.ts';

export const validationFlag: FlagSpec = {
  name: 'validate',
  kind: 'string',
  default: 'strict',
  alone: 'strict',
  help: 'strict (unknown fields are errors), warn, or ignore.',
};

/** The server's fieldValidation parameter. */
export function validationOf(flags: Flags): string {
  switch (flags.string('validate')) {
    case 'strict':
    case 'true':
      return 'Strict';
    case 'warn':
      return 'Warn';
    case 'ignore':
    case 'false':
      return 'Ignore';
    default:
      throw new CommandError(`invalid - validate option ${JSON.stringify(flags.string('validate'))}`);
  }
}

/** Says `pod/web created`, or prints the object in the form that `-o` asks for. */
export async function resultPrinter(
  context: CommandContext,
  flags: Flags,
  dryRun: DryRun,
): Promise<(info: ResourceInfo, object: LooseObject, verb: string) => Promise<void>> {
  let current: ResourceInfo | undefined;
  const printer = await printerFor(flags.optional('output'), {
    readFile: (path) => readText(context.io, path),
    showManagedFields: flags.bool('show-managed-fields'),
    nameOf: (object) => (current ? printedName(current, object.metadata.name) : object.metadata.name),
  });
  let yamlDocuments = 0;
  return async (info, object, verb) => {
    current = info;
    if (!printer) {
      await context.print(`${printedName(info, object.metadata.name)} ${verb}${dryRunSuffix(dryRun)}`);
      return;
    }
    if (flags.string('output') === 'yaml' && yamlDocuments++ > 0) await context.io.stdout('---\n');
    await context.io.stdout(printer(object));
  };
}
