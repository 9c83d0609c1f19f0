import { deepFreeze, type KubeObject } from '../api/object.ts';
import type { Entry } from './contract.ts';
import type { ObjectFormat } from './object-format.ts';

/**
 * One object at one revision, in the version it is stored in. It begins as the stored bytes, with the decoded object
 * where the write came from here; what is missing is made when it is first asked for, and kept. Its JSON takes the
 * place of the stored bytes: no object is held as text twice.
 *
 * What the writer decoded is let go (`forget`) unless somebody has asked for it meanwhile: a server whose clients all
 * read bytes keeps bytes, and its garbage collector need not carry what nobody looks at.
 */
export class StoredEntry implements Entry {
  readonly revision: number;
  readonly #format: ObjectFormat;
  /** As it stands in the store; once `#spliced`, with the resourceVersion in it. */
  #bytes: Uint8Array;
  #spliced = false;
  #frozen = false;
  #object: KubeObject | undefined;

  constructor(format: ObjectFormat, value: Uint8Array, revision: number, object?: KubeObject) {
    this.#format = format;
    this.#bytes = value;
    this.revision = revision;
    this.#object = object;
  }

  get object(): KubeObject {
    const object = this.peek();
    if (!this.#frozen) deepFreeze(object);
    this.#frozen = true;
    return object;
  }

  /** The object, for readers in the registry that keep nothing of it: not frozen before somebody outside asks for it. */
  peek(): KubeObject {
    this.#object ??= this.#format.decode(this.#bytes, this.revision);
    return this.#object;
  }

  /** Lets the decoded object go, if nobody outside the registry has it; it can be made from the bytes again. */
  forget(): void {
    if (!this.#frozen) this.#object = undefined;
  }

  json(): Uint8Array {
    if (!this.#spliced) {
      this.#bytes = this.#format.splice(this.#bytes, this.revision);
      this.#spliced = true;
    }
    return this.#bytes;
  }

  /** The same content under a later revision: how a deletion, or a move out of a selector, is told. */
  at(revision: number): StoredEntry {
    const value = this.#spliced ? this.#format.unsplice(this.#bytes, this.revision) : this.#bytes;
    return new StoredEntry(this.#format, value, revision);
  }
}
