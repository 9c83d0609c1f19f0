/**
 * What the API server sees of the registry: one declaration per resource, and one generic path from a verb to the
 * store for all of them. HTTP, media types and who may do what are not known here.
 *
 * create, update:  decode or patch (the caller’s function) → defaults → owned fields → mutating admission → defaults
 *                  → strategy → validation → validating admission → compare-and-set; after a conflict, again from the
 *                  current object on.
 */
import type { CustomResourceSubresourceScale } from '../api/generated/apiextensions-v1.ts';
import type { DeleteOptions } from '../api/generated/meta-v1.ts';
import type { UserInfo } from '../api/http.ts';
import type { KubeObject } from '../api/object.ts';
import type { FieldTerm, Selector } from '../api/selectors.ts';
import type { InVersion } from '../runtime/managed-fields.ts';
import type { Schema } from '../runtime/schema.ts';
import type { Causes, WriteRecord } from '../trace/cause.ts';

/** Who asks, why, and how. Made once per request. */
export interface RequestContext {
  readonly user: UserInfo;
  /** First word of the User-Agent. */
  readonly agent: string;
  readonly requestId: string;
  readonly verb: string;
  readonly causes: Causes;
  readonly dryRun: boolean;
  /** The field manager for managedFields; defaults to `agent`. */
  readonly fieldManager: string;
  readonly fieldValidation: 'Ignore' | 'Warn' | 'Strict';
  /** Collects the texts of `Warning` headers. */
  warn(text: string): void;
  readonly signal: AbortSignal;
}

export interface ObjectKey {
  /** Empty for what has no namespace. */
  readonly namespace: string;
  readonly name: string;
}

/** One object at one revision. */
export interface Entry {
  /** Frozen, with its resourceVersion, in the version that was asked for. */
  readonly object: KubeObject;
  readonly revision: number;
  /** Its JSON, with resourceVersion; made at most once per revision and version, and shared. */
  json(): Uint8Array;
}

export interface ListQuery {
  /** Empty: all namespaces. */
  readonly namespace: string;
  readonly labels?: Selector;
  readonly fields?: readonly FieldTerm[];
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: string;
}
export interface ListPage {
  readonly entries: readonly Entry[];
  readonly revision: number;
  readonly continue?: string;
  readonly remaining?: number;
}

/** Which revisions of an object: at most `limit`, the newest of those before `before`. */
export interface HistoryQuery {
  readonly limit?: number;
  readonly before?: number;
  readonly signal: AbortSignal;
}
/** Oldest first. */
export interface History {
  readonly entries: readonly PastEntry[];
  readonly revision: number;
  /** The oldest revision that can be read. */
  readonly oldestRevision: number;
  /** There are kept revisions before the first one. */
  readonly earlier: boolean;
}
export interface PastEntry {
  readonly revision: number;
  readonly type: 'created' | 'updated' | 'deleted';
  /** Absent for a deletion. */
  readonly entry: Entry | undefined;
  readonly record: WriteRecord | undefined;
}

export interface WatchQuery {
  readonly namespace: string;
  readonly labels?: Selector;
  readonly fields?: readonly FieldTerm[];
  /** Absent or `0`: synthetic ADDED events for what is there, then live ones. */
  readonly resourceVersion?: string;
  readonly sendInitialEvents?: boolean;
  readonly resourceVersionMatch?: string;
  /** Of a list: a watch that has one is refused. */
  readonly continue?: string;
  readonly bookmarks: boolean;
  /** Milliseconds until whoever watches will end it: a bookmark tells him shortly before where to resume. */
  readonly timeout?: number;
  readonly signal: AbortSignal;
}
/** A bookmark has no entry; its revision is that up to which everything was delivered. */
export type RegistryEvent =
  | {
      readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
      readonly entry: Entry;
      /** Where it was asked for, inside the registry: what was there before. */
      readonly previous?: Entry;
    }
  | { readonly type: 'BOOKMARK'; readonly revision: number; readonly initialEventsEnd?: boolean };

/** The object to write, made from the current one (undefined when there is none). Called again after a conflict. */
export type Change = (current: KubeObject | undefined) => Promise<KubeObject> | KubeObject;

export interface UpdateOptions {
  /**
   * `status`, `scale`, ... or empty for the object itself. With `scale`, `change` takes and gives Scale objects (at
   * the version that the declaration names) and the entry is a Scale. With what is only ever posted (`binding`,
   * `eviction`), `change` is given the object itself and gives the Binding or Eviction; the entry is the object's.
   */
  readonly subresource?: string;
  /** PUT and apply may create what is not there (where the declaration allows it). */
  readonly createIfMissing?: boolean;
  /** Set by server-side apply: the change has computed managedFields itself. */
  readonly managesFields?: boolean;
}

