/**
 * Tokens become a tree: one function a level of precedence, macros recognised where they are called.
 * https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax
 */
import { Uint } from '../values/value.ts';
import { type Expr, type FoldMacro, type ListElement, type MapEntry, type MessageField, qualifiedName } from './ast.ts';
import type { Issue } from './issue.ts';
import { SyntaxIssue, type Token, tokenize } from './lexer.ts';

export type ParseResult = { readonly expr: Expr } | { readonly issues: readonly Issue[] };

const maxSize = 100_000;
const maxDepth = 250;

export function parse(source: string): ParseResult {
  const size = source.length <= maxSize ? 0 : [...source].length;
  if (size > maxSize) return { issues: [{ at: 0, message: `expression code point size exceeds limit: size: ${size}, limit ${maxSize}` }] };
  try {
    return { expr: new Parser(tokenize(source)).whole() };
  } catch (error) {
    if (error instanceof SyntaxIssue) return { issues: [error.issue] };
    if (error instanceof MacroIssue) return { issues: [error.issue] };
    throw error;
  }
}

/** A macro that is called with what it cannot take, and what else the grammar would allow. */
class MacroIssue extends Error {
  readonly issue: Issue;
  constructor(at: number, message: string) {
    super(message);
    this.issue = { at, message };
  }
}

const reserved = new Set('as break const continue else for function if import let loop package namespace return var void while'.split(' '));
const operand = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
const maxInt = 2n ** 63n;

/** Binary operators, the loosest first. */
const levels: readonly (readonly string[])[] = [['||'], ['&&'], ['==', '!=', '<', '<=', '>=', '>', 'in'], ['+', '-'], ['*', '/', '%']];

