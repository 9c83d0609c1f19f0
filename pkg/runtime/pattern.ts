/**
 * Regular expressions as Go reads them (RE2): matched in time that grows with the text alone, so that no definition
 * can hold up the server with a pattern. The library is loaded when the first one turns up: `loadPatterns` comes before
 * all else. https://github.com/google/re2/wiki/Syntax
 */
import { badRequest, InvariantError } from '../api/errors.ts';

export interface Pattern {
  /** Whether it matches anywhere in the text, like Go's `MatchString`. */
  test(text: string): boolean;
}

type Library = typeof import('@bufbuild/re2');

let loaded: Library | undefined;

export async function loadPatterns(): Promise<void> {
  loaded ??= await import('@bufbuild/re2');
}

const compiled = new Map<string, Pattern>();
const maxCompiled = 1000;
/** The library remembers what it has met in a text; what it learned of longer ones is forgotten again. */
const longText = 10_000;

/** Throws BadRequest for what is no regular expression. */
export function compilePattern(pattern: string): Pattern {
  let known = compiled.get(pattern);
  if (!known) {
    known = compile(pattern);
    if (compiled.size >= maxCompiled) compiled.clear();
    compiled.set(pattern, known);
  }
  return known;
}

function compile(pattern: string): Pattern {
  if (!loaded) throw new InvariantError('a pattern is looked at before patterns were loaded');
  try {
    const expression = loaded.RE2JS.compile(pattern);
    return {
      test(text) {
        const found = expression.test(text);
        if (text.length > longText) expression.reset();
        return found;
      },
    };
  } catch (error) {
    throw badRequest(`error parsing regexp: ${JSON.stringify(pattern)}`, error);
  }
}
