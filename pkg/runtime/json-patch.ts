/** JSON patch: https://www.rfc-editor.org/rfc/rfc6902 */
import { ApiError, badRequest } from '../api/errors.ts';
import { maxBodyDepth } from './json.ts';
import { copyValue, equalValues, goKind, isObject, setKey } from './values.ts';

/** Kubernetes refuses longer patches. */
const maxOperations = 10_000;
/** `copy` can double a document with every operation: what all of a patch may copy, in bytes of JSON. */
const maxCopied = 3 * 1024 * 1024;

/** The operations of RFC 6902, as a client sends them. */
export type JsonPatch = readonly {
  readonly op: Operation['op'];
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}[];

/** Inserting at the front of a long list moves all of it, and there may be many insertions. */
const maxMovedElements = 50_000_000;

interface Operation {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';
  readonly path: string;
  readonly from: string;
  readonly value: unknown;
}

/**
 * A new document; `doc` is not changed, and `ops` (a `JsonPatch`, if it is well-formed) is not kept. All or nothing: BadRequest for what is no list of
 * operations, Invalid (422) for operations that cannot be carried out.
 */
export function applyJsonPatch(doc: unknown, ops: unknown): unknown {
  const patch = new Patch(copyValue(doc));
  for (const operation of parseOperations(ops)) patch.apply(operation);
  return patch.document;
}

function parseOperations(ops: unknown): Operation[] {
  if (ops === null) return [];
  if (!Array.isArray(ops)) throw badRequest(`json: cannot unmarshal ${goKind(ops)} into Go value of type jsonpatch.Patch`);
  if (ops.length > maxOperations) {
    throw new ApiError('RequestEntityTooLarge', `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${ops.length}`);
  }
  return ops.map((operation: unknown): Operation => {
    if (!isObject(operation)) throw badRequest(`json: cannot unmarshal ${goKind(operation)} into Go value of type jsonpatch.Operation`);
    const { op, path, from } = operation;
    if (op !== 'add' && op !== 'remove' && op !== 'replace' && op !== 'move' && op !== 'copy' && op !== 'test') {
      throw misfit(`Unexpected kind: ${typeof op === 'string' ? op : 'unknown'}`);
    }
    if (typeof path !== 'string') throw misfit(`${op} operation failed to decode path: missing value`);
    if ((op === 'move' || op === 'copy') && typeof from !== 'string') throw misfit(`${op} operation failed to decode from: missing value`);
    return { op, path, from: typeof from === 'string' ? from : '', value: operation['value'] ?? null };
  });
}

class Patch {
  document: unknown;
  #copied = 0;
  #moved = 0;

  constructor(document: unknown) {
    this.document = document;
  }

  apply({ op, path, from, value }: Operation): void {
    switch (op) {
      case 'add':
        this.#add(path, copyValue(value), op);
        return;
      case 'replace':
        this.#replace(path, copyValue(value));
        return;
      case 'remove':
        this.#remove(path, op);
        return;
      case 'move':
        if (path.startsWith(`${from}/`)) throw misfit(`move operation does not apply: ${quoted(path)} lies within ${quoted(from)}`);
        this.#add(path, this.#remove(from, op), op);
        return;
      case 'copy': {
        const source = this.#get(from, op);
        this.#copied += sizeOf(source);
        if (this.#copied > maxCopied) {
          const grown = `the accumulated size increase of copy is ${this.#copied}, exceeding the limit ${maxCopied}`;
          throw misfit(`Unable to complete the copy, ${grown}`);
        }
        this.#add(path, copyValue(source), op);
        return;
      }
      case 'test':
        this.#test(path, value);
        return;
    }
  }

