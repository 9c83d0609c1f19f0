/**
 * YAML as the API server reads it, which is YAML 1.1 as far as plain scalars go: `0644` and `0o644` are octal, `yes`,
 * `on` and `y` are true, `1_000` is 1000; but times stay text, and `1:30` is no number. Keys become strings, since the
 * value goes on as JSON.
 */
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseAllDocuments, stringify } from 'yaml';
import { ApiError, badRequest } from '../api/errors.ts';
import { formatPath, maxDepth, type ParsedJson } from './json.ts';
import { isObject, type JsonObject, setKey } from './values.ts';

/** Aliases may not unfold into more values than this: a small text can name a billion. */
const maxUnfolded = 100_000;

/** The first document of the text. Throws BadRequest with the fault and its line. */
export function parseYaml(text: string): ParsedJson {
  return parseYamlDocuments(text)[0] ?? { value: null, duplicates: [] };
}

/** All documents of the text, the empty ones left out. Throws BadRequest. */
export function parseYamlDocuments(text: string): ParsedJson[] {
  try {
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
      if (fault) throw badRequest(`yaml: line ${lineOf(text, fault.pos[0])}: ${fault.message}`);
      if (document.contents === null) continue;
      const reader = new Reader(text);
      const value = reader.value(document.contents);
      if (value !== null) out.push({ value, duplicates: reader.duplicates });
    }
    return out;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    // The parser is recursive, and gives up on absurd nesting with a RangeError.
    throw badRequest(`yaml: ${error instanceof RangeError ? 'exceeded max depth' : String(error)}`, error);
  }
}

/** A value as YAML text, keys in the order they have. What YAML 1.1 would read as something else is quoted. */
export function formatYaml(value: unknown): string {
  return stringify(value, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false, compat: 'core' });
}

function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) line++;
  return line;
}

class Reader {
  readonly duplicates: string[] = [];
  readonly #text: string;
  readonly #path: (string | number)[] = [];
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
    if (++this.#depth > maxDepth) throw badRequest('yaml: exceeded max depth');
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
    return items.map((item, index) => {
      this.#path.push(index);
      const value = this.value(item);
      this.#path.pop();
      return value;
    });
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
      this.#path.push(key);
      if (Object.hasOwn(out, key)) this.duplicates.push(formatPath(this.#path));
      setKey(out, key, this.value(pair.value));
      this.#path.pop();
    }
    for (const source of merged.flat()) {
      if (!isObject(source)) throw badRequest('yaml: map merge requires map or sequence of maps as the value');
      for (const key in source) if (!Object.hasOwn(out, key)) setKey(out, key, source[key]);
    }
    return out;
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

const words = new Map<string, boolean | null>();
for (const word of ['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON']) words.set(word, true);
for (const word of ['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF']) words.set(word, false);
for (const word of ['', '~', 'null', 'Null', 'NULL']) words.set(word, null);

const float = /^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$/;

/** What a plain (unquoted) scalar stands for. */
export function resolvePlain(text: string): unknown {
  const word = words.get(text);
  if (word !== undefined) return word;
  if (!/^[-+.\d]/.test(text)) return text;
  const digits = text.replaceAll('_', '');
  const integer = parseInteger(digits);
  if (integer !== undefined) return integer;
  if (float.test(digits)) return Number(digits);
  if (/^[-+]?\.(inf|Inf|INF)$/.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^\.(nan|NaN|NAN)$/.test(text)) return Number.NaN;
  return text;
}

/** As Go reads an integer of base 0, within 64 bits. */
function parseInteger(text: string): number | bigint | undefined {
  const match = /^([-+]?)(?:0[xX]([\da-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9]\d*))$/.exec(text);
  if (!match) return undefined;
  const [, sign, hex, binary, octal, decimal] = match;
  const magnitude = BigInt(hex ? `0x${hex}` : binary ? `0b${binary}` : octal ? `0o${octal}` : (decimal as string));
  const value = sign === '-' ? -magnitude : magnitude;
  if (value < -(2n ** 63n) || value >= 2n ** 64n) return undefined;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function decodeBinary(text: string): string {
  try {
    return atob(text.replace(/\s/g, ''));
  } catch (error) {
    throw badRequest('yaml: !!binary value contains invalid base64 data', error);
  }
}
