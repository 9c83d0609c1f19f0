import { qualifiedResource } from '../../api/errors.ts';
import type { CustomResourceDefinition, JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import type { Schema } from '../../runtime/schema.ts';
import { equalValues } from '../../runtime/values.ts';
import { WatchCache } from '../cache/watch-cache.ts';
import type { CustomFacts, ResourceDeclaration, ResourceStorage } from '../contract.ts';
import type { ResourceMetrics } from '../registry-metrics.ts';
import type { Environment, Resource } from '../resource.ts';
import { deleteEntries } from '../verbs/delete-collection.ts';
import { declarationOf, declarationsOf, storageVersionOf } from './custom-declaration.ts';
import { CustomFormat } from './custom-format.ts';
import { customScaling } from './custom-scale.ts';
import { CustomStorage } from './custom-storage.ts';
import { customStrategy } from './custom-strategy.ts';
import { plainVersion } from './custom-version.ts';
import { definitionContext } from './definition-context.ts';

export interface ServedDefinitionOptions {
  readonly environment: Environment;
  readonly metricsOf: (resource: string) => ResourceMetrics;
  /** Something of the kind was created, changed or deleted. */
  readonly onChange: () => void;
}

/** One CustomResourceDefinition at work: one cache for its objects, and a storage for each version that is served. */
export class ServedDefinition {
  readonly uid: string;
  readonly cache: WatchCache;
  readonly #options: ServedDefinitionOptions;
  readonly #format: CustomFormat;
  readonly #metrics: ResourceMetrics;
  #definition: CustomResourceDefinition;
  #storages = new Map<string, ResourceStorage>();
  #declarations: readonly ResourceDeclaration[] = [];

  constructor(definition: CustomResourceDefinition, options: ServedDefinitionOptions) {
    const { spec, metadata } = definition;
    const { store, feed, written } = options.environment;
    this.uid = metadata.uid ?? '';
    this.#options = options;
    this.#definition = definition;
    this.#metrics = options.metricsOf(qualifiedResource({ group: spec.group, resource: spec.names.plural }));
    this.#format = new CustomFormat({ group: spec.group, kind: spec.names.kind }, storageVersionOf(definition), schemasOf(definition));
    this.cache = new WatchCache({
      store,
      feed,
      written,
      format: this.#format,
      metrics: this.#metrics,
      prefix: `${spec.group}/${spec.names.plural}/`,
      namespaced: spec.scope === 'Namespaced',
      onChange: options.onChange,
    });
    this.#declare();
  }

  get declarations(): readonly ResourceDeclaration[] {
    return this.#declarations;
  }

  storage(version: string): ResourceStorage | undefined {
    return this.#storages.get(version);
  }

  /** False: nothing that matters has changed. */
  redefine(definition: CustomResourceDefinition): boolean {
    const before = this.#definition;
    this.#definition = definition;
    const sameSpec = equalValues(before.spec, definition.spec);
    if (sameSpec && equalValues(before.status, definition.status)) return false;
    if (!sameSpec) this.#format.redefine(storageVersionOf(definition), schemasOf(definition));
    this.#declare();
    if (!sameSpec) this.cache.renew();
    return true;
  }

  /** Asks for the deletion of every object. Resolves to how many are still there. */
  async deleteAll(causes: readonly number[]): Promise<number> {
    const { spec } = this.#definition;
    const stored = spec.versions.find(({ storage }) => storage);
    if (!stored) return 0;
    const declaration = declarationOf(this.#definition, stored);
    const resource = this.#resource(declaration);
    await deleteEntries(resource, { declaration, context: definitionContext('delete', causes) }, { namespace: '' }, {});
    await this.cache.ready(true);
    return this.cache.count('');
  }

  close(): void {
    this.cache.close();
  }

  #declare(): void {
    this.#declarations = declarationsOf(this.#definition);
    this.#storages = new Map(
      this.#declarations.map((declaration) => {
        const scale = this.#definition.spec.versions.find(({ name }) => name === declaration.version)?.subresources?.scale;
        const resource = this.#resource(declaration);
        const facts = declaration.custom as CustomFacts;
        const version = plainVersion(this.#format, declaration);
        const storage = new CustomStorage({
          resource: { ...resource, turn: version },
          facts,
          version,
          scaling: scale ? customScaling(scale) : undefined,
        });
        return [declaration.version, storage];
      }),
    );
  }

  /** Works on objects as they are stored. */
  #resource(declaration: ResourceDeclaration): Resource {
    return {
      environment: this.#options.environment,
      declaration,
      format: this.#format,
      cache: this.cache,
      strategy: customStrategy(
        (declaration.custom as CustomFacts).schema.source as JSONSchemaProps,
        declaration.subresources['status'] !== undefined,
      ),
      metrics: this.#metrics,
      indexedField: undefined,
    };
  }
}

/** By version, those included that are no longer served: objects may be stored in them. */
function schemasOf(definition: CustomResourceDefinition): ReadonlyMap<string, Schema> {
  return new Map(
    definition.spec.versions.map((version) => [version.name, (declarationOf(definition, version).custom as CustomFacts).schema]),
  );
}
