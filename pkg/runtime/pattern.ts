/**
 * Regular expressions as Go writes them (RE2), run by JavaScript: what both know is the same, and the rest is rewritten
 * where there is an equal.
 * https://github.com/google/re2/wiki/Syntax
 */
import { badRequest } from '../api/errors.ts';

const classes: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

const compiled = new Map<string, RegExp>();

/** Throws BadRequest for what neither can read. Matches anywhere in the text, like Go's `MatchString`. */
export function compilePattern(pattern: string): RegExp {
  let expression = compiled.get(pattern);
  if (!expression) {
    expression = compile(pattern);
    if (compiled.size >= 1000) compiled.clear();
    compiled.set(pattern, expression);
  }
  return expression;
}

function compile(pattern: string): RegExp {
  const head = /^\(\?([imsU]+)\)/.exec(pattern);
  const flags = [...new Set(head?.[1] ?? '')].filter((flag) => flag !== 'U').join('');
  const body = rewrite(pattern.slice(head?.[0].length ?? 0));
  let first: unknown;
  // With `u` the text is read as characters, and needless escapes are faults; without it they are not.
  for (const mode of ['u', '']) {
    try {
      return new RegExp(body, flags + mode);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      first ??= error;
    }
  }
  throw badRequest(`error parsing regexp: ${JSON.stringify(pattern)}`, first);
}

function rewrite(pattern: string): string {
  return pattern.replace(/\\.|\(\?P<|\[:(\^?)(\w+):\]/gs, (part: string, negated: string | undefined, name: string | undefined) => {
    switch (part) {
      case '(?P<':
        return '(?<';
      case '\\A':
        return '^';
      case '\\z':
        return '$';
      case '\\a':
        return '\\x07';
      case '\\Q':
      case '\\E':
        return '';
      default:
        return name !== undefined && negated === '' ? (classes[name] ?? part) : part;
    }
  });
}
