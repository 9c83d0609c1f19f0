/** What the verbs work with: the surroundings, the stored resource, and what is special about it. */
import type { DeleteOptions, StatusCause } from '../api/generated/meta-v1.ts';
import type { KubeObject } from '../api/object.ts';
import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import type { Logger } from '../log/log.ts';
import type { InVersion } from '../runtime/managed-fields.ts';
import type { Operation, Store } from '../storage/store.ts';
import type { EventFeed } from './cache/event-feed.ts';
import type { WatchCache } from './cache/watch-cache.ts';
import type { WrittenEntries } from './cache/written-entries.ts';
import type { Admission, ObjectKey, RequestContext, ResourceDeclaration } from './contract.ts';
import type { Cidr } from './ip-address.ts';
import type { ObjectFormat } from './object-format.ts';
import type { PageAge } from './page-age.ts';
import type { Raw } from './raw.ts';
import type { ResourceMetrics } from './registry-metrics.ts';
import type { StoredEntry } from './stored-entry.ts';
import type { Timestamps } from './timestamps.ts';
import type { WebhookDialer } from './webhook-dialer.ts';

/** What every verb of every resource works with. */
export interface Environment {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly feed: EventFeed;
  readonly written: WrittenEntries;
  readonly timestamps: Timestamps;
  readonly admission: readonly Admission[];
  readonly services: ServiceNetwork;
  readonly pageAge: PageAge;
  /** Undefined: this server cannot reach any. */
  readonly webhooks: WebhookDialer | undefined;
  /** The stored resource of that name; throws InvariantError when there is none. */
  resource(group: string, resource: string): Resource;
}

/** Where services get their addresses and node ports from. */
export interface ServiceNetwork {
  /** One block per family that the cluster serves, the preferred family first. */
  readonly cidrs: readonly Cidr[];
  /** Both included. */
  readonly nodePorts: { readonly from: number; readonly to: number };
}

/** One kind of object in the store, at the version it is stored in; its served versions share it. */
export interface Resource {
  readonly environment: Environment;
  /** Of the stored version. */
  readonly declaration: ResourceDeclaration;
  readonly format: ObjectFormat;
  readonly cache: WatchCache;
  readonly strategy: Strategy;
  readonly metrics: ResourceMetrics;
  /** Where it is served in several versions: an object of one of them in another. */
  readonly inVersion?: InVersion | undefined;
  /** The field by which the cache is indexed. */
  readonly indexedField: string | undefined;
  /** Set where objects are worked on in another form than they are stored in: of a custom resource, its versions. */
  readonly turn?: Turn;
}

/** Between the form in which objects are stored and the one that a resource's verbs work on. */
export interface Turn {
  /** Frozen. */
  live(entry: StoredEntry): KubeObject | Promise<KubeObject>;
  /** May give the object itself. */
  stored(object: Raw): Raw | Promise<Raw>;
  /** What is stored is not what it would be if it were written now: a write that changes nothing is none the less one. */
  outdated(entry: StoredEntry): boolean;
}

/** What a strategy may look at beside the object. */
export interface StrategyContext {
  readonly environment: Environment;
  readonly context: RequestContext;
  /** Of the stored version. */
  readonly declaration: ResourceDeclaration;
  readonly key: ObjectKey;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Brings `object` to what may be written in place of `old`, in place. */
export type Prepare = (object: Raw, old: Raw, context: StrategyContext) => void;

/**
 * What one resource does differently on its way to the store. Objects are in the version they are stored in, and may
 * be changed in place. Everything is optional; the generic path does the rest: a create drops the status, an update
 * keeps it, a status update keeps everything else (where the resource has a status subresource).
 */
export interface Strategy {
  /** `metadata.generation` starts at 1 and grows when this says so; true: when anything but metadata and status does. */
  readonly generation?: true | ((next: Raw, old: Raw) => boolean);
  /** The generation of a new object is none at all, and 1 that of one that was changed. */
  readonly countsChanges?: boolean;
  /** A create keeps the status it comes with (a Node's), instead of beginning with an empty one. */
  readonly keepsStatusOnCreate?: boolean;
  /** A PUT of what does not exist creates it. (An apply always does.) */
  readonly createOnUpdate?: boolean;
  /** A PUT without resourceVersion is refused. */
  readonly needsResourceVersion?: boolean;
  /** A write is answered when this server itself has taken note of it: what it changes is how the server works. */
  readonly noticed?: boolean;
  /** What becomes of dependents when a deletion does not say: `background` unless stated; `none`: it has none. */
  readonly collection?: 'background' | 'orphan' | 'none';

  prepareCreate?(object: Raw, context: StrategyContext): void;
  prepareUpdate?: Prepare;
  /** By subresource. The generic path has kept everything but the status of a status write, and the status of others. */
  readonly prepareSubresource?: Readonly<Record<string, Prepare>>;
  /** When the object is marked as being deleted. */
  prepareDelete?(object: Raw): void;

  /** Before all validation, where it needs what is not there yet. Undefined: nothing to wait for. */
  prepareValidation?(object: Raw): Promise<void> | undefined;
  /** After the validators of the types. */
  validate?(object: Raw): StatusCause[];
  /** What only a new object must keep to. */
  validateCreate?(object: Raw): StatusCause[];
  /** What may not change is said before what is wrong in itself. */
  readonly changesFirst?: boolean;
  /** `subresource` is empty for the object itself. */
  validateUpdate?(object: Raw, old: Raw, subresource: string): StatusCause[];
  /** What only who writes in that version must keep to, last; `old` undefined: a create. */
  validateAs?(apiVersion: string, object: Raw, old: Raw | undefined): StatusCause[];
  /** `subresource` as above; `old` undefined: a create. */
  warnings?(object: Raw, old: Raw | undefined, subresource: string): string[];

  /**
   * Writes to other keys in the same commit: what the object reserves (addresses, ports). May change `object`.
   * `old` undefined: a create; `object` undefined: a deletion. When an expectation of one of them fails, the whole
   * write begins again.
   */
  companions?(object: Raw | undefined, old: Raw | undefined, context: StrategyContext): Promise<Operation[]> | Operation[];

  /** Seconds that a deletion waits; undefined: this kind is never deleted gracefully. */
  gracePeriod?(object: KubeObject, options: DeleteOptions): number | undefined;
  /** Something beside finalizers holds the object when it is being deleted: a namespace's `spec.finalizers`. */
  holdsDeletion?(object: Raw): boolean;
}