  /** The container that the pointer's last part stands in, and that part. */
  #locate(pointer: string, op: string): [container: unknown, key: string] {
    const keys = parsePointer(pointer);
    let at = this.document;
    for (const key of keys.slice(0, -1)) {
      at = child(at, key);
      if (at === undefined) throw misfit(`${op} operation does not apply: doc is missing path: ${quoted(pointer)}: missing value`);
    }
    return [at, keys[keys.length - 1] as string];
  }

  #get(pointer: string, op: string): unknown {
    if (pointer === '') return this.document;
    const [container, key] = this.#locate(pointer, op);
    const value = child(container, key);
    if (value !== undefined) return value;
    if (isObject(container)) return null;
    throw missing(op, pointer);
  }

  #add(pointer: string, value: unknown, op: string): void {
    if (pointer === '') {
      this.document = value;
      return;
    }
    const [container, key] = this.#locate(pointer, op);
    // Copies of the document within itself could grow deeper than any walk over it survives.
    if (depthOf(value) + pointer.split('/').length > maxBodyDepth) throw misfit(`${op} operation does not apply: exceeded max depth`);
    if (Array.isArray(container)) {
      const index = key === '-' ? container.length : indexOf(key);
      if (index === undefined || index > container.length)
        throw misfit(`${op} operation does not apply: doc is missing path: ${quoted(pointer)}: Unable to access invalid index: ${key}`);
      this.#move(container.length - index);
      container.splice(index, 0, value);
    } else if (isObject(container)) {
      setKey(container, key, value);
    } else {
      throw missing(op, pointer);
    }
  }

  #replace(pointer: string, value: unknown): void {
    if (pointer === '') {
      this.document = value;
      return;
    }
    const [container, key] = this.#locate(pointer, 'replace');
    // A field that is not there can be replaced all the same, an element cannot.
    if (isObject(container)) setKey(container, key, value);
    else if (child(container, key) === undefined) throw missing('replace', pointer);
    else (container as unknown[])[indexOf(key) as number] = value;
  }

  #remove(pointer: string, op: string): unknown {
    if (pointer === '') throw misfit(`${op} operation does not apply: the whole document cannot be removed`);
    const [container, key] = this.#locate(pointer, op);
    const value = child(container, key);
    if (value === undefined) throw missing(op, pointer);
    if (Array.isArray(container)) {
      this.#move(container.length);
      container.splice(indexOf(key) as number, 1);
    } else delete (container as Record<string, unknown>)[key];
    return value;
  }

  #move(elements: number): void {
    this.#moved += elements;
    if (this.#moved > maxMovedElements) throw misfit('the operations move too many elements of lists');
  }

  #test(pointer: string, value: unknown): void {
    let found: unknown = null;
    if (pointer === '') found = this.document;
    else {
      const [container, key] = this.#locate(pointer, 'test');
      found = child(container, key);
      if (found === undefined && !isObject(container)) throw missing('test', pointer);
      found ??= null;
    }
    if (!equalValues(found, value)) throw misfit(`testing value ${pointer} failed: test failed`);
  }
}

/** `/a~1b/0` → [`a/b`, `0`]. */
function parsePointer(pointer: string): string[] {
  if (!pointer.startsWith('/')) throw misfit(`${quoted(pointer)} is no JSON pointer: it does not begin with "/"`);
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function child(container: unknown, key: string): unknown {
  if (Array.isArray(container)) {
    const index = indexOf(key);
    return index === undefined ? undefined : container[index];
  }
  return isObject(container) && Object.hasOwn(container, key) ? container[key] : undefined;
}

function indexOf(key: string): number | undefined {
  return /^(0|[1-9]\d{0,8})$/.test(key) ? Number(key) : undefined;
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let deepest = 0;
  for (const key in value) deepest = Math.max(deepest, depthOf((value as Record<string, unknown>)[key]));
  return deepest + 1;
}

/** About as many bytes as its JSON has. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return 4;
  let size = 2;
  for (const key in value) size += (Array.isArray(value) ? 1 : key.length + 4) + sizeOf((value as Record<string, unknown>)[key]);
  return size;
}

const quoted = (text: string): string => JSON.stringify(text);

function missing(op: string, pointer: string): ApiError {
  return misfit(`${op} operation does not apply: doc is missing key: ${pointer}: missing value`);
}

/** The patch is well-formed and does not fit: 422. Kubernetes keeps the reason to itself; here it is the error's cause. */
function misfit(why: string): ApiError {
  return new ApiError('Invalid', 'the server rejected our request due to an error in our request', { details: {}, cause: why });
}
