/**
 * Which part of an old object a part of its update answers to: fields and map entries by name, elements of lists that
 * are keyed like maps by their keys. Elements of other lists answer to nothing, since their place says nothing.
 *
 * What has not changed since then is not validated again, so that an object that was accepted once can still be updated
 * after its schema has become stricter.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-ratcheting
 */
import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';

type Json = Readonly<Record<string, unknown>>;

export class Correlation {
  readonly value: unknown;
  readonly old: unknown;
  readonly #schema: JSONSchemaProps;
  readonly #children = new Map<string | number, Correlation | undefined>();
  #byKeys: ReadonlyMap<string, unknown> | undefined;
  #unchanged: boolean | undefined;

  constructor(value: unknown, old: unknown, schema: JSONSchemaProps) {
    this.value = value;
    this.old = old;
    this.#schema = schema;
  }

  /** Undefined: it was not there, is not there now, or the schema does not know it. */
  key(name: string): Correlation | undefined {
    if (this.#children.has(name)) return this.#children.get(name);
    const { value, old } = this;
    const schema = this.#schemaOf(name);
    const both = isJson(value) && isJson(old) && Object.hasOwn(value, name) && Object.hasOwn(old, name);
    const child = both && schema ? new Correlation(value[name], old[name], schema) : undefined;
    this.#children.set(name, child);
    return child;
  }

  /** Undefined: no element had these keys, or the list has none. */
  index(index: number): Correlation | undefined {
    if (this.#children.has(index)) return this.#children.get(index);
    const child = this.#elementAt(index);
    this.#children.set(index, child);
    return child;
  }

  #elementAt(index: number): Correlation | undefined {
    const { value, old } = this;
    if (!Array.isArray(value) || !Array.isArray(old) || !this.#isKeyed()) return undefined;
    this.#byKeys ??= new Map(old.map((element) => [this.#identity(element), element]));
    const before = this.#byKeys.get(this.#identity(value[index]));
    return before === undefined ? undefined : new Correlation(value[index], before, (this.#schema.items ?? {}) as JSONSchemaProps);
  }

  #isKeyed(): boolean {
    return this.#schema['x-kubernetes-list-type'] === 'map';
  }

  #identity(element: unknown): string {
    const keys = this.#schema['x-kubernetes-list-map-keys'] ?? [];
    return JSON.stringify(keys.map((key) => (isJson(element) ? String(element[key]) : null)));
  }

  #schemaOf(name: string): JSONSchemaProps | undefined {
    const { properties, additionalProperties } = this.#schema;
    if (properties && Object.hasOwn(properties, name)) return properties[name];
    return isJson(additionalProperties) ? additionalProperties : undefined;
  }

  /** The order of elements that have keys does not matter. What holds fields that the schema does not know counts as changed. */
  unchanged(): boolean {
    this.#unchanged ??= this.#isUnchanged();
    return this.#unchanged;
  }

  #isUnchanged(): boolean {
    const { value, old } = this;
    if (value === old && typeof value !== 'object') return true;
    if (Array.isArray(value)) {
      if (!Array.isArray(old) || value.length !== old.length) return false;
      if (this.#isKeyed()) return value.every((_, index) => this.index(index)?.unchanged() === true);
      return value.every((element, index) =>
        new Correlation(element, old[index], (this.#schema.items ?? {}) as JSONSchemaProps).unchanged(),
      );
    }
    if (isJson(value)) {
      if (!isJson(old)) return false;
      const names = Object.keys(value);
      return names.length === Object.keys(old).length && names.every((name) => this.key(name)?.unchanged() === true);
    }
    if (value === null) return old === null;
    return isNumber(value) && isNumber(old) && String(value) === String(old);
  }
}

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): boolean => typeof value === 'number' || typeof value === 'bigint';
