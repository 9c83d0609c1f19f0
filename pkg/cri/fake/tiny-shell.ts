/**
 * The commands that a fake container knows: enough for examples, probes and hooks to behave as they read. Words,
 * quotes, `$NAME`, `$?`, `;`, `&` (which waits all the same), `&&`, `||`, `>`, `>>`, `>&2`, `while true; do ...; done`
 * and a handful of programs. Whatever else a shell can do, it says it cannot.
 */
export interface ShellSystem {
  readonly env: Readonly<Record<string, string>>;
  readonly hostname: string;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Rejects when the process is killed. */
  sleep(ms: number): Promise<void>;
  readFile(path: string): Uint8Array | undefined;
  writeFile(path: string, data: Uint8Array, append: boolean): void;
  removeFile(path: string): void;
  list(path: string): readonly string[] | undefined;
  stdout(text: string): void;
  stderr(text: string): void;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** A terminal: a shell without a script shows a prompt. */
  readonly tty: boolean;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** True when `argv` is a command known here. */
export function knowsCommand(argv: readonly string[]): boolean {
  return programOf(argv[0]) in programs;
}

/** Resolves with the exit code; 127 for a command that is not known. */
export async function runCommand(argv: readonly string[], system: ShellSystem): Promise<number> {
  const program = programs[programOf(argv[0])];
  if (!program) {
    system.stderr(`${argv[0] ?? ''}: not found\n`);
    return 127;
  }
  try {
    return await program(argv.slice(1), system);
  } catch (error) {
    if (error instanceof Exit) return error.code;
    throw error;
  }
}

function programOf(path: string | undefined): string {
  return path?.replace(/^(\/usr)?(\/local)?\/s?bin\//, '') ?? '';
}

type Program = (args: readonly string[], system: ShellSystem) => Promise<number> | number;

const shell: Program = async (args, system) => {
  try {
    if (/^-[a-z]*c$/.test(args[0] ?? '')) return await runScript(args[1] ?? '', system);
    const prompt = (): void => (system.tty ? system.stdout('$ ') : undefined);
    let code = 0;
    prompt();
    for await (const line of linesOf(system.stdin)) {
      code = await runScript(line, system);
      prompt();
    }
    return code;
  } catch (error) {
    if (error instanceof Exit) return error.code;
    throw error;
  }
};

const programs: Readonly<Record<string, Program>> = {
  sh: shell,
  bash: shell,
  true: () => 0,
  ':': () => 0,
  trap: () => 0,
  wait: () => 0,
  false: () => 1,
  exit: (args) => {
    throw new Exit(Number(args[0] ?? 0) & 255);
  },
  echo: (args, system) => {
    const bare = args[0] === '-n';
    system.stdout(args.slice(bare ? 1 : 0).join(' ') + (bare ? '' : '\n'));
    return 0;
  },
  hostname: (_, system) => {
    system.stdout(`${system.hostname}\n`);
    return 0;
  },
  date: (_, system) => {
    system.stdout(`${new Date(system.now()).toISOString()}\n`);
    return 0;
  },
  env: (_, system) => {
    for (const [name, value] of Object.entries(system.env)) system.stdout(`${name}=${value}\n`);
    return 0;
  },
  printenv: (args, system) => {
    const value = system.env[args[0] ?? ''];
    if (value !== undefined) system.stdout(`${value}\n`);
    return value === undefined ? 1 : 0;
  },
  sleep: async (args, system) => {
    const match = /^(\d+(?:\.\d+)?)([smh]?)$/.exec(args[0] ?? '');
    if (args[0] === 'infinity') {
      // A year at a time: as long as any simulation.
      for (;;) await system.sleep(365 * 24 * 3_600_000);
    }
    if (!match) {
      system.stderr(`sleep: invalid time interval '${args[0] ?? ''}'\n`);
      return 1;
    }
    await system.sleep(Number(match[1]) * (match[2] === 'h' ? 3_600_000 : match[2] === 'm' ? 60_000 : 1000));
    return 0;
  },
  cat: async (args, system) => {
    if (args.length === 0) for await (const chunk of system.stdin) system.stdout(decoder.decode(chunk));
    let code = 0;
    for (const path of args) {
      const data = system.readFile(path);
      if (data) system.stdout(decoder.decode(data));
      else {
        system.stderr(`cat: ${path}: No such file or directory\n`);
        code = 1;
      }
    }
    return code;
  },
  ls: (args, system) => {
    const path = args.find((arg) => !arg.startsWith('-')) ?? '/';
    const names = system.list(path) ?? (system.readFile(path) ? [path] : undefined);
    if (!names) {
      system.stderr(`ls: ${path}: No such file or directory\n`);
      return 1;
    }
    for (const name of names) if (!name.startsWith('.')) system.stdout(`${name}\n`);
    return 0;
  },
  touch: (args, system) => {
    for (const path of args) system.writeFile(path, new Uint8Array(), true);
    return 0;
  },
  rm: (args, system) => {
    for (const path of args) if (!path.startsWith('-')) system.removeFile(path);
    return 0;
  },
  test: ([operator, path], system) => {
    if (operator === '-f') return path !== undefined && system.readFile(path) ? 0 : 1;
    if (operator === '-e') return path !== undefined && (system.readFile(path) || system.list(path)) ? 0 : 1;
    if (operator === '-d') return path !== undefined && system.list(path) ? 0 : 1;
    return 2;
  },
};

async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  let rest = '';
  for await (const chunk of input) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/[\r\n]/);
    rest = lines.pop() ?? '';
    for (const line of lines) yield line;
  }
  if (rest !== '') yield rest;
}

