/**
 * Custom resources: what CustomResourceDefinitions add to the API while the server runs.
 *
 *   definition written (here or by another server over the same store)
 *     → its watch cache → `CustomResources` → one `ServedDefinition` each: cache, format, a `ServedStorage` per version
 *     → `DefinitionLoop`: names accepted, Established; a deleted one emptied and let go
 *
 * Guarantees: whoever can see that a definition is Established finds its resources served; when a definition changes,
 * the watches of its resources end, and see the new shape when they resume; when it is gone, so are they.
 */
import type { CustomResourceDefinition } from '../../api/generated/apiextensions-v1.ts';
import type { CacheEvent } from '../cache/watch-channel.ts';
import type { ResourceDeclaration, ResourceStorage } from '../contract.ts';
import type { resourceMetrics } from '../registry-metrics.ts';
import type { Environment, Resource } from '../resource.ts';
import { DefinitionLoop } from './definition-loop.ts';
import { isEstablished, type TakenNames, takenNames } from './definition-status.ts';
import { ServedDefinition } from './served-definition.ts';

export interface CustomResourcesOptions {
  readonly environment: Environment;
  readonly metricsOf: ReturnType<typeof resourceMetrics>;
  /** Of the definitions themselves. Its cache tells `changed` and `reset`. */
  readonly definitions: () => Resource;
  /** Of the resources that are built in. */
  readonly builtin: readonly ResourceDeclaration[];
}

/** Everything that was found in the cache, whatever its key. */
const everything = {
  namespaced: false,
  namespace: '',
  name: undefined,
  indexed: undefined,
  matches: undefined,
  test: undefined,
  selective: false,
  id: '',
};

export class CustomResources {
  readonly #options: CustomResourcesOptions;
  readonly #loop: DefinitionLoop;
  /** By name: `widgets.example.com`. */
  readonly #served = new Map<string, ServedDefinition>();
  #declarations: readonly ResourceDeclaration[] | undefined;
  #closed = false;

  constructor(options: CustomResourcesOptions) {
    this.#options = options;
    const { clock, log } = options.environment;
    this.#loop = new DefinitionLoop({
      resource: options.definitions,
      clock,
      log,
      taken: (definition) => this.#taken(definition),
      deleteAll: async ({ metadata }, causes) => (await this.#served.get(metadata.name)?.deleteAll(causes)) ?? 0,
    });
  }

  /** When it resolves, everything that is established is served. */
  async start(): Promise<void> {
    await this.#options.definitions().cache.ready(true);
    this.#follow();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#loop.close();
    for (const served of this.#served.values()) served.cache.reset();
  }

  /** The same array until something changes. */
  declarations(): readonly ResourceDeclaration[] {
    this.#declarations ??= [...this.#served.keys()].sort().flatMap((name) => this.#served.get(name)?.declarations ?? []);
    return this.#declarations;
  }

  storage(group: string, version: string, resource: string): ResourceStorage | undefined {
    return this.#served.get(`${resource}.${group}`)?.storage(version);
  }

  /** After it, `storage` knows everything that was acknowledged before it was called. */
  async fresh(): Promise<void> {
    await this.#options.definitions().cache.ready(true);
  }

  /** Tells watches where they stand. */
  bookmark(): void {
    for (const { cache } of this.#served.values()) cache.bookmark();
  }

  /** The definitions' cache has changed. */
  changed(changes: readonly CacheEvent[]): void {
    for (const { deleted, entry, name } of changes) {
      if (deleted) this.#remove(name, entry.object as unknown as CustomResourceDefinition);
      else this.#take(entry.object as unknown as CustomResourceDefinition);
    }
  }

  /** The definitions' cache has lost what it knew: it is filled again, and compared with what is served. */
  reset(): void {
    if (this.#closed) return;
    const { log } = this.#options.environment;
    this.start().catch((error: unknown) => log.warn('the CustomResourceDefinitions could not be read again', { error }));
  }

  #follow(): void {
    const found = this.#definitions();
    const names = new Set(found.map(({ metadata }) => metadata.name));
    for (const [name, served] of this.#served) if (!names.has(name)) this.#withdraw(name, served);
    for (const definition of found) this.#take(definition);
  }

  #take(definition: CustomResourceDefinition): void {
    const { name, uid = '' } = definition.metadata;
    const served = this.#served.get(name);
    if (served && served.uid !== uid) this.#withdraw(name, served);
    if (isEstablished(definition)) {
      try {
        this.#serve(definition);
      } catch (error) {
        // Written by somebody who did not check it: it must not keep the others from being served.
        this.#options.environment.log.warn('a CustomResourceDefinition cannot be served', { name, error });
      }
    }
    this.#loop.notice(name);
  }

  #serve(definition: CustomResourceDefinition): void {
    const { name } = definition.metadata;
    const served = this.#served.get(name);
    if (served) {
      if (served.redefine(definition)) this.#declarations = undefined;
      return;
    }
    const { environment, metricsOf } = this.#options;
    const onChange = (): void => this.#loop.notice(name);
    this.#served.set(name, new ServedDefinition(definition, { environment, metricsOf, onChange }));
    this.#declarations = undefined;
  }

  #remove(name: string, { spec }: CustomResourceDefinition): void {
    const served = this.#served.get(name);
    if (served) this.#withdraw(name, served);
    // Its names are free for those who wait for them.
    for (const other of this.#definitions()) if (other.spec.group === spec.group) this.#loop.notice(other.metadata.name);
  }

  #withdraw(name: string, served: ServedDefinition): void {
    this.#served.delete(name);
    this.#declarations = undefined;
    served.close();
  }

  #definitions(): CustomResourceDefinition[] {
    const { cache } = this.#options.definitions();
    return cache.entries(everything).map((entry) => entry.object as unknown as CustomResourceDefinition);
  }

  #taken({ metadata, spec }: CustomResourceDefinition): TakenNames {
    const others = this.#definitions().filter((other) => other.spec.group === spec.group && other.metadata.name !== metadata.name);
    const taken = takenNames(others);
    const resources = new Set(taken.resources);
    const kinds = new Set(taken.kinds);
    for (const { group, resource, singular, shortNames, kind } of this.#options.builtin) {
      if (group !== spec.group) continue;
      for (const each of [resource, singular, ...shortNames]) resources.add(each);
      kinds.add(kind).add(`${kind}List`);
    }
    return { resources, kinds };
  }
}
