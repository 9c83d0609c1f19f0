import { type Command as AnyCommand, Argument, Command } from 'commander';

type Shell = 'bash' | 'zsh' | 'fish';

/** Completion scripts are made from the command tree itself, so they never lag behind it. */
export function completionCommand(): Command {
  return new Command('completion')
    .description('print a completion script: source <(gokube completion bash)')
    .addArgument(new Argument('<shell>', 'for which shell').choices(['bash', 'zsh', 'fish']))
    .action((shell: Shell, _flags: unknown, self: Command) => {
      process.stdout.write(script(shell, paths(self.parent as AnyCommand)));
    });
}

interface Path {
  /** `node add`. */
  readonly words: string;
  readonly description: string;
  /** What may follow: subcommands and flags. */
  readonly next: readonly { readonly word: string; readonly description: string }[];
}

function paths(command: AnyCommand, words: readonly string[] = []): Path[] {
  const subcommands = command.commands.map((sub) => ({ word: sub.name(), description: sub.description() }));
  const flags = command.options.flatMap((option) => (option.long ? [{ word: option.long, description: option.description }] : []));
  const own = { words: words.join(' '), description: command.description(), next: [...subcommands, ...flags] };
  return [own, ...command.commands.flatMap((sub) => paths(sub, [...words, sub.name()]))];
}

function script(shell: Shell, all: readonly Path[]): string {
  if (shell === 'fish') {
    const lines = all.flatMap(({ words, next }) =>
      next.map(({ word, description }) => {
        const condition = words
          ? words
              .split(' ')
              .map((w) => `__fish_seen_subcommand_from ${w}`)
              .join('; and ')
          : '__fish_use_subcommand';
        const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
        return `complete -c gokube -f -n '${condition}' ${what} -d '${description.replaceAll("'", "\\'")}'`;
      }),
    );
    return `${lines.join('\n')}\n`;
  }
  const cases = all.map(({ words, next }) => `    '${words}') words='${next.map(({ word }) => word).join(' ')}' ;;`).join('\n');
  const body = `_gokube() {
  local current path word words
  current="\${COMP_WORDS[COMP_CWORD]}"
  path=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  words=''
  while :; do
    case "$path" in
${cases}
    esac
    [ -n "$words" ] && break
    [ "$path" = "\${path% *}" ] && break
    path="\${path% *}"
  done
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _gokube gokube
`;
  return shell === 'zsh' ? `autoload -U +X bashcompinit && bashcompinit\n${body}` : body;
}
