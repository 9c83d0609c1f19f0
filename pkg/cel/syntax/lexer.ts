/** Characters become tokens. https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax */
import type { Issue } from './issue.ts';

export type TokenKind = 'ident' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'op' | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly at: number;
  readonly end: number;
  /** Of strings and bytes: the value, escapes resolved (bytes: one character a byte). Otherwise as written. */
  readonly text: string;
}

export class SyntaxIssue extends Error {
  readonly issue: Issue;
  constructor(at: number, message: string) {
    super(message);
    this.issue = { at, message: `Syntax error: ${message}` };
  }
}

const space = /[ \t\r\n\f]+|\/\/[^\n]*/y;
const number = /0x[0-9a-fA-F]+[uU]?|\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?|\d+[uU]?/y;
const ident = /[_a-zA-Z][_a-zA-Z0-9]*/y;
const operator = /==|!=|<=|>=|&&|\|\||[<>+\-*/%!?:.,()[\]{}]/y;
const quote = /(?:[rR][bB]?|[bB][rR]?)?("""|'''|"|')/y;

export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  for (;;) {
    const gap = match(space);
    if (gap !== undefined) {
      at += gap.length;
      continue;
    }
    if (at >= source.length) break;
    const opening = match(quote);
    if (opening !== undefined) {
      const token = readString(source, at, opening);
      tokens.push(token);
      at = token.end;
      continue;
    }
    const [kind, text] = firstOf(match);
    if (text === undefined) throw new SyntaxIssue(at, `token recognition error at: '${String.fromCodePoint(source.codePointAt(at) ?? 0)}'`);
    tokens.push({ kind, at, end: at + text.length, text });
    at += text.length;
  }
  tokens.push({ kind: 'end', at: source.length, end: source.length, text: '<EOF>' });
  return tokens;
}

function firstOf(match: (pattern: RegExp) => string | undefined): [TokenKind, string | undefined] {
  const digits = match(number);
  if (digits !== undefined) {
    if (/[uU]$/.test(digits)) return ['uint', digits];
    return [/^0x/.test(digits) || !/[.eE]/.test(digits) ? 'int' : 'double', digits];
  }
  const name = match(ident);
  return name === undefined ? ['op', match(operator)] : ['ident', name];
}

function readString(source: string, at: number, opening: string): Token {
  const prefix = /^[a-zA-Z]*/.exec(opening)?.[0].toLowerCase() ?? '';
  const raw = prefix.includes('r');
  const bytes = prefix.includes('b');
  const delimiter = opening.slice(prefix.length);
  let text = '';
  let pos = at + opening.length;
  for (;;) {
    if (pos >= source.length || (delimiter.length === 1 && source[pos] === '\n')) {
      throw new SyntaxIssue(at, `token recognition error at: '${source.slice(at, pos)}'`);
    }
    if (source.startsWith(delimiter, pos)) break;
    if (source[pos] === '\\' && !raw) {
      const [piece, length] = readEscape(source, pos, bytes);
      text += piece;
      pos += length;
    } else if (source[pos] === '\\' && source.startsWith(delimiter, pos + 1)) {
      // A raw string keeps the backslash, and the quote after it does not end the string.
      text += `\\${delimiter}`;
      pos += 1 + delimiter.length;
    } else {
      const char = String.fromCodePoint(source.codePointAt(pos) ?? 0);
      text += bytes ? utf8(char) : char;
      pos += char.length;
    }
  }
  return { kind: bytes ? 'bytes' : 'string', at, end: pos + delimiter.length, text };
}

/** One character a byte. */
const utf8 = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '"': '"',
  "'": "'",
  '`': '`',
  '\\': '\\',
  '?': '?',
};
const numericEscape = /\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2}))/y;

function readEscape(source: string, pos: number, bytes: boolean): [string, number] {
  const simple = simpleEscapes[source[pos + 1] ?? ''];
  if (simple !== undefined) return [simple, 2];
  numericEscape.lastIndex = pos;
  const found = numericEscape.exec(source);
  if (!found) throw new SyntaxIssue(pos, `token recognition error at: '${source.slice(pos, pos + 2)}'`);
  const [whole, hex, short, long, octal] = found;
  const code = octal === undefined ? Number.parseInt(hex ?? short ?? long ?? '', 16) : Number.parseInt(octal, 8);
  if ((short ?? long) !== undefined && bytes) throw new SyntaxIssue(pos, 'bytes literals hold no unicode escapes');
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) throw new SyntaxIssue(pos, `invalid unicode code point: ${whole}`);
  return [String.fromCodePoint(code), whole.length];
}
