import { isApiError } from '../../api/errors.ts';
import { apiVersionOf, type KubeObject } from '../../api/object.ts';
import { applyDefaults, type TypeDefaults } from '../../runtime/default.ts';
import { pruneToSchema } from '../../runtime/prune.ts';
import type { Schema } from '../../runtime/schema.ts';
import { copyValue, equalValues } from '../../runtime/values.ts';
import { type ObjectFormat, objectFormat } from '../object-format.ts';
import { metadataOf, type Raw, raw, text } from '../raw.ts';

interface Kind {
  readonly group: string;
  readonly kind: string;
}

/**
 * How the objects of a CustomResourceDefinition stand in the store: each in the version that was the storage version
 * when it was written. What is read is brought into the shape of that version as it is defined now: unknown fields are
 * left out, and defaults that were added later are there. What is stored stays as it is.
 */
export class CustomFormat implements ObjectFormat {
  readonly kind: string;
  readonly #group: string;
  readonly #formats = new Map<string, ObjectFormat>();
  #schemas: ReadonlyMap<string, Schema>;
  #storageVersion: string;
  readonly #pairs = new Map<string, boolean>();
  /** Objects that differ from what is stored. */
  #altered = new WeakSet<object>();

  constructor({ group, kind }: Kind, storageVersion: string, schemas: ReadonlyMap<string, Schema>) {
    this.kind = kind;
    this.#group = group;
    this.#storageVersion = storageVersion;
    this.#schemas = schemas;
  }

  /** `schemas`: by version. What was decoded before was decoded by the old ones. */
  redefine(storageVersion: string, schemas: ReadonlyMap<string, Schema>): void {
    this.#storageVersion = storageVersion;
    this.#schemas = schemas;
    this.#pairs.clear();
  }

  get apiVersion(): string {
    return apiVersionOf({ group: this.#group, version: this.#storageVersion });
  }

  /** Whether a decoded object is the stored one, but for the resourceVersion. */
  isAsStored(object: KubeObject): boolean {
    return !this.#altered.has(object);
  }

  /** The object as another version names it: what that version does not know is left out. Frozen if the object is. */
  asVersion(object: KubeObject, version: string): KubeObject {
    const schema = this.#schemas.get(version);
    const named = { ...object, apiVersion: apiVersionOf({ group: this.#group, version }) };
    if (!schema || this.#alike(object.apiVersion.slice(this.#group.length + 1), version)) return named;
    return shapedBy(schema, named) as unknown as KubeObject;
  }

  /** Whether the versions have one schema. */
  #alike(one: string, other: string): boolean {
    const pair = `${one} ${other}`;
    let alike = this.#pairs.get(pair);
    if (alike === undefined) {
      alike = one === other || equalValues(this.#schemas.get(one)?.source, this.#schemas.get(other)?.source);
      this.#pairs.set(pair, alike);
    }
    return alike;
  }

  asStored(object: KubeObject): KubeObject {
    return this.asVersion(object, this.#storageVersion);
  }

  shape(object: Raw): Raw {
    return this.#in(text(object['apiVersion'])).shape(object);
  }

  encode(shaped: Raw): Uint8Array {
    return this.#in(text(shaped['apiVersion'])).encode(shaped);
  }

  decode(value: Uint8Array, revision: number): KubeObject {
    const stored = this.#in(versionIn(value)).decode(value, revision);
    const schema = this.#schemas.get(stored.apiVersion.slice(this.#group.length + 1));
    if (!schema) return stored;
    const object = shapedBy(schema, stored);
    applyDefaults(object, schema, noDefaults);
    metadataOf(object);
    if (!equalValues(object, raw(stored))) this.#altered.add(object);
    return object as unknown as KubeObject;
  }

  splice(value: Uint8Array, revision: number): Uint8Array {
    return this.#in(versionIn(value)).splice(value, revision);
  }

  unsplice(json: Uint8Array, revision: number): Uint8Array {
    return this.#in(versionIn(json)).unsplice(json, revision);
  }

  #in(apiVersion: string): ObjectFormat {
    const version = apiVersion === '' ? this.#storageVersion : apiVersion.slice(this.#group.length + 1);
    let format = this.#formats.get(version);
    if (!format) {
      format = objectFormat({ group: this.#group, version, kind: this.kind });
      this.#formats.set(version, format);
    }
    return format;
  }
}

/**
 * What has become impossible to read in the schema's shape (metadata of an object that was not always an embedded one)
 * is shown as it is: one such object must not keep all others from being read.
 */
function shapedBy(schema: Schema, stored: KubeObject): Raw {
  try {
    return pruneToSchema(stored, schema, { fieldValidation: 'Ignore' }).value;
  } catch (error) {
    if (!isApiError(error, 'BadRequest')) throw error;
    return copyValue(raw(stored)) as Raw;
  }
}

const noDefaults: TypeDefaults = new Map();
const decoder = new TextDecoder();
/** `{"apiVersion":"` and a group and version: at most 253 + 1 + 63 characters. */
const headLength = 15 + 317 + 1;

/** The apiVersion of a stored value, which begins with it. */
function versionIn(value: Uint8Array): string {
  return /^\{"apiVersion":"([^"]*)"/.exec(decoder.decode(value.subarray(0, headLength)))?.[1] ?? '';
}
