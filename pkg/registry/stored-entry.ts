import type { KubeObject } from '../api/object.ts';
import type { Entry } from './contract.ts';
import type { ObjectFormat } from './object-format.ts';

/**
 * One object at one revision, in the version it is stored in. It begins as the stored bytes, with the decoded object
 * where the write came from here; what is missing is made when it is first asked for, and kept.
 */
export class StoredEntry implements Entry {
  readonly revision: number;
  readonly #format: ObjectFormat;
  readonly #value: Uint8Array;
  #object: KubeObject | undefined;
  #json: Uint8Array | undefined;

  constructor(format: ObjectFormat, value: Uint8Array, revision: number, object?: KubeObject) {
    this.#format = format;
    this.#value = value;
    this.revision = revision;
    this.#object = object;
  }

  get object(): KubeObject {
    this.#object ??= this.#format.decode(this.#value, this.revision);
    return this.#object;
  }

  json(): Uint8Array {
    this.#json ??= this.#format.splice(this.#value, this.revision);
    return this.#json;
  }

  /** The same content under a later revision: how a deletion, or a move out of a selector, is told. */
  at(revision: number): StoredEntry {
    return new StoredEntry(this.#format, this.#value, revision);
  }
}
