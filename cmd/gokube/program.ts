/**
 * What all subcommands share: global flags, environment defaults, and how failures are told: one clear line that
 * says what was being done, why it failed and what to do next; never a stack trace, unless GOKUBE_DEBUG is set.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { Terminal } from './terminal.ts';

/** A failure that a person can act on; `exitCode` as documented by the command. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly exitCode: number;
  /** What to do next, on a line of its own. */
  readonly hint: string | undefined;

  constructor(message: string, options: { hint?: string; exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
    this.hint = options.hint;
  }
}

export type CommandFactory = () => Command;

export function createProgram(commands: readonly CommandFactory[]): Command {
  const program = new Command('gokube')
    .description('Kubernetes that one person can read: the real API, real containers, the real control loops')
    .showSuggestionAfterError(true)
    .showHelpAfterError('(gokube --help lists all commands and flags)')
    .enablePositionalOptions()
    .exitOverride();
  for (const create of commands) program.addCommand(configured(create()));
  return program;
}

/** Makes the whole tree report errors the same way. */
function configured(command: Command): Command {
  command.showSuggestionAfterError(true).exitOverride();
  for (const sub of command.commands) configured(sub);
  return command;
}

/** Runs one command line; resolves with the exit code. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<number> {
  const terminal = new Terminal(process.stderr);
  endWithReader();
  try {
    if (argv.length === 0) {
      program.outputHelp();
      return 0;
    }
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const known = error instanceof Error ? error : new Error(String(error));
    if (process.env['GOKUBE_DEBUG']) console.error(known);
    else terminal.problem(known.message);
    if (known instanceof UserError && known.hint) terminal.hint(known.hint);
    return known instanceof UserError ? known.exitCode : 1;
  }
}

/** Who reads the output may have seen enough (`gokube history ... | head`): then this ends as by SIGPIPE, without a word. */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(141);
    throw error;
  });
}

/** The flags that name a cluster: `--name` and `--data-dir`, or GOKUBE_NAME and GOKUBE_DATA_DIR. */
export function withClusterFlags(command: Command): Command {
  return command
    .addOption(new Option('--name <cluster>', 'name of the cluster').env('GOKUBE_NAME').default('default').argParser(clusterName))
    .addOption(new Option('--data-dir <dir>', 'where its state lies (default: ~/.gokube/<cluster>)').env('GOKUBE_DATA_DIR'));
}

export interface ClusterFlags {
  readonly name: string;
  readonly dataDir?: string;
}

export function clusterName(text: string): string {
  if (!/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/.test(text)) {
    throw new InvalidArgumentError(
      'a cluster name has at most 40 lower-case letters, digits and dashes, and begins and ends with none of the latter.',
    );
  }
  return text;
}

export function parseCount(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`a whole number from ${least} to ${most} is wanted.`);
    return value;
  };
}

/** `60s`, `2m`, `1h`, `7d`, `500ms`, or plain seconds; to milliseconds. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text) {
    throw new InvalidArgumentError('a duration such as 60s, 2m or 1h30m is wanted.');
  }
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (units[unit as string] as number), 0);
}
