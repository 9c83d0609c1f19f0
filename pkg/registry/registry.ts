/**
 * The registry: one declaration per resource, and one generic path from a verb to the store for all of them.
 *
 * Reads:   `verbs/get.ts`, `list.ts`, `watch.ts` → the resource's `cache/watch-cache.ts`, filled on demand and fed by
 *          one watch of the store (`cache/event-feed.ts`); the past comes from the store itself.
 * Writes:  `verbs/create.ts`, `update.ts`, `delete.ts`: defaults → owned fields → mutating admission → defaults →
 *          strategy → validation → validating admission → compare-and-set, again from the current object on after a conflict.
 * Per resource: `declarations.ts` (facts), `strategies/` (behaviour), `tables/` (columns), `selectable-fields.ts`.
 * Per type: `defaults/` and `validation/`, so that every kind which embeds a PodSpec has them.
 *
 * Guarantees: a read sees every write acknowledged before it began; an object is encoded once per revision; several
 * registries over one store behave as one, since whatever must be unique is reserved in the commit that uses it.
 */
import { InvariantError } from '../api/errors.ts';
import type { Clock, Timer } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import type { Logger } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Store } from '../storage/store.ts';
import { type BuiltinAdmissionOptions, builtinAdmission } from './admission/builtin-admission.ts';
import { bootstrap } from './bootstrap.ts';
import { builtinServing } from './builtin-serving.ts';
import { EventFeed } from './cache/event-feed.ts';
import { storeFailure } from './cache/store-failure.ts';
import { WatchCache } from './cache/watch-cache.ts';
import { WrittenEntries } from './cache/written-entries.ts';
import type { Admission, ResourceDeclaration, ResourceStorage } from './contract.ts';
import { versionOf, versionsOf } from './conversion/version-view.ts';
import { CustomResources } from './custom/custom-resources.ts';
import { builtinDeclarations } from './declarations.ts';
import { expireEvents } from './event-expiry.ts';
import { type Cidr, parseCidr } from './ip-address.ts';
import { objectFormat } from './object-format.ts';
import { PageAge } from './page-age.ts';
import { type PastCommit, readCommit } from './past-writes.ts';
import { resourceMetrics } from './registry-metrics.ts';
import type { Environment, Resource } from './resource.ts';
import { indexedFields } from './selectable-fields.ts';
import { ServedStorage } from './served-storage.ts';
import { groupByStorage } from './storage-groups.ts';
import { strategyOf } from './strategies/strategies.ts';
import { columnsOf } from './tables/columns.ts';
import { Timestamps } from './timestamps.ts';
import type { WebhookDialer } from './webhook-dialer.ts';

export interface RegistryOptions extends BuiltinAdmissionOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics?: Metrics;
  /** Asked in this order, after those that are built in. */
  readonly admission?: readonly Admission[];
  /** Blocks of service addresses, one per family, the preferred family first. */
  readonly serviceCIDRs?: readonly string[];
  readonly nodePortRange?: { readonly from: number; readonly to: number };
  /** The way to webhooks that convert custom resources. */
  readonly webhooks?: WebhookDialer;
  /** Milliseconds after which Events are forgotten: an hour, unless stated. */
  readonly eventTTL?: number;
}

/** Kubernetes' usual ones. */
const defaultServiceCIDRs = ['10.96.0.0/16'];
const bookmarkPeriod = 60_000;
const defaultEventTTL = 3_600_000;
const defaultNodePorts = { from: 30_000, to: 32_767 };

/** The built-in ones, read from the facts once: they are the same for every registry. */
let builtin: readonly ResourceDeclaration[] | undefined;

function declared(): readonly ResourceDeclaration[] {
  builtin ??= builtinDeclarations(columnsOf);
  return builtin;
}

export class Registry {
  readonly #environment: Environment;
  readonly #admission: Admission[] = [];
  readonly #eventTTL: number;
  #ticking: Timer | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  readonly #declarations = declared();
  readonly #storages = new Map<string, ResourceStorage>();
  readonly #metricsOf: ReturnType<typeof resourceMetrics>;
  readonly #resources: Resource[] = [];
  readonly #custom: CustomResources;
  #allDeclarations: { readonly custom: readonly ResourceDeclaration[]; readonly all: readonly ResourceDeclaration[] } | undefined;
  /** By `group/plural`, whatever the version. */
  readonly #byName = new Map<string, Resource>();

