/**
 * A small kubectl as a library, for `gokube kubectl` and for a terminal in a browser tab. It knows no Node.js: files,
 * streams and the server come with `KubectlIo`.
 *
 *   runKubectl(argv, io) → find the command → parse its flags → targets (what to work on, by discovery)
 *     → requests (Api) → output (tables from the server, YAML, JSON, JSONPath, columns) → exit code
 *
 * Flags, messages and exit codes are those that kubectl's users know; what is typed wrong is answered with the
 * nearest right thing. One command a file in `commands/`, one kind a file in `describe/`.
 */
import { Api } from './api.ts';
import { paint } from './colour.ts';
import type { Command, CommandContext } from './command.ts';
import { commands } from './commands.ts';
import { CommandError, describeFailure, exitCodeOf, SilentExit, UsageError } from './failure.ts';
import { type FlagSpec, parseFlags } from './flags.ts';
import { helpOf, overview } from './help.ts';
import type { KubectlIo } from './io.ts';
import { ResourceMapper } from './resource-mapper.ts';
import { didYouMean } from './suggest.ts';

export type { KubectlIo, KubectlTerminal } from './io.ts';

/** Flags of every command. */
export const globalFlags: readonly FlagSpec[] = [
  { name: 'namespace', short: 'n', kind: 'string', help: 'The namespace to work in.' },
  { name: 'warnings-as-errors', kind: 'bool', help: 'End with an exit code other than 0 when the server warns.' },
];

/** Exit code of a process that Ctrl-C has ended: 128 + SIGINT. */
const interrupted = 130;

/** Runs one command line (without the word `kubectl`); resolves with the exit code, and never rejects for what a user can do. */
export async function runKubectl(argv: readonly string[], io: KubectlIo): Promise<number> {
  try {
    const code = await dispatch(argv, io);
    return io.signal.aborted ? interrupted : code;
  } catch (error) {
    if (io.signal.aborted) return interrupted;
    if (!(error instanceof SilentExit)) await io.stderr(`${paint(io, 'error', describeFailure(error))}\n`);
    return exitCodeOf(error);
  }
}

async function dispatch(argv: readonly string[], io: KubectlIo): Promise<number> {
  const leading = parseFlags(argv, globalFlags, 'kubectl', true);
  const [first, ...others] = leading.args;
  if (first === undefined || first === 'help') {
    const asked = first === 'help' ? findCommand(others) : undefined;
    await io.stdout(asked ? helpOf(asked.command, asked.path, globalFlags) : overview(commands));
    return 0;
  }
  const { command, path, rest } = findCommand(leading.args);
  const flagsBefore = argv.slice(0, argv.length - leading.args.length);
  const specs = [...(command.flags ?? []), ...globalFlags];
  const parsed = parseFlags([...flagsBefore, ...rest], specs, path);
  const { flags, help } = parsed;
  if (help || !command.run) {
    await io.stdout(helpOf(command, path, globalFlags));
    return help ? 0 : 1;
  }
  let warnings = 0;
  const api = new Api(io.client, io.signal, (text) => {
    warnings++;
    void io.stderr(`${paint(io, 'warning', 'Warning:')} ${text}\n`);
  });
  const context: CommandContext = {
    io,
    api,
    mapper: new ResourceMapper(api),
    namespace: flags.optional('namespace') || io.namespace || 'default',
    namespaceGiven: flags.has('namespace'),
    command: path,
    print: async (line) => io.stdout(`${line}\n`),
    warn: async (line) => io.stderr(`${line}\n`),
  };
  const code = (await command.run(context, { flags, args: parsed.args, rest: parsed.rest })) ?? 0;
  if (code === 0 && warnings > 0 && flags.bool('warnings-as-errors'))
    throw new CommandError(`${warnings} warning${warnings > 1 ? 's' : ''} received`);
  return code;
}

/** The command that the words name, with its subcommand; `rest` is what follows. */
function findCommand(words: readonly string[]): { readonly command: Command; readonly path: string; readonly rest: readonly string[] } {
  let path = 'kubectl';
  let known = commands;
  let command: Command | undefined;
  let rest = words;
  while (rest.length > 0) {
    const word = rest[0] as string;
    const next = known.find(({ name, aliases = [] }) => name === word || aliases.includes(word));
    if (!next) {
      // A command of its own right may have arguments here.
      if (command?.run || word.startsWith('-')) break;
      const names = known.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
      throw new UsageError(`unknown command ${JSON.stringify(word)} for ${JSON.stringify(path)}${didYouMean(word, names)}`);
    }
    command = next;
    path += ` ${next.name}`;
    rest = rest.slice(1);
    known = next.subcommands ?? [];
    if (known.length === 0) break;
  }
  if (!command) throw new UsageError('a command is needed', 'kubectl');
  return { command, path, rest };
}
