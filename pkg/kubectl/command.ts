import type { Api } from './api.ts';
import { CommandError } from './failure.ts';
import type { FlagSpec, Flags } from './flags.ts';
import type { KubectlIo } from './io.ts';
import type { ResourceMapper } from './resource-mapper.ts';

/** A command, as data: what it is called, what it takes, what it does. */
export interface Command {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** One line, for lists of commands. */
  readonly short: string;
  /** Behind the command's name: `(TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE/NAME ...) [flags]`. */
  readonly usage?: string;
  readonly examples?: string;
  readonly flags?: readonly FlagSpec[];
  readonly subcommands?: readonly Command[];
  /** Gives the exit code, if it is not 0. */
  run?(context: CommandContext, input: CommandInput): Promise<number | undefined>;
}

export interface CommandInput {
  readonly flags: Flags;
  readonly args: readonly string[];
  /** What stood behind `--`. */
  readonly rest: readonly string[] | undefined;
}

/** What a command works with. */
export interface CommandContext {
  readonly io: KubectlIo;
  readonly api: Api;
  readonly mapper: ResourceMapper;
  /** From `-n`, or the context, or `default`. */
  readonly namespace: string;
  /** Whether somebody asked for this namespace on the command line. */
  readonly namespaceGiven: boolean;
  /** The command in full: `kubectl rollout status`. */
  readonly command: string;
  print(line: string): Promise<void>;
  warn(line: string): Promise<void>;
}

/** Throws unless exactly one thing is true of what must not be mixed. */
export function requireArgs(args: readonly string[], count: number, message: string): void {
  if (args.length < count) throw new CommandError(message);
}

export const outputFlag: FlagSpec = {
  name: 'output',
  short: 'o',
  kind: 'string',
  help: 'Output format: json, yaml, name, wide, jsonpath=…, jsonpath-file=…, custom-columns=…, custom-columns-file=….',
};
export const filenameFlags: readonly FlagSpec[] = [
  { name: 'filename', short: 'f', kind: 'strings', help: 'Files or directories that hold the objects; - reads stdin.' },
  { name: 'recursive', short: 'R', kind: 'bool', help: 'Go down into directories.' },
];
export const selectorFlag: FlagSpec = {
  name: 'selector',
  short: 'l',
  kind: 'string',
  help: 'Labels that the objects must have: app=web,tier!=db.',
};
export const fieldSelectorFlag: FlagSpec = {
  name: 'field-selector',
  kind: 'string',
  help: 'Fields that the objects must have: status.phase=Running.',
};
export const allNamespacesFlag: FlagSpec = { name: 'all-namespaces', short: 'A', kind: 'bool', help: 'In all namespaces.' };
export const dryRunFlag: FlagSpec = {
  name: 'dry-run',
  kind: 'string',
  default: 'none',
  alone: 'unchanged',
  help: 'none, client (only print), or server (ask the server, which keeps nothing).',
};
export const fieldManagerFlag = (manager: string): FlagSpec => ({
  name: 'field-manager',
  kind: 'string',
  default: manager,
  help: 'Who owns the fields that are written.',
});

export type DryRun = 'none' | 'client' | 'server';

export function dryRunOf(flags: Flags): DryRun {
  const value = flags.string('dry-run');
  if (value === 'unchanged')
    throw new CommandError('--dry-run without a value is no longer accepted: say --dry-run=client or --dry-run=server');
  if (value !== 'none' && value !== 'client' && value !== 'server') {
    throw new CommandError(`Invalid dry-run value (${value}). Must be "none", "server", or "client".`);
  }
  return value;
}

/** What stands behind a line such as `pod/web created`. */
export function dryRunSuffix(dryRun: DryRun): string {
  return dryRun === 'none' ? '' : dryRun === 'server' ? ' (server dry run)' : ' (dry run)';
}
