import type { Command } from './command.ts';
import type { FlagSpec } from './flags.ts';
import { formatTable } from './output/table.ts';

/** What `kubectl` alone prints. */
export function overview(commands: readonly Command[]): string {
  const lines = commands.map(({ name, short }) => [`  ${name}`, short]);
  return `A small kubectl. Commands:\n\n${formatTable(lines)}\nUsage:\n  kubectl [command] [flags]\n\nUse "kubectl <command> --help" for more about a command.\n`;
}

export function helpOf(command: Command, path: string, globalFlags: readonly FlagSpec[]): string {
  const { subcommands = [], flags = [], examples } = command;
  const parts = [command.short];
  if (command.aliases?.length) parts.push(`Aliases:\n  ${[command.name, ...command.aliases].join(', ')}`);
  if (examples) parts.push(`Examples:\n${examples.trim().replace(/^/gm, '  ')}`);
  if (subcommands.length > 0)
    parts.push(`Available Commands:\n${formatTable(subcommands.map(({ name, short }) => [`  ${name}`, short])).trimEnd()}`);
  if (flags.length > 0) parts.push(`Options:\n${flagList(flags)}`);
  parts.push(`Options of every command:\n${flagList(globalFlags)}`);
  parts.push(
    `Usage:\n  ${path}${subcommands.length > 0 && !command.run ? ' SUBCOMMAND' : ''}${command.usage ? ` ${command.usage}` : ''} [flags]`,
  );
  return `${parts.join('\n\n')}\n`;
}

function flagList(flags: readonly FlagSpec[]): string {
  return [...flags]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, short, kind, help, default: initial }) => {
      const shown = initial ?? (kind === 'bool' ? 'false' : kind === 'list' || kind === 'strings' ? '[]' : "''");
      return `    ${short ? `-${short}, ` : ''}--${name}=${shown}:\n\t${help}`;
    })
    .join('\n\n');
}
