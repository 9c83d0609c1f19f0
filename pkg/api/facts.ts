/**
 * The shape of the facts about Kubernetes' API that stand as data in `facts/`: one table drives types, decoding,
 * pruning, OpenAPI, patches, field ownership and protobuf.
 */

/** One field, or the element of an array or map. Either `ref` names another definition, or `type` says what it is. */
export interface FieldFact {
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array';
  /** `int32`, `int64`, `double`, `byte`, `date-time`, `int-or-string`. */
  readonly format?: string;
  readonly ref?: string;
  readonly items?: FieldFact;
  readonly map?: FieldFact;
  /** `merge`, `replace`, `retainKeys` or `merge,retainKeys`. */
  readonly 'patch-strategy'?: string;
  readonly 'patch-merge-key'?: string;
  readonly 'list-type'?: 'atomic' | 'set' | 'map';
  readonly 'list-map-keys'?: readonly string[];
  readonly 'map-type'?: 'atomic' | 'granular';
}

/** One type; with `fields` an object, without them a scalar. */
export interface DefinitionFact extends FieldFact {
  /** Group, version and kind, when it is a top-level kind. */
  readonly gvk?: readonly (readonly [group: string, version: string, kind: string])[];
  readonly required?: readonly string[];
  readonly fields?: Readonly<Record<string, FieldFact>>;
}

/** A field of the Go struct that Kubernetes' own clients decode into. */
export interface GoFieldFact {
  /** The Go type; a leading `*` is a pointer: absent when unset. */
  readonly go: string;
  readonly omitempty?: boolean;
  readonly omitzero?: boolean;
  readonly default?: unknown;
}

/** One REST resource or subresource. */
export interface ResourceFact {
  readonly namespaced: boolean;
  readonly kind: readonly [group: string, version: string, kind: string];
  readonly verbs: readonly string[];
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

/** Field name to its number and type: `repeated string`, `map<string,string>`, or another message. */
export type MessageFact = Readonly<Record<string, readonly [number: number, type: string]>>;
