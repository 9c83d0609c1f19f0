/**
 * Regular expressions as RE2 has them: matched in time that grows with the text, not exponentially. The library
 * compiles and tests; where a match begins and ends is found by walking its compiled program, all threads in step.
 */
import { RE2JS } from '@bufbuild/re2';
import type { Budget } from './budget.ts';
import { programSize } from './regex-size.ts';
import { CelError } from './value.ts';

export interface Regex {
  test(text: string, budget: Budget): boolean;
  /** The leftmost match from `from` on, as Perl prefers it; [start, end). */
  find(text: string, from: number, budget: Budget): readonly [number, number] | undefined;
}

const known = new Map<string, Regex>();
const maxKnown = 1024;
/** A larger program is not made. */
const maxSize = 100_000;
/** To compile one instruction takes as long as so many steps. */
const stepsToCompile = 64;
/** The library keeps no more states than this of what it has seen, and begins anew a few times. */
const maxStates = 50_000;
/** What a test may leave in memory: states times their size. */
const maxLeft = 100_000;

/** Throws CelError for what is no regular expression, or too large. What is compiled for the first time is charged. */
export function compileRegex(pattern: string, budget?: Budget): Regex {
  let regex = known.get(pattern);
  if (!regex) {
    const size = programSize(pattern);
    if (size > maxSize) throw new CelError('error parsing regexp: expression too large');
    budget?.work(size * stepsToCompile);
    regex = compile(pattern);
    if (known.size >= maxKnown) known.clear();
    known.set(pattern, regex);
  }
  return regex;
}

/** What is wrong with a regular expression, in Go's words; undefined: nothing. */
export function patternFault(pattern: string): string | undefined {
  try {
    compileRegex(pattern);
    return undefined;
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return error.message;
  }
}

type Program = ReturnType<RE2JS['re2']>['prog'];

function compile(pattern: string): Regex {
  try {
    const compiled = RE2JS.compile(pattern);
    const program = compiled.re2().prog;
    return {
      test: (text, budget) => {
        // Each character may lead to a state that was not seen before, which takes a walk through the program.
        const states = Math.min(text.length, maxStates) * program.numInst();
        budget.work((states >> 1) + (text.length >> 4));
        const found = compiled.test(text);
        if (states > maxLeft) compiled.reset();
        return found;
      },
      find: (text, from, budget) => findMatch(program, { text, from, budget }),
    };
  } catch (cause) {
    throw new CelError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** The library's instructions. */
const op = {
  alt: 1,
  altMatch: 2,
  capture: 3,
  emptyWidth: 4,
  fail: 5,
  match: 6,
  nop: 7,
  rune: 8,
  rune1: 9,
  any: 10,
  anyButNewline: 11,
} as const;
/** What an empty-width instruction asks for. */
const beginLine = 1;
const endLine = 2;
const beginText = 4;
const endText = 8;
const wordBoundary = 16;
const noWordBoundary = 32;

interface Thread {
  readonly pc: number;
  readonly start: number;
}

/** Threads in order of preference; a match cuts off those that come after it, and those before it go on. */
function findMatch(
  program: Program,
  { text, from, budget }: { text: string; from: number; budget: Budget },
): readonly [number, number] | undefined {
  let threads: Thread[] = [];
  let found: readonly [number, number] | undefined;
  for (let at = from; ; ) {
    const code = text.codePointAt(at);
    const flags = flagsAt(text, at);
    const seen = new Set<number>();
    const ready: Thread[] = [];
    for (const thread of threads) follow(program, thread, { flags, seen, ready });
    if (!found) follow(program, { pc: program.start, start: at }, { flags, seen, ready });
    if (ready.length === 0 && found) return found;
    budget.work(1 + seen.size);
    threads = [];
    for (const { pc, start } of ready) {
      const instruction = program.getInst(pc);
      if (instruction.op === op.match) {
        found = [start, at];
        break;
      }
      if (code !== undefined && consumes(instruction, code)) threads.push({ pc: instruction.out, start });
    }
    if (code === undefined) return found;
    at += code > 0xffff ? 2 : 1;
  }
}

function consumes(instruction: ReturnType<Program['getInst']>, code: number): boolean {
  if (instruction.op === op.any) return true;
  if (instruction.op === op.anyButNewline) return code !== 10;
  return instruction.matchRune(code);
}

/** Goes on from a thread to where the next character is looked at, the preferred way first. */
function follow(
  program: Program,
  thread: Thread,
  walk: { readonly flags: number; readonly seen: Set<number>; readonly ready: Thread[] },
): void {
  const stack = [thread.pc];
  for (let pc = stack.pop(); pc !== undefined; pc = stack.pop()) {
    if (walk.seen.has(pc)) continue;
    walk.seen.add(pc);
    const instruction = program.getInst(pc);
    switch (instruction.op) {
      case op.alt:
      case op.altMatch:
        stack.push(instruction.arg, instruction.out);
        break;
      case op.capture:
      case op.nop:
        stack.push(instruction.out);
        break;
      case op.emptyWidth:
        if ((instruction.arg & ~walk.flags) === 0) stack.push(instruction.out);
        break;
      case op.fail:
        break;
      default:
        walk.ready.push({ pc, start: thread.start });
    }
  }
}

function flagsAt(text: string, at: number): number {
  const [before, after] = [at === 0 ? -1 : text.charCodeAt(at - 1), at >= text.length ? -1 : text.charCodeAt(at)];
  let flags = isWord(before) === isWord(after) ? noWordBoundary : wordBoundary;
  if (before < 0) flags |= beginText | beginLine;
  if (before === 10) flags |= beginLine;
  if (after < 0) flags |= endText | endLine;
  if (after === 10) flags |= endLine;
  return flags;
}

const isWord = (unit: number): boolean =>
  (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90) || unit === 95 || (unit >= 97 && unit <= 122);