const oneVariableFolds: Readonly<Record<string, FoldMacro>> = {
  all: 'all',
  exists: 'exists',
  exists_one: 'exists_one',
  filter: 'filter',
  map: 'map',
  sortBy: 'sortBy',
};
const twoVariableFolds: Readonly<Record<string, FoldMacro>> = {
  all: 'all',
  exists: 'exists',
  exists_one: 'exists_one',
  existsOne: 'exists_one',
  transformList: 'transformList',
  transformMap: 'transformMap',
  transformMapEntry: 'transformMapEntry',
};

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Expr {
    const expr = this.#expression();
    const token = this.#peek();
    if (token.kind !== 'end') throw this.#unexpected(token, '<EOF>');
    return expr;
  }

  #peek(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #take(): Token {
    return this.#tokens[this.#next++] as Token;
  }

  #isOp(text: string): boolean {
    const token = this.#peek();
    return token.kind === 'op' && token.text === text;
  }

  #takeOp(text: string): Token | undefined {
    return this.#isOp(text) ? this.#take() : undefined;
  }

  /** `expected`: what else could stand there. */
  #expectOp(text: string, expected = `'${text}'`): Token {
    if (this.#isOp(text)) return this.#take();
    const token = this.#peek();
    const after = this.#tokens[this.#next + 1];
    const wouldFit = expected.startsWith("'") && !(after?.kind === 'op' && after.text === text) && mayFollow(text, token);
    throw wouldFit ? new SyntaxIssue(token.at, `missing '${text}' at '${shown(token)}'`) : this.#unexpected(token, expected);
  }

  #unexpected(token: Token, expected: string): SyntaxIssue {
    // One token too many, and then what was expected.
    const after = this.#tokens[this.#tokens.indexOf(token) + 1]?.text;
    const extraneous = after !== undefined && (after === expected || expected.includes(`'${after}'`));
    return new SyntaxIssue(token.at, `${extraneous ? 'extraneous' : 'mismatched'} input '${shown(token)}' expecting ${expected}`);
  }

  #expression(): Expr {
    if (++this.#depth > maxDepth) throw new MacroIssue(this.#peek().at, `expression recursion limit exceeded: ${maxDepth}`);
    const condition = this.#binary(0);
    const question = this.#takeOp('?');
    let expr = condition;
    if (question) {
      const yes = this.#binary(0);
      this.#expectOp(':');
      expr = { kind: 'call', at: question.at, name: '_?_:_', args: [condition, yes, this.#expression()] };
    }
    this.#depth--;
    return expr;
  }

  #binary(level: number): Expr {
    const operators = levels[level];
    if (!operators) return this.#unary();
    let left = this.#binary(level + 1);
    // A long chain of one operator makes a tree as deep as it is long.
    let links = 0;
    for (;;) {
      const token = this.#peek();
      if ((token.kind !== 'op' && token.text !== 'in') || token.kind === 'string' || !operators.includes(token.text)) return left;
      this.#take();
      if (++links > 1000) throw new MacroIssue(token.at, `expression recursion limit exceeded: ${maxDepth}`);
      const right = this.#binary(level + 1);
      left = { kind: 'call', at: token.at, name: token.text === 'in' ? '@in' : `_${token.text}_`, args: [left, right] };
    }
  }

  #unary(): Expr {
    const first = this.#peek();
    if (this.#isOp('!') || this.#isOp('-')) {
      // An even number of signs does nothing.
      let odd = false;
      while (this.#takeOp(first.text)) odd = !odd;
      if (first.text === '-' && odd && (this.#peek().kind === 'int' || this.#peek().kind === 'double')) {
        return this.#members(this.#numberLiteral({ ...this.#take(), at: first.at }, true));
      }
      const inner = this.#unaryOperand();
      return odd ? { kind: 'call', at: first.at, name: `${first.text}_`, args: [inner] } : inner;
    }
    return this.#unaryOperand();
  }

  #unaryOperand(): Expr {
    return this.#members(this.#primary());
  }

  /** What follows a value: `.field`, `.?field`, `.method(...)`, `[index]`, `[?index]`. */
  #members(start: Expr): Expr {
    let expr = start;
    for (let links = 0; ; links++) {
      const token = this.#peek();
      if (links > maxDepth * 4) throw new MacroIssue(token.at, `expression recursion limit exceeded: ${maxDepth}`);
      if (this.#takeOp('.')) {
        const optional = this.#takeOp('?') !== undefined;
        const name = this.#take();
        if (name.kind !== 'ident' || name.text === 'in' || /^(true|false|null)$/.test(name.text)) {
          // Words of the language are told apart from what is no word at all.
          if (/^(true|false|null)$/.test(name.text)) throw this.#unexpected(name, 'IDENTIFIER');
          throw new SyntaxIssue(name.at, `no viable alternative at input '.${name.kind === 'end' ? '' : shown(name)}'`);
        }
        const open = optional ? undefined : this.#takeOp('(');
        expr = open
          ? this.#call(open.at, name.text, expr)
          : { kind: 'select', at: token.at, operand: expr, field: name.text, test: false, optional };
      } else if (this.#takeOp('[')) {
        const optional = this.#takeOp('?') !== undefined;
        const index = this.#expression();
        this.#expectOp(']');
        expr = { kind: 'call', at: token.at, name: optional ? '_[?_]' : '_[_]', args: [expr, index] };
      } else if (this.#isOp('{') && qualifiedName(expr) !== undefined) {
        expr = this.#message(qualifiedName(expr) ?? '');
      } else {
        return expr;
      }
    }
  }

  #primary(): Expr {
    const token = this.#take();
    switch (token.kind) {
      case 'int':
      case 'uint':
      case 'double':
        return this.#numberLiteral(token, false);
      case 'string':
        return { kind: 'literal', at: token.at, value: token.text };
      case 'bytes':
        return { kind: 'literal', at: token.at, value: Uint8Array.from(token.text, (char) => char.charCodeAt(0)) };
      case 'ident':
        return this.#identifier(token, '');
      case 'op':
        return this.#bracketed(token);
      default:
        throw this.#unexpected(token, operand);
    }
  }

  #bracketed(token: Token): Expr {
    if (token.text === '(') {
      const inner = this.#expression();
      this.#expectOp(')');
      return inner;
    }
    if (token.text === '[') return { kind: 'list', at: token.at, elements: this.#listElements() };
    if (token.text === '{') return { kind: 'map', at: token.at, entries: this.#mapEntries() };
    // `.name` is a name at the root, which is where all names are.
    if (token.text === '.' && this.#peek().kind === 'ident') return this.#identifier(this.#take(), '.');
    throw this.#unexpected(token, operand);
  }

  #identifier(token: Token, dot: '' | '.'): Expr {
    if (dot === '') {
      if (token.text === 'true' || token.text === 'false') return { kind: 'literal', at: token.at, value: token.text === 'true' };
      if (token.text === 'null') return { kind: 'literal', at: token.at, value: null };
    }
    if (token.text === 'in') throw this.#unexpected(token, operand);
    if (reserved.has(token.text)) throw new MacroIssue(token.at, `reserved identifier: ${token.text}`);
    const open = this.#takeOp('(');
    if (open) return this.#call(open.at, token.text);
    return { kind: 'ident', at: token.at, name: token.text };
  }

  #numberLiteral(token: Token, negative: boolean): Expr {
    const sign = negative ? '-' : '';
    if (token.kind === 'double') return { kind: 'literal', at: token.at, value: Number(sign + token.text) };
    if (token.kind === 'uint') {
      const value = BigInt(token.text.slice(0, -1));
      if (value >= 2n ** 64n) throw new MacroIssue(token.at, 'invalid uint literal');
      return { kind: 'literal', at: token.at, value: new Uint(value) };
    }
    const value = negative ? -BigInt(token.text) : BigInt(token.text);
    if (value >= maxInt || value < -maxInt) throw new MacroIssue(token.at, 'invalid int literal');
    return { kind: 'literal', at: token.at, value };
  }

  #listElements(): ListElement[] {
    const elements: ListElement[] = [];
    while (!this.#takeOp(']')) {
      const optional = this.#takeOp('?') !== undefined;
      elements.push({ optional, value: this.#expression() });
      if (!this.#isOp(']')) this.#expectOp(',', "{']', ','}");
    }
    return elements;
  }

  #mapEntries(): MapEntry[] {
    const entries: MapEntry[] = [];
    while (!this.#takeOp('}')) {
      const optional = this.#takeOp('?') !== undefined;
      const key = this.#expression();
      const colon = this.#expectOp(':');
      entries.push({ at: colon.at, optional, key, value: this.#expression() });
      if (!this.#isOp('}')) this.#expectOp(',', "{'}', ','}");
    }
    return entries;
  }

  #message(name: string): Expr {
    const open = this.#expectOp('{');
    const fields: MessageField[] = [];
    while (!this.#takeOp('}')) {
      const optional = this.#takeOp('?') !== undefined;
      const field = this.#take();
      if (field.kind !== 'ident') throw this.#unexpected(field, "{'}', ',', '?', IDENTIFIER}");
      const colon = this.#expectOp(':');
      fields.push({ at: colon.at, name: field.text, optional, value: this.#expression() });
      if (!this.#isOp('}')) this.#expectOp(',', "{'}', ','}");
    }
    return { kind: 'message', at: open.at, name, fields };
  }

  #call(at: number, name: string, target?: Expr): Expr {
    const args: Expr[] = [];
    while (!this.#takeOp(')')) {
      args.push(this.#expression());
      if (!this.#takeOp(',')) {
        this.#expectOp(')');
        break;
      }
    }
    const macro = target ? memberMacro(at, name, target, args) : globalMacro(at, name, args);
    return macro ?? { kind: 'call', at, name, ...(target ? { target } : {}), args };
  }
}

const shown = (token: Token): string => (token.kind === 'string' || token.kind === 'bytes' ? JSON.stringify(token.text) : token.text);

/** Whether only the operator is missing before the token. */
function mayFollow(operator: string, token: Token): boolean {
  const starts = token.kind !== 'op' ? token.kind !== 'end' : /^[([{.!-]$/.test(token.text);
  if (operator === ':') return starts;
  return token.kind === 'end' || (token.kind === 'op' && !/^[({!]$/.test(token.text));
}

function globalMacro(at: number, name: string, args: readonly Expr[]): Expr | undefined {
  const [subject] = args;
  if (name !== 'has' || args.length !== 1 || !subject) return undefined;
  if (subject.kind !== 'select' || subject.optional) throw new MacroIssue(subject.at, 'invalid argument to has() macro');
  return { ...subject, at, test: true };
}

function memberMacro(at: number, name: string, target: Expr, args: readonly Expr[]): Expr | undefined {
  if ((name === 'optMap' || name === 'optFlatMap') && args.length === 2) {
    const varName = variable(args[0], `${name}() variable name must be a simple identifier`);
    return { kind: 'optMap', at, target, name: varName, body: at1(args), flat: name === 'optFlatMap' };
  }
  const two = args.length >= 3 && Object.hasOwn(twoVariableFolds, name) ? twoVariableFolds[name] : undefined;
  if (two !== undefined && (args.length === 3 || (args.length === 4 && name.startsWith('transform')))) {
    const variables = [variable(args[0], 'argument must be a simple name'), variable(args[1], 'argument must be a simple name')] as const;
    if (variables[0] === variables[1]) throw new MacroIssue(args[1]?.at ?? at, `duplicate variable name: ${variables[1]}`);
    const body = args.at(-1) as Expr;
    return { kind: 'fold', at, macro: two, range: target, variables, ...(args.length === 4 ? { filter: at2(args) } : {}), body };
  }
  const one = Object.hasOwn(oneVariableFolds, name) ? oneVariableFolds[name] : undefined;
  if (one === undefined || (args.length !== 2 && !(args.length === 3 && one === 'map'))) return undefined;
  const made = one === 'map' || one === 'filter';
  const variables = [variable(args[0], made ? 'argument is not an identifier' : 'argument must be a simple name')] as const;
  return {
    kind: 'fold',
    at,
    macro: one,
    range: target,
    variables,
    ...(args.length === 3 ? { filter: at1(args) } : {}),
    body: args.at(-1) as Expr,
  };
}

const at1 = (args: readonly Expr[]): Expr => args[1] as Expr;
const at2 = (args: readonly Expr[]): Expr => args[2] as Expr;

function variable(expr: Expr | undefined, message: string): string {
  if (expr?.kind === 'ident') return expr.name;
  throw new MacroIssue(expr?.at ?? 0, message);
}
