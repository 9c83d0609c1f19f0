/**
 * YAML as the API server reads it, which is YAML 1.1 as far as plain scalars go: `0644` and `0o644` are octal, `yes`,
 * `on` and `y` are true, `1_000` is 1000; but times stay text, and `1:30` is no number. Keys become strings, since the
 * value goes on as JSON.
 */
import { isAlias, isMap, isScalar, isSeq, Lexer, type Node, type Pair, parseAllDocuments } from 'yaml';
import { ApiError, badRequest } from '../api/errors.ts';
import { maxBodyDepth, type ParsedJson, parseJson } from './json.ts';
import { isObject, type JsonObject, setKey } from './values.ts';
import { resolvePlain } from './yaml-scalar.ts';

/** Aliases may not unfold into more values than this: a small text can name a billion. */
const maxUnfolded = 100_000;
const tooDeep = 'yaml: exceeded max depth';

/** Some 80,000 keys. A token takes 4 µs to parse and 0.5 µs to count, so that no text holds up the process for long. */
const maxTokens = 400_000;

/** The first document of the text. Throws BadRequest with the fault and its line. */
export function parseYaml(text: string): ParsedJson {
  // Clients in Go send JSON where YAML is asked for, since it is YAML too, and far quicker to read.
  if (text.startsWith('{')) {
    try {
      const parsed = parseJson(text, maxBodyDepth);
      // Of fields that stand twice YAML's parser tells the lines.
      if (parsed.duplicates.length === 0) return parsed;
      return { value: parsed.value, duplicates: parseYamlDocuments(text)[0]?.duplicates ?? [] };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
  return parseYamlDocuments(text)[0] ?? { value: null, duplicates: [] };
}

/** All documents of the text, the empty ones left out. Throws BadRequest. */
export function parseYamlDocuments(text: string): ParsedJson[] {
  try {
    countTokens(text);
    const documents = parseAllDocuments(text, {
      schema: 'failsafe',
      uniqueKeys: false,
      merge: false,
      logLevel: 'silent',
      prettyErrors: false,
    });
    const out: ParsedJson[] = [];
    for (const document of documents) {
      const fault = document.errors[0];
      // The parser is recursive, and reports a stack that is too small as a fault of the text.
      if (fault)
        throw badRequest(/call stack/.test(fault.message) ? tooDeep : `yaml: line ${lineOf(text, fault.pos[0])}: ${fault.message}`);
      if (document.contents === null) continue;
      const reader = new Reader(text);
      const value = reader.value(document.contents);
      if (value !== null) out.push({ value, duplicates: reader.duplicates });
    }
    return out;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw badRequest(error instanceof RangeError ? tooDeep : `yaml: ${String(error)}`, error);
  }
}

function countTokens(text: string): void {
  let count = 0;
  for (const _ of new Lexer().lex(text)) {
    if (++count > maxTokens) throw badRequest('yaml: document has too many tokens');
  }
}

function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) line++;
  return line;
}

class Reader {
  readonly duplicates: string[] = [];
  readonly #text: string;
  readonly #anchors = new Map<string, Node>();
  /** Anchors that are being unfolded: one inside itself has no end. */
  readonly #open = new Set<Node>();
  #unfolded = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(node: unknown): unknown {
    if (this.#open.size > 0 && ++this.#unfolded > maxUnfolded) throw badRequest('yaml: document contains excessive aliasing');
    if (isAlias(node)) return this.#alias(node.source);
    if (isScalar(node)) {
      if (node.anchor) this.#anchors.set(node.anchor, node);
      return this.#scalar(node);
    }
    if (!isMap(node) && !isSeq(node)) return null;
    if (node.anchor) this.#anchors.set(node.anchor, node);
    if (++this.#depth > maxBodyDepth) throw badRequest(tooDeep);
    const value = isMap(node) ? this.#map(node.items) : this.#list(node.items);
    this.#depth--;
    return value;
  }

  #alias(name: string): unknown {
    const node = this.#anchors.get(name);
    if (!node) throw badRequest(`yaml: unknown anchor '${name}' referenced`);
    if (this.#open.has(node)) throw badRequest(`yaml: anchor '${name}' value contains itself`);
    this.#open.add(node);
    const value = this.value(node);
    this.#open.delete(node);
    return value;
  }

  #list(items: readonly unknown[]): unknown[] {
    return items.map((item) => this.value(item));
  }

  #map(items: readonly Pair[]): JsonObject {
    const out: JsonObject = {};
    const merged: unknown[] = [];
    for (const pair of items) {
      if (isScalar(pair.key) && pair.key.type === 'PLAIN' && pair.key.value === '<<') {
        merged.push(this.value(pair.value));
        continue;
      }
      const key = this.#key(pair.key);
      if (Object.hasOwn(out, key)) this.duplicates.push(`line ${this.#lineOf(pair.key)}: key ${JSON.stringify(key)} already set in map`);
      setKey(out, key, this.value(pair.value));
    }
    for (const source of merged.flat()) {
      if (!isObject(source)) throw badRequest('yaml: map merge requires map or sequence of maps as the value');
      for (const key in source) if (!Object.hasOwn(out, key)) setKey(out, key, source[key]);
    }
    return out;
  }

  #lineOf(node: unknown): number {
    return isScalar(node) ? lineOf(this.#text, node.range?.[0] ?? 0) : 1;
  }

  #key(node: unknown): string {
    const key = this.value(node);
    if (typeof key === 'object' && key !== null) throw badRequest('yaml: a key must be a scalar');
    return String(key);
  }

  #scalar(node: {
    value: unknown;
    type?: string | undefined;
    tag?: string | undefined;
    range?: readonly number[] | null | undefined;
  }): unknown {
    const text = typeof node.value === 'string' ? node.value : '';
    if (node.tag === '!' || node.tag === 'tag:yaml.org,2002:str') return text;
    if (node.tag === 'tag:yaml.org,2002:binary') return decodeBinary(text);
    if (node.type !== 'PLAIN' && node.type !== undefined && node.tag === undefined) return text;
    const value = resolvePlain(text);
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw badRequest(`error converting YAML to JSON: line ${lineOf(this.#text, node.range?.[0] ?? 0)}: JSON has no number ${text}`);
    }
    return value;
  }
}

function decodeBinary(text: string): string {
  try {
    return atob(text.replace(/\s/g, ''));
  } catch (error) {
    throw badRequest('yaml: !!binary value contains invalid base64 data', error);
  }
}
