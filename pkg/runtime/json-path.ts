/**
 * JSONPath templates as kubectl knows them: text with `{…}` in it, where a path begins with `.`, `[`, `$` or `@`.
 * https://kubernetes.io/docs/reference/kubectl/jsonpath/
 *
 *   {.items[*].metadata.name}   {range .items[*]}{.metadata.name}{"\n"}{end}   {.items[?(@.spec.n>1)].x}
 *   {.a['b.c']}  {.a\.b}  {..name}  {.items[-1:]}  {.items[0,2]}  {'text'}
 */

import { sortedJson } from './sorted-json.ts';
import { isObject } from './values.ts';

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'path'; readonly steps: readonly Step[]; readonly fromRoot: boolean }
  | { readonly kind: 'range'; readonly path: readonly Step[]; readonly body: readonly Node[] };

type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'descend' }
  | { readonly kind: 'wildcard' }
  | { readonly kind: 'slice'; readonly from?: number; readonly to?: number; readonly by?: number }
  | { readonly kind: 'union'; readonly of: readonly Step[] }
  | { readonly kind: 'filter'; readonly left: Operand; readonly operator: string; readonly right: Operand | undefined };
type Operand = { readonly steps: readonly Step[] } | { readonly value: unknown };

/** The text is no template, or what it asks for is not there. */
class JsonPathError extends Error {
  override readonly name = 'JsonPathError';
}

export interface JsonPathOptions {
  /** What is not there gives nothing, not an error; that is the default. */
  readonly allowMissing?: boolean;
}

export class JsonPath {
  readonly #nodes: readonly Node[];
  readonly #template: string;

  /** Throws a plain error for what is no template. */
  constructor(template: string) {
    this.#template = template;
    const parser = new Parser(template);
    this.#nodes = parser.nodes(false);
  }

