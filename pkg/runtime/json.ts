/**
 * JSON as Kubernetes reads it: duplicate keys are found, integers beyond 2^53 stay exact (as bigint), nesting is
 * bounded, and errors read as those of Go's decoder. What is ordinary goes through `JSON.parse`; one quick look over
 * the text decides whether it is.
 */
import { badRequest } from '../api/errors.ts';
import { isObject, type JsonObject, setKey } from './values.ts';

/** Deeper values are refused: every walk over an object is recursive. Kubernetes' own objects stay below 100. */
export const maxDepth = 1000;
/** What comes from outside: field ownership and lists add some levels to it, and must still be readable. */
export const maxBodyDepth = 500;

export interface ParsedJson {
  readonly value: unknown;
  /** Keys that stand twice in one object, as `Decoded` has them; the last one counts. */
  readonly duplicates: readonly string[];
}

/** Throws BadRequest with Go's words: `invalid character '}' looking for beginning of value`. */
export function parseJson(text: string, depth = maxDepth): ParsedJson {
  const colons = survey(text, depth);
  if (colons >= 0) {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      // The parser below finds the same fault, and words it.
      return new Parser(text, depth).document();
    }
    if (countKeys(value) === colons) return { value, duplicates: [] };
  }
  return new Parser(text, depth).document();
}

/**
 * The same for text that this program wrote itself: keys stand once, and what is left to look for are long integers.
 * A third quicker.
 */
export function parseTrustedJson(text: string): unknown {
  return longDigits.test(text) ? parseJson(text).value : JSON.parse(text);
}
const longDigits = /\d{16}/;

/** The number of colons outside strings, or -1 where the text has what `JSON.parse` would lose or not survive. */
function survey(text: string, maxDepth: number): number {
  let colons = 0;
  let depth = 0;
  let digits = 0;
  const { length } = text;
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i);
    if (c === 34) {
      // The end of the string: a quote that an even number of backslashes stands before.
      let end = text.indexOf('"', i + 1);
      while (end > 0 && text.charCodeAt(end - 1) === 92) {
        let back = end - 2;
        while (text.charCodeAt(back) === 92) back--;
        if ((end - back) % 2 === 1) break;
        end = text.indexOf('"', end + 1);
      }
      if (end < 0) return -1;
      i = end;
      digits = 0;
    } else if (c >= 48 && c <= 57) {
      if (++digits > 15) return -1;
    } else {
      digits = 0;
      if (c === 58) colons++;
      else if (c === 123 || c === 91) {
        if (++depth > maxDepth) return -1;
      } else if (c === 125 || c === 93) depth--;
      else if (c === 69 || (c === 101 && i > 0 && isDigitOrDot(text.charCodeAt(i - 1)))) return -1;
    }
  }
  return colons;
}

function isDigitOrDot(c: number): boolean {
  return (c >= 48 && c <= 57) || c === 46;
}

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') count += countKeys(item);
    return count;
  }
  for (const key in value) {
    count++;
    const item = (value as JsonObject)[key];
    if (typeof item === 'object') count += countKeys(item);
  }
  return count;
}

const numberSyntax = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const escapes: Record<string, string> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** Slower than `JSON.parse`, and knows where it is. */
class Parser {
  readonly #text: string;
  readonly #maxDepth: number;
  #at = 0;
  #depth = 0;
  readonly #path: (string | number)[] = [];
  readonly #duplicates: string[] = [];

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  document(): ParsedJson {
    const value = this.#value('looking for beginning of value');
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected('after top-level value');
    return { value, duplicates: this.#duplicates };
  }

  #space(): void {
    for (;;) {
      const c = this.#text.charCodeAt(this.#at);
      if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return;
      this.#at++;
    }
  }

