/**
 * Flags as kubectl's users write them: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-it`, `--flag` alone
 * for yes, and everything after `--` left alone. A command declares its flags as data.
 */
import { parseDuration } from './duration.ts';
import { UsageError } from './failure.ts';
import { didYouMean } from './suggest.ts';

export interface FlagSpec {
  readonly name: string;
  readonly short?: string;
  /** `list` may be given several times; `strings` may also hold several values, separated by commas. */
  readonly kind: 'bool' | 'string' | 'int' | 'duration' | 'list' | 'strings';
  readonly help: string;
  readonly default?: string | boolean | number;
  /** What the flag means when it is given without a value (and then its value only goes behind `=`). */
  readonly alone?: string;
}

interface Given {
  readonly spec: FlagSpec;
  readonly values: string[];
}

export class Flags {
  readonly #specs: ReadonlyMap<string, FlagSpec>;
  readonly #given: ReadonlyMap<string, Given>;

  constructor(specs: readonly FlagSpec[], given: ReadonlyMap<string, Given>) {
    this.#specs = new Map(specs.map((spec) => [spec.name, spec]));
    this.#given = given;
  }

  /** Whether it stands on the command line. */
  has(name: string): boolean {
    return this.#given.has(name);
  }

  bool(name: string): boolean {
    const text = this.#last(name);
    return text === undefined ? this.#specs.get(name)?.default === true : parseBool(name, text);
  }

  /** The value, or the default, or undefined. */
  optional(name: string): string | undefined {
    const value = this.#last(name) ?? this.#specs.get(name)?.default;
    return value === undefined ? undefined : String(value);
  }

  /** Empty when neither given nor with a default. */
  string(name: string): string {
    return this.optional(name) ?? '';
  }

  int(name: string): number | undefined {
    const text = this.optional(name);
    if (text === undefined) return undefined;
    if (!/^[+-]?\d+$/.test(text)) {
      throw new UsageError(
        `invalid argument ${JSON.stringify(text)} for "--${name}" flag: strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`,
      );
    }
    return Number(text);
  }

  /** Milliseconds. */
  duration(name: string): number | undefined {
    const text = this.optional(name);
    return text === undefined ? undefined : parseDuration(text, `"--${name}" flag`);
  }

  list(name: string): readonly string[] {
    const given = this.#given.get(name);
    if (!given) return [];
    return given.spec.kind === 'strings' ? given.values.flatMap((value) => (value === '' ? [] : value.split(','))) : given.values;
  }

  #last(name: string): string | undefined {
    return this.#given.get(name)?.values.at(-1);
  }
}

function parseBool(name: string, text: string): boolean {
  if (['true', 't', '1', 'TRUE', 'True', 'T'].includes(text)) return true;
  if (['false', 'f', '0', 'FALSE', 'False', 'F'].includes(text)) return false;
  throw new UsageError(
    `invalid argument ${JSON.stringify(text)} for "--${name}" flag: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`,
  );
}

export interface Parsed {
  readonly flags: Flags;
  readonly args: readonly string[];
  /** What stood behind `--`, if that was there. */
  readonly rest: readonly string[] | undefined;
  readonly help: boolean;
}

/** `command`: how the command is called in full, for messages. `stopAtArgument`: flags end with the first argument. */
export function parseFlags(argv: readonly string[], specs: readonly FlagSpec[], command: string, stopAtArgument = false): Parsed {
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const byShort = new Map(specs.flatMap((spec) => (spec.short ? [[spec.short, spec] as const] : [])));
  const given = new Map<string, Given>();
  const args: string[] = [];
  let rest: string[] | undefined;
  let help = false;
  const add = (spec: FlagSpec, value: string): void => {
    const known = given.get(spec.name);
    if (known) known.values.push(value);
    else given.set(spec.name, { spec, values: [value] });
  };
  const impliedOf = (spec: FlagSpec): string | undefined => spec.alone ?? (spec.kind === 'bool' ? 'true' : undefined);

  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string;
    const needsValue = (flag: string): string => {
      const value = argv[++i];
      if (value === undefined) throw new UsageError(`flag needs an argument: ${flag}`, command);
      return value;
    };
    if (word === '--') {
      rest = argv.slice(i + 1);
      break;
    }
    if (word === '--help' || word === '-h') help = true;
    else if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
      const spec = byName.get(name);
      if (!spec) throw unknownFlag(name, specs, command);
      add(spec, equals >= 0 ? word.slice(equals + 1) : (impliedOf(spec) ?? needsValue(`--${name}`)));
    } else if (word.startsWith('-') && word.length > 1) {
      for (let at = 1; at < word.length; at++) {
        const letter = word[at] as string;
        const spec = byShort.get(letter);
        if (!spec) {
          throw new UsageError(`unknown shorthand flag: '${letter}' in ${word}`, command);
        }
        const behind = word.slice(at + 1);
        const implied = impliedOf(spec);
        if (implied !== undefined && !behind.startsWith('=')) {
          add(spec, implied);
          continue;
        }
        add(spec, behind === '' ? needsValue(`'${letter}' in ${word}`) : behind.replace(/^=/, ''));
        break;
      }
    } else if (stopAtArgument) {
      args.push(...argv.slice(i));
      break;
    } else args.push(word);
  }
  return { flags: new Flags(specs, given), args, rest, help };
}

function unknownFlag(name: string, specs: readonly FlagSpec[], command: string): UsageError {
  const suggestion = didYouMean(
    `--${name}`,
    specs.map((spec) => `--${spec.name}`),
  );
  return new UsageError(`unknown flag: --${name}${suggestion}${suggestion ? '\n' : ''}`, command);
}