  /** The text that the template gives for this value. Results of one path are separated by spaces. */
  render(value: unknown, options: JsonPathOptions = {}): string {
    const out: string[] = [];
    const run = (nodes: readonly Node[], at: unknown): void => {
      for (const node of nodes) {
        if (node.kind === 'text') out.push(node.text);
        else if (node.kind === 'range') for (const item of this.#walk(node.path, at, options)) run(node.body, item);
        else
          out.push(
            this.#walk(node.steps, node.fromRoot ? value : at, options)
              .map(formatValue)
              .join(' '),
          );
      }
    };
    run(this.#nodes, value);
    return out.join('');
  }

  /** What the paths find, one after the other; text is left out. */
  find(value: unknown, options: JsonPathOptions = {}): unknown[] {
    return this.#nodes.flatMap((node) => (node.kind === 'path' ? this.#walk(node.steps, value, options) : []));
  }

  #walk(steps: readonly Step[], start: unknown, { allowMissing = true }: JsonPathOptions): unknown[] {
    return walk(steps, [start], (name) => {
      if (!allowMissing) throw new JsonPathError(`error executing jsonpath ${JSON.stringify(this.#template)}: ${name} is not found`);
    });
  }
}

/** `missing` is told of each field that is not there. */
function walk(steps: readonly Step[], start: readonly unknown[], missing: (name: string) => void): unknown[] {
  let at = [...start];
  for (const [i, step] of steps.entries()) {
    if (step.kind === 'descend') {
      const rest = steps.slice(i + 1);
      return at.flatMap(everything).flatMap((value) => walk(rest, [value], () => undefined));
    }
    at = at.flatMap((value) => take(step, value, missing));
  }
  return at;
}

function take(step: Exclude<Step, { kind: 'descend' }>, value: unknown, missing: (name: string) => void): unknown[] {
  switch (step.kind) {
    case 'field':
      if (isObject(value) && Object.hasOwn(value, step.name)) return [value[step.name]];
      missing(step.name);
      return [];
    case 'wildcard':
      return Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
    case 'slice': {
      if (!Array.isArray(value)) {
        missing('array');
        return [];
      }
      return slice(value, step);
    }
    case 'union':
      return step.of.flatMap((each) => (each.kind === 'descend' ? [] : take(each, value, missing)));
    case 'filter':
      return (Array.isArray(value) ? value : isObject(value) ? [value] : []).filter((item: unknown) => holds(step, item));
  }
}

function slice(list: readonly unknown[], { from, to, by = 1 }: Step & { kind: 'slice' }): unknown[] {
  const index = (n: number): number => (n < 0 ? n + list.length : n);
  const start = index(from ?? 0);
  const end = to === undefined ? list.length : Math.min(list.length, index(to));
  const out: unknown[] = [];
  for (let i = Math.max(0, start); i < end; i += Math.max(1, by)) out.push(list[i]);
  if (out.length === 0 && from !== undefined && to === from + 1)
    throw new JsonPathError(`array index out of bounds: index ${from}, length ${list.length}`);
  return out;
}

function holds({ left, operator, right }: Step & { kind: 'filter' }, item: unknown): boolean {
  const operand = (side: Operand): unknown[] => ('value' in side ? [side.value] : walk(side.steps, [item], () => undefined));
  const a = operand(left);
  if (!right) return a.length > 0;
  const [x] = a;
  const [y] = operand(right);
  if (a.length === 0) return false;
  switch (operator) {
    case '==':
      return x === y;
    case '!=':
      return x !== y;
    case '<':
      return (x as number) < (y as number);
    case '<=':
      return (x as number) <= (y as number);
    case '>':
      return (x as number) > (y as number);
    default:
      return (x as number) >= (y as number);
  }
}

/** The value and all within it, from the outside in. */
function everything(value: unknown): unknown[] {
  const children = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
  return [value, ...children.flatMap(everything)];
}

function formatValue(value: unknown): string {
  return typeof value === 'object' && value !== null ? sortedJson(value) : String(value ?? '');
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  nodes(inRange: boolean): Node[] {
    const nodes: Node[] = [];
    while (this.#at < this.#text.length) {
      const open = this.#text.indexOf('{', this.#at);
      if (open !== this.#at) {
        const end = open < 0 ? this.#text.length : open;
        nodes.push({ kind: 'text', text: this.#text.slice(this.#at, end) });
        this.#at = end;
        continue;
      }
      this.#at++;
      this.#spaces();
      if (this.#word('end')) {
        this.#close();
        if (!inRange) throw this.#fail('not in range, nothing to end');
        return nodes;
      }
      if (this.#word('range')) {
        this.#spaces();
        const path = this.#path();
        this.#close();
        nodes.push({ kind: 'range', path, body: this.nodes(true) });
        continue;
      }
      while (this.#peek() !== '}') {
        if (this.#at >= this.#text.length) throw this.#fail('unclosed action');
        nodes.push(this.#item());
        this.#spaces();
      }
      this.#close();
    }
    if (inRange) throw this.#fail('unexpected end of input: {end} is missing');
    return nodes;
  }

  #item(): Node {
    const quote = this.#peek();
    if (quote === '"' || quote === "'") return { kind: 'text', text: this.#quoted() };
    const fromRoot = this.#peek() === '$';
    const steps = this.#path();
    return { kind: 'path', steps, fromRoot };
  }

  #path(): Step[] {
    const steps: Step[] = [];
    if (this.#peek() === '$' || this.#peek() === '@') this.#at++;
    else if (/[A-Za-z_]/.test(this.#peek())) steps.push({ kind: 'field', name: this.#name() });
    else if (this.#peek() !== '.' && this.#peek() !== '[')
      throw this.#fail(`unrecognized character in action: ${JSON.stringify(this.#peek())}`);
    for (;;) {
      if (this.#text.startsWith('..', this.#at)) {
        this.#at += 2;
        steps.push({ kind: 'descend' });
        if (this.#peek() === '*') {
          this.#at++;
          steps.push({ kind: 'wildcard' });
        } else if (this.#peek() !== '[') steps.push({ kind: 'field', name: this.#name() });
      } else if (this.#peek() === '.') {
        this.#at++;
        if (this.#peek() === '*') {
          this.#at++;
          steps.push({ kind: 'wildcard' });
        } else if (this.#peek() !== '[' && !/[\s})]|^$/.test(this.#peek())) steps.push({ kind: 'field', name: this.#name() });
      } else if (this.#peek() === '[') {
        this.#at++;
        steps.push(this.#bracket());
      } else return steps;
    }
  }

  /** A field's name; a backslash takes the next character as it is. */
  #name(): string {
    let name = '';
    for (; this.#at < this.#text.length; this.#at++) {
      const c = this.#text[this.#at] as string;
      if (c === '\\') name += this.#text[++this.#at] ?? '';
      else if (/[\s.[\]{}()|&=!<>,]/.test(c)) break;
      else name += c;
    }
    if (name === '') throw this.#fail('a field name is expected');
    return name;
  }

  #bracket(): Step {
    if (this.#text.startsWith('?(', this.#at)) {
      this.#at += 2;
      const filter = this.#filter();
      this.#expect(']');
      return filter;
    }
    const parts: Step[] = [];
    do {
      this.#spaces();
      const c = this.#peek();
      if (c === '*') {
        this.#at++;
        parts.push({ kind: 'wildcard' });
      } else if (c === "'" || c === '"') parts.push({ kind: 'field', name: this.#quoted() });
      else parts.push(this.#indexes());
      this.#spaces();
    } while (this.#accept(','));
    this.#expect(']');
    return parts.length === 1 ? (parts[0] as Step) : { kind: 'union', of: parts };
  }

  #indexes(): Step {
    const match = /^(-?\d+)?(?:(:)(-?\d+)?(?::(-?\d+)?)?)?/.exec(this.#text.slice(this.#at));
    if (!match || match[0] === '') throw this.#fail(`invalid array index ${this.#text.slice(this.#at, this.#at + 10)}`);
    this.#at += match[0].length;
    const [, from, colon, to, by] = match;
    const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
    if (!colon) {
      const n = number(from) as number;
      return { kind: 'slice', from: n, ...(n === -1 ? {} : { to: n + 1 }) };
    }
    const [a, b, c] = [number(from), number(to), number(by)];
    return {
      kind: 'slice',
      ...(a === undefined ? {} : { from: a }),
      ...(b === undefined ? {} : { to: b }),
      ...(c === undefined ? {} : { by: c }),
    };
  }

  #filter(): Step {
    this.#spaces();
    const left = this.#operand();
    this.#spaces();
    const operator = /^(==|!=|<=|>=|<|>)/.exec(this.#text.slice(this.#at))?.[1];
    if (!operator) {
      this.#expect(')');
      return { kind: 'filter', left, operator: 'exists', right: undefined };
    }
    this.#at += operator.length;
    this.#spaces();
    const right = this.#operand();
    this.#spaces();
    this.#expect(')');
    return { kind: 'filter', left, operator, right };
  }

  #operand(): Operand {
    const c = this.#peek();
    if (c === '@' || c === '.' || c === '$') return { steps: this.#path() };
    if (c === '"' || c === "'") return { value: this.#quoted() };
    const match = /^(true|false|-?\d+(?:\.\d+)?)/.exec(this.#text.slice(this.#at));
    if (!match) throw this.#fail(`unrecognized filter operand at ${JSON.stringify(this.#text.slice(this.#at, this.#at + 10))}`);
    this.#at += match[0].length;
    return { value: match[0] === 'true' ? true : match[0] === 'false' ? false : Number(match[0]) };
  }

  #quoted(): string {
    const quote = this.#text[this.#at++] as string;
    let out = '';
    for (; this.#at < this.#text.length && this.#peek() !== quote; this.#at++) {
      const c = this.#peek();
      if (c !== '\\') out += c;
      else {
        const next = this.#text[++this.#at] ?? '';
        out += { n: '\n', t: '\t', r: '\r' }[next] ?? next;
      }
    }
    if (this.#at >= this.#text.length) throw this.#fail('unterminated quoted string');
    this.#at++;
    return out;
  }

  #peek(): string {
    return this.#text[this.#at] ?? '';
  }
  #spaces(): void {
    while (/\s/.test(this.#peek())) this.#at++;
  }
  #word(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at) || !/[\s}]/.test(this.#text[this.#at + word.length] ?? '')) return false;
    this.#at += word.length;
    return true;
  }
  #accept(c: string): boolean {
    if (this.#peek() !== c) return false;
    this.#at++;
    return true;
  }
  #expect(c: string): void {
    if (!this.#accept(c))
      throw this.#fail(`${JSON.stringify(c)} is expected${this.#peek() ? ` before ${JSON.stringify(this.#peek())}` : ''}`);
  }
  #close(): void {
    this.#spaces();
    if (!this.#accept('}')) throw this.#fail('unclosed action');
  }
  #fail(why: string): JsonPathError {
    return new JsonPathError(`error parsing jsonpath ${this.#text}, ${why}`);
  }
}

/** A path as it may be written outside braces: `.metadata.name`, `metadata.name`, `{.metadata.name}`. */
export function relaxedPath(text: string): JsonPath {
  const bare = text.trim().replace(/^\{/, '').replace(/\}$/, '');
  if (/[{}]/.test(bare))
    throw new JsonPathError(`unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'`);
  return new JsonPath(`{${/^[.[]/.test(bare) ? '' : '.'}${bare}}`);
}