  #unexpected(where: string): Error {
    const character = this.#text[this.#at];
    if (character === undefined) return badRequest('unexpected end of JSON input');
    return badRequest(`invalid character ${quoteCharacter(this.#text.codePointAt(this.#at) as number)} ${where}`);
  }

  #value(where: string): unknown {
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#nested(() => this.#object());
      case '[':
        return this.#nested(() => this.#array());
      case '"':
        return this.#string();
      case 't':
        return this.#literal('true', true);
      case 'f':
        return this.#literal('false', false);
      case 'n':
        return this.#literal('null', null);
      default:
        return this.#number(where);
    }
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > this.#maxDepth) throw badRequest('exceeded max depth');
    this.#at++;
    const value = read();
    this.#depth--;
    return value;
  }

  #object(): JsonObject {
    const out: JsonObject = {};
    this.#space();
    if (this.#text[this.#at] === '}') {
      this.#at++;
      return out;
    }
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#unexpected('looking for beginning of object key string');
      const key = this.#string();
      this.#space();
      if (this.#text[this.#at] !== ':') throw this.#unexpected('after object key');
      this.#at++;
      this.#path.push(key);
      if (Object.hasOwn(out, key)) this.#duplicates.push(formatPath(this.#path));
      setKey(out, key, this.#value('looking for beginning of value'));
      this.#path.pop();
      this.#space();
      const c = this.#text[this.#at];
      if (c !== ',' && c !== '}') throw this.#unexpected('after object key:value pair');
      this.#at++;
      if (c === '}') return out;
    }
  }

  #array(): unknown[] {
    const out: unknown[] = [];
    this.#space();
    if (this.#text[this.#at] === ']') {
      this.#at++;
      return out;
    }
    for (;;) {
      this.#path.push(out.length);
      out.push(this.#value('looking for beginning of value'));
      this.#path.pop();
      this.#space();
      const c = this.#text[this.#at];
      if (c !== ',' && c !== ']') throw this.#unexpected('after array element');
      this.#at++;
      if (c === ']') return out;
    }
  }

  #string(): string {
    this.#at++;
    let out = '';
    let start = this.#at;
    for (;;) {
      const c = this.#text.charCodeAt(this.#at);
      if (c === 34) {
        out += this.#text.slice(start, this.#at++);
        return out;
      }
      if (c === 92) {
        out += this.#text.slice(start, this.#at++);
        out += this.#escape();
        start = this.#at;
      } else if (c < 32 || Number.isNaN(c)) {
        throw this.#unexpected('in string literal');
      } else {
        this.#at++;
      }
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at];
    if (letter === 'u') {
      for (let i = 1; i <= 4; i++) {
        if (!/^[0-9a-fA-F]$/.test(this.#text[this.#at + i] ?? '')) {
          this.#at += i;
          throw this.#unexpected('in \\u hexadecimal character escape');
        }
      }
      const code = Number.parseInt(this.#text.slice(this.#at + 1, this.#at + 5), 16);
      this.#at += 5;
      return String.fromCharCode(code);
    }
    const plain = letter === undefined ? undefined : escapes[letter];
    if (plain === undefined) throw this.#unexpected('in string escape code');
    this.#at++;
    return plain;
  }

  #literal<T>(word: string, value: T): T {
    for (let i = 0; i < word.length; i++) {
      if (this.#text[this.#at] !== word[i]) throw this.#unexpected(`in literal ${word} (expecting '${word[i]}')`);
      this.#at++;
    }
    return value;
  }

  #number(where: string): number | bigint {
    const first = this.#text[this.#at];
    if (first === undefined || !/[-0-9]/.test(first)) throw this.#unexpected(where);
    numberSyntax.lastIndex = this.#at;
    const match = numberSyntax.exec(this.#text);
    if (!match) {
      this.#at++;
      throw this.#unexpected('in numeric literal');
    }
    const digits = match[0];
    this.#at += digits.length;
    const value = Number(digits);
    if (!Number.isFinite(value)) throw badRequest(`json: cannot unmarshal number ${digits} into Go value of type float64`);
    return /^-?\d+$/.test(digits) && !Number.isSafeInteger(value) ? BigInt(digits) : value;
  }
}

/** As Go shows a character. */
function quoteCharacter(code: number): string {
  if (code === 39) return `'\\''`;
  if (code < 32 && code !== 9 && code !== 10 && code !== 13) return `'\\x${code.toString(16).padStart(2, '0')}'`;
  const text = String.fromCodePoint(code);
  return text === '"' ? `'"'` : `'${JSON.stringify(text).slice(1, -1)}'`;
}

/** `spec.containers[0].name`. */
export function formatPath(path: readonly (string | number)[]): string {
  let text = '';
  for (const part of path) text += typeof part === 'number' ? `[${part}]` : text === '' ? part : `.${part}`;
  return text;
}

/** JSON text of a value that may hold bigints. Equal values with keys in equal order give equal text. */
export function stringifyJson(value: unknown, indent?: number): string {
  try {
    return JSON.stringify(value, null, indent);
  } catch (error) {
    if (!(error instanceof TypeError) || !hasBigint(value)) throw error;
    return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? rawJson(item) : item), indent);
  }
}

/** A number of any size, as `JSON.stringify` writes it unchanged. */
const rawJson = (value: bigint): unknown => (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(value.toString());

function hasBigint(value: unknown): boolean {
  if (typeof value === 'bigint') return true;
  if (Array.isArray(value)) return value.some(hasBigint);
  return isObject(value) && Object.values(value).some(hasBigint);
}
