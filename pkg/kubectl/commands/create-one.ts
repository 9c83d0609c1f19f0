/** `kubectl create KIND NAME`: an object from flags. */
import { isApiError } from '../../api/errors.ts';
import { parseApiVersion } from '../../api/object.ts';
import { type Command, type CommandContext, type CommandInput, dryRunFlag, dryRunOf, fieldManagerFlag, outputFlag } from '../command.ts';
import { CommandError } from '../failure.ts';
import type { FlagSpec } from '../flags.ts';
import { withLastApplied } from '../last-applied.ts';
import type { LooseObject } from '../manifests.ts';
import { resultPrinter, validationFlag, validationOf } from './write-object.ts';

export interface CreateOne {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly short: string;
  readonly usage: string;
  readonly examples?: string;
  readonly flags?: readonly FlagSpec[];
  /** Flags that must be given. */
  readonly requires?: readonly string[];
  /** The object without namespace. Throws CommandError. */
  build(
    context: CommandContext,
    name: string,
    input: CommandInput,
  ): Promise<Record<string, unknown> & { apiVersion: string; kind: string }>;
}

export const createFlags: readonly FlagSpec[] = [
  outputFlag,
  dryRunFlag,
  validationFlag,
  fieldManagerFlag('kubectl-create'),
  { name: 'save-config', kind: 'bool', help: 'Keep the object in an annotation, for kubectl apply.' },
];

export function createOne({ build, flags = [], requires = [], ...described }: CreateOne): Command {
  return {
    ...described,
    flags: [...flags, ...createFlags],
    async run(context, input) {
      const [name, ...more] = input.args;
      const missing = requires.filter((flag) => !input.flags.has(flag));
      if (missing.length > 0) throw new CommandError(`required flag(s) ${missing.map((flag) => `"${flag}"`).join(', ')} not set`);
      if (name === undefined || more.length > 0)
        throw new CommandError(`exactly one NAME is required, got ${input.args.length}\nSee '${context.command} -h' for help and examples`);
      await createBuilt(context, input, (await build(context, name, input)) as unknown as LooseObject);
      return 0;
    },
  };
}

/** Sends one object that was made from flags, and says so. */
export async function createBuilt(
  context: CommandContext,
  { flags }: CommandInput,
  built: LooseObject,
  verb = 'created',
): Promise<LooseObject> {
  const { group, version } = parseApiVersion(built.apiVersion);
  const info = await context.mapper.forKind(group, version, built.kind);
  if (!info)
    throw new CommandError(`the server doesn't have the kind ${JSON.stringify(built.kind)} in version ${JSON.stringify(built.apiVersion)}`);
  const namespace = info.namespaced ? context.namespace : undefined;
  const dryRun = dryRunOf(flags);
  const placed: LooseObject =
    namespace && (dryRun !== 'client' || context.namespaceGiven) ? { ...built, metadata: { ...built.metadata, namespace } } : built;
  const object = flags.bool('save-config') ? withLastApplied(placed) : placed;
  const query = {
    fieldManager: flags.string('field-manager'),
    fieldValidation: flags.has('validate') ? validationOf(flags) : 'Strict',
    dryRun: dryRun === 'server' ? 'All' : undefined,
  };
  let made = object;
  try {
    if (dryRun !== 'client') made = (await context.api.create(info, namespace, object, query)) as LooseObject;
  } catch (error) {
    throw creationFailure(context, error);
  }
  const print = await resultPrinter(context, flags, dryRun);
  await print(info, made, verb);
  return made;
}

/** `create KIND` names the kind; the rest leave the server's words as they are. */
function creationFailure({ command, io }: CommandContext, error: unknown): unknown {
  const [, , kind] = command.split(' ');
  if (!command.startsWith('kubectl create ') || !kind || kind === 'namespace' || !isApiError(error) || io.signal.aborted) return error;
  return new CommandError(`failed to create ${kind}: ${error.message}`, { cause: error });
}

/** `a=b,c=d` as a map. */
export function parsePairs(text: string, what: string): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const part of text.split(',').filter((each) => each !== '')) {
    const equals = part.indexOf('=');
    if (equals <= 0) throw new CommandError(`unexpected ${what}: ${JSON.stringify(part)}; write key=value`);
    pairs[part.slice(0, equals)] = part.slice(equals + 1);
  }
  return pairs;
}