async function runScript(script: string, system: ShellSystem): Promise<number> {
  const loop = /^\s*((?:[^;&|]*[;&]+)*?)\s*while\s+(?:true|:)\s*;\s*do\s+(.*?)\s*;?\s*done\s*$/s.exec(script.replaceAll('\n', ';'));
  if (loop) {
    await runScript((loop[1] as string).replace(/[;\s]+$/, ''), system);
    const sleeps = /\bsleep\b/.test(loop[2] as string);
    for (;;) {
      await runScript(loop[2] as string, system);
      // A loop that never sleeps would hold virtual time still for ever.
      if (!sleeps) await system.sleep(1000);
    }
  }
  const { steps, beyond } = parse(script);
  if (beyond !== undefined) {
    system.stderr(`sh: syntax error: unexpected ${JSON.stringify(beyond)}: a simulated container's shell knows ; && || > >> and >&2\n`);
    return 2;
  }
  let code = 0;
  for (const { words, before, redirect, toStderr } of steps) {
    if ((before === '&&' && code !== 0) || (before === '||' && code === 0)) continue;
    const argv = words.map((word) => expand(word, system.env, code));
    if (argv[0] === 'exec') argv.shift();
    if (argv.length === 0) continue;
    let output = '';
    const target = redirect && expand(redirect.path, system.env, code);
    const collect = (text: string): void => {
      output += text;
    };
    const stdout = target !== undefined ? collect : toStderr ? (text: string) => system.stderr(text) : undefined;
    const io: ShellSystem = stdout ? { ...system, stdout } : system;
    code = await runStep(argv, io);
    if (redirect && target !== undefined && target !== '/dev/null') system.writeFile(target, encoder.encode(output), redirect.append);
  }
  return code;
}

async function runStep(argv: readonly string[], system: ShellSystem): Promise<number> {
  const program = programs[programOf(argv[0])];
  if (program) return program(argv.slice(1), system);
  system.stderr(`sh: ${argv[0]}: not found\n`);
  return 127;
}

interface Word {
  readonly text: string;
  /** In single quotes nothing is expanded. */
  readonly literal: boolean;
}
interface Step {
  words: Word[][];
  before: ';' | '&&' | '||';
  redirect?: { path: Word[]; append: boolean };
  /** `>&2` */
  toStderr?: true;
}

/** `beyond`: where the script begins to be more than is known here. */
function parse(script: string): { readonly steps: readonly Step[]; readonly beyond: string | undefined } {
  const steps: Step[] = [];
  let step: Step = { words: [], before: ';' };
  let redirecting: '>' | '>>' | undefined;
  const token = /\s*(?:(&&|\|\||;|&|\n)|(1?>&2)(?=[\s;&|]|$)|(>>?)|((?:'[^']*'|"[^"]*"|\\.|[^\s;&|>'"\\])+))/gy;
  const text = script.replace(/\s+$/, '').replace(/\s2>&1/g, '');
  let end = 0;
  for (const match of text.matchAll(token)) {
    const [whole, separator, toStderr, redirect, word] = match;
    end = match.index + whole.length;
    if (toStderr !== undefined) {
      step.toStderr = true;
    } else if (separator !== undefined) {
      if (step.words.length > 0) steps.push(step);
      step = { words: [], before: separator === '&&' || separator === '||' ? separator : ';' };
    } else if (redirect !== undefined) {
      redirecting = redirect as '>' | '>>';
    } else if (redirecting !== undefined) {
      step.redirect = { path: pieces(word as string), append: redirecting === '>>' };
      redirecting = undefined;
    } else {
      step.words.push(pieces(word as string));
    }
  }
  if (step.words.length > 0) steps.push(step);
  return { steps, beyond: end < text.length ? text.slice(end).trim() : undefined };
}

function pieces(word: string): Word[] {
  return [...word.matchAll(/'([^']*)'|"([^"]*)"|\\(.)|([^'"\\]+)/g)].map(([, single, double, escaped, plain]) => ({
    text: single ?? double ?? escaped ?? plain ?? '',
    literal: single !== undefined || escaped !== undefined,
  }));
}

function expand(word: readonly Word[], env: Readonly<Record<string, string>>, code: number): string {
  return word
    .map(({ text, literal }) =>
      literal
        ? text
        : text.replace(/\$(?:(\w+)|\{(\w+)\}|(\?))/g, (_, a?: string, b?: string, status?: string) =>
            status ? String(code) : (env[a ?? b ?? ''] ?? ''),
          ),
    )
    .join('');
}