/**
 * The verbs of one resource at one version. Throws ApiError, worded as Kubernetes words it. Objects handed in are
 * copied, never changed.
 */
export interface ResourceStorage {
  readonly declaration: ResourceDeclaration;
  /** An object of one version of the resource in another; absent where there is one only. */
  readonly inVersion?: InVersion | undefined;
  /** With `subresource: 'scale'` the entry is the object's Scale; with any other, the object itself. */
  get(
    context: RequestContext,
    key: ObjectKey,
    options?: { readonly resourceVersion?: string; readonly subresource?: string },
  ): Promise<Entry>;
  list(context: RequestContext, query: ListQuery): Promise<ListPage>;
  /** Every revision of an object that the store keeps; of one that is gone, or never was, too. */
  history(key: ObjectKey, query: HistoryQuery): Promise<History>;
  /**
   * Batches and the events in them are shared by all watches that see the same: what is made of an event (its frame)
   * can be kept by the event's identity. What is wrong with the query is thrown at once; that its revision is gone is
   * found when `next` is first called. It ends without an error when the signal is aborted, when the registry closes, and when its reader has fallen too far behind: go on from
   * the last revision.
   */
  watch(context: RequestContext, query: WatchQuery): AsyncIterable<readonly RegistryEvent[]>;
  create(context: RequestContext, namespace: string, object: KubeObject): Promise<Entry>;
  update(
    context: RequestContext,
    key: ObjectKey,
    change: Change,
    options?: UpdateOptions,
  ): Promise<{ readonly entry: Entry; readonly created: boolean }>;
  /** `gone`: false while finalizers or a grace period hold it. */
  delete(context: RequestContext, key: ObjectKey, options: DeleteOptions): Promise<{ readonly entry: Entry; readonly gone: boolean }>;
  deleteCollection(context: RequestContext, query: ListQuery, options: DeleteOptions): Promise<readonly Entry[]>;
}

/** Mutates or refuses; handed to the registry because it sees the defaulted object and the old one. */
export interface Admission {
  /** Whether the attempt concerns it at all; absent: every attempt does. */
  handles?(attempt: AdmissionAttempt): boolean;
  /** May change the object it is given and give it back, or give another; undefined: it stays as it is. */
  mutate?(attempt: AdmissionAttempt): Promise<KubeObject | undefined> | KubeObject | undefined;
  validate?(attempt: AdmissionAttempt): Promise<void> | void;
}
export interface AdmissionAttempt {
  readonly context: RequestContext;
  readonly declaration: ResourceDeclaration;
  readonly subresource: string;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly key: ObjectKey;
  /** Undefined for DELETE. */
  readonly object: KubeObject | undefined;
  readonly old: KubeObject | undefined;
}

/** A column of a Table: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables */
export interface TableColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly description: string;
  /** 0: always shown; above: with -o wide. */
  readonly priority: number;
  cell(object: KubeObject, now: number): unknown;
}

/** Everything that makes one resource different from the others: data, and small functions where data will not do. */
export interface ResourceDeclaration {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** Name to verbs and kind: `status`, `scale`, `log`... */
  readonly subresources: Readonly<
    Record<string, { readonly verbs: readonly string[]; readonly kind: readonly [group: string, version: string, kind: string] }>
  >;
  /** The definition in pkg/api/facts: `io.k8s.api.core.v1.Pod`. */
  readonly definition: string;
  /** Keys live under `/registry/<storagePrefix>/<namespace>/<name>`, as Kubernetes lays them out. */
  readonly storagePrefix: string;
  readonly columns: readonly TableColumn[];
  /** Fields that field selectors may name, beside metadata.name and metadata.namespace. */
  readonly selectableFields: Readonly<Record<string, (object: KubeObject) => string>>;
  /** Set for custom resources. */
  readonly custom?: CustomFacts;
  /** Of a custom resource: its schemas in OpenAPI, by component name. */
  readonly components?: Readonly<Record<string, object>>;
}

/** What a CustomResourceDefinition says of one version, where built-in kinds have it among the facts. */
export interface CustomFacts {
  readonly schema: Schema;
  /** `WidgetList`. */
  readonly listKind: string;
  /** The version in which objects are stored now. */
  readonly storageVersion: string;
  /** The text of a `Warning` header: the version is deprecated. */
  readonly deprecation: string | undefined;
  /** The definition is being deleted: nothing is created any more. */
  readonly terminating: boolean;
  /** Where the numbers of its Scale stand, if it has one. */
  readonly scale: CustomResourceSubresourceScale | undefined;
}