  constructor(options: RegistryOptions) {
    const { store, clock, random, log } = options;
    const feed = new EventFeed({ store, clock, log });
    this.#environment = {
      store,
      clock,
      random,
      log,
      feed,
      written: new WrittenEntries(),
      timestamps: new Timestamps(),
      pageAge: new PageAge(),
      admission: this.#admission,
      services: {
        cidrs: (options.serviceCIDRs ?? defaultServiceCIDRs).map(serviceBlock),
        nodePorts: options.nodePortRange ?? defaultNodePorts,
      },
      webhooks: options.webhooks,
      resource: (group, resource) => this.#resource(group, resource),
    };
    this.#admission.push(...builtinAdmission(this.#environment, options), ...(options.admission ?? []));
    this.#eventTTL = options.eventTTL ?? defaultEventTTL;
    this.#metricsOf = resourceMetrics(options.metrics);
    this.#custom = new CustomResources({
      environment: this.#environment,
      metricsOf: this.#metricsOf,
      definitions: () => this.#resource('apiextensions.k8s.io', 'customresourcedefinitions'),
      builtin: this.#declarations,
    });
    for (const served of groupByStorage(this.#declarations)) this.#add(served);
  }

  /** Must have resolved before the first verb. Creates what every cluster has from the beginning, if it is not there. */
  async start(): Promise<void> {
    await this.#environment.feed.start();
    await this.#custom.start();
    await bootstrap(this.#environment, (...name) => this.storage(...name) ?? fail(name));
    this.#tick();
  }

  /** Ends all watches. Idempotent; the store stays open. */
  async close(): Promise<void> {
    this.#ticking?.cancel();
    await this.#sweeping;
    await this.#custom.close();
    await this.#environment.feed.close();
    for (const { cache } of this.#resources) cache.reset();
  }

  /**
   * All resources at all versions, custom ones and those included that are only posted and never stored. The same
   * array until custom resources come or go.
   */
  declarations(): readonly ResourceDeclaration[] {
    const custom = this.#custom.declarations();
    if (this.#allDeclarations?.custom !== custom) this.#allDeclarations = { custom, all: [...this.#declarations, ...custom] };
    return this.#allDeclarations.all;
  }

  /** undefined: no such resource, or one that is not stored (reviews). */
  storage(group: string, version: string, resource: string): ResourceStorage | undefined {
    return this.#storages.get(`${group}/${version}/${resource}`) ?? this.#custom.storage(group, version, resource);
  }

  /** After it, `storage` and `declarations` know every definition whose write was acknowledged before the call. */
  async fresh(): Promise<void> {
    try {
      await this.#custom.fresh();
    } catch (error) {
      throw storeFailure(error);
    }
  }

  /** What was written at a revision; undefined: it is not kept, or was no commit of a registry. */
  async commitAt(revision: number, signal: AbortSignal): Promise<PastCommit | undefined> {
    try {
      const stored = [...this.#resources.map(({ declaration }) => declaration), ...this.#custom.declarations()];
      return await readCommit(this.#environment.store, stored, revision, signal);
    } catch (error) {
      throw storeFailure(error);
    }
  }

  /** What is due from time to time: bookmarks every minute, and what has expired every fifth. */
  #tick(count = 1): void {
    this.#ticking = this.#environment.clock.setTimer(bookmarkPeriod, () => {
      for (const { cache } of this.#resources) cache.bookmark();
      this.#custom.bookmark();
      this.#environment.pageAge.tick(this.#environment.feed.revision);
      if (count % 5 === 0) this.#sweeping = this.#sweep();
      this.#tick(count + 1);
    });
  }

  async #sweep(): Promise<void> {
    await this.#sweeping;
    try {
      await expireEvents(this.#environment, this.#eventTTL);
    } catch (error) {
      this.#environment.log.warn('expired events could not be taken away', { error });
    }
  }

  #resource(group: string, resource: string): Resource {
    const found = this.#byName.get(`${group}/${resource}`);
    if (!found) throw new InvariantError(`the registry has no ${resource} of group ${JSON.stringify(group)}`);
    return found;
  }

  #add(served: readonly ResourceDeclaration[]): void {
    const stored = served[0] as ResourceDeclaration;
    const { store, feed, written } = this.#environment;
    const format = objectFormat(stored);
    const indexedField = stored.group === '' ? indexedFields[stored.resource] : undefined;
    const indexOf = indexedField === undefined ? undefined : stored.selectableFields[indexedField];
    const metrics = this.#metricsOf(stored);
    const defines = stored.group === 'apiextensions.k8s.io' && stored.resource === 'customresourcedefinitions';
    const cache = new WatchCache({
      store,
      feed,
      written,
      format,
      metrics,
      prefix: `${stored.storagePrefix}/`,
      namespaced: stored.namespaced,
      ...(indexOf ? { indexOf } : {}),
      ...(defines ? { onChange: (changes) => this.#custom.changed(changes), onReset: () => this.#custom.reset() } : {}),
    });
    const resource: Resource = {
      environment: this.#environment,
      declaration: stored,
      format,
      cache,
      strategy: strategyOf(stored.group, stored.resource),
      metrics,
      inVersion: versionsOf(served, stored),
      indexedField,
    };
    this.#resources.push(resource);
    for (const declaration of served) {
      this.#byName.set(`${declaration.group}/${declaration.resource}`, resource);
      const storage = new ServedStorage(declaration, builtinServing(resource, versionOf(declaration, stored)));
      this.#storages.set(`${declaration.group}/${declaration.version}/${declaration.resource}`, storage);
    }
  }
}

function fail(name: readonly string[]): never {
  throw new InvariantError(`the registry has no ${name.join('/')}`);
}

function serviceBlock(text: string): Cidr {
  const cidr = parseCidr(text);
  if (!cidr) throw new InvariantError(`${JSON.stringify(text)} is no block of addresses for services`);
  return cidr;
}
