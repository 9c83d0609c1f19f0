import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import type { Logger } from '../log/log.ts';
import type { Store } from '../storage/store.ts';
import type { EventFeed } from './cache/event-feed.ts';
import type { WatchCache } from './cache/watch-cache.ts';
import type { WrittenEntries } from './cache/written-entries.ts';
import type { Admission, ResourceDeclaration } from './contract.ts';
import type { Cidr } from './ip-address.ts';
import type { ObjectFormat } from './object-format.ts';
import type { Strategy } from './strategy.ts';
import type { Timestamps } from './timestamps.ts';

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
  /** The field by which the cache is indexed. */
  readonly indexedField: string | undefined;
}
