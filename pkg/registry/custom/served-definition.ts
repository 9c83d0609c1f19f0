import type { CustomResourceDefinition, JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import { apiVersionOf } from '../../api/object.ts';
import type { InVersion } from '../../runtime/managed-fields.ts';
import type { Schema } from '../../runtime/schema.ts';
import { equalValues } from '../../runtime/values.ts';
import { WatchCache } from '../cache/watch-cache.ts';
import type { CustomFacts, ResourceDeclaration, ResourceStorage } from '../contract.ts';
import type { ResourceMetrics, resourceMetrics } from '../registry-metrics.ts';
import type { Environment, Resource } from '../resource.ts';
import { ServedStorage } from '../served-storage.ts';
import { deleteEntries } from '../verbs/delete-collection.ts';
import { listEntries } from '../verbs/list.ts';
import { CreationGate } from './creation-gate.ts';
import { declarationOf, declarationsOf, storageVersionOf } from './custom-declaration.ts';
import { CustomFormat } from './custom-format.ts';
import { customScaling } from './custom-scale.ts';
import { customServing } from './custom-serving.ts';
import { customStrategy } from './custom-strategy.ts';
import { type CustomVersion, plainVersion, type VersionRef } from './custom-version.ts';
import { definitionContext } from './definition-context.ts';
import { hasCondition } from './definition-status.ts';
import { webhookVersion } from './webhook-version.ts';

/** Deletions of one definition's objects at a time: as many as a store takes in one flush without others noticing. */
const deletionWidth = 32;

export interface ServedDefinitionOptions {
  readonly environment: Environment;
  readonly metricsOf: ReturnType<typeof resourceMetrics>;
  /** Something of the kind was created, changed or deleted. */
  readonly onChange: () => void;
}

/** One CustomResourceDefinition at work: one cache for its objects, and a storage for each version that is served. */
export class ServedDefinition {
  readonly uid: string;
  readonly cache: WatchCache;
  readonly #gate = new CreationGate();
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
    this.#metrics = options.metricsOf({ group: spec.group, resource: spec.names.plural });
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
    this.#definition = withKnownSchemas(definition, before);
    const sameSpec = equalValues(before.spec, definition.spec);
    if (sameSpec && equalValues(before.status, definition.status)) return false;
    if (!sameSpec) this.#format.redefine(storageVersionOf(definition), schemasOf(definition));
    this.#declare();
    if (!sameSpec) this.cache.renew();
    return true;
  }

  /** Asks for the deletion of every object, once nobody makes any more. Resolves to how many are still there. */
  async deleteAll(causes: readonly number[]): Promise<number> {
    this.#gate.shut('terminating');
    await this.#gate.settled();
    await this.cache.ready(true);
    const { spec } = this.#definition;
    const stored = spec.versions.find(({ storage }) => storage);
    if (!stored) return 0;
    const declaration = declarationOf(this.#definition, stored);
    const resource = this.#resource(declaration);
    const select = () => listEntries(resource, { namespace: '' });
    await deleteEntries(resource, { declaration, context: definitionContext('delete', causes), select, width: deletionWidth }, {});
    await this.cache.ready(true);
    return this.cache.count('');
  }

  close(): void {
    this.#gate.shut('gone');
    this.cache.close();
  }

  #declare(): void {
    if (hasCondition(this.#definition, 'Terminating')) this.#gate.shut('terminating');
    this.#declarations = declarationsOf(this.#definition);
    this.#storages = new Map(
      this.#declarations.map((declaration) => {
        const scale = this.#definition.spec.versions.find(({ name }) => name === declaration.version)?.subresources?.scale;
        const resource = this.#resource(declaration);
        const version = this.#version(declaration);
        const serving = customServing({
          resource: { ...resource, turn: version, inVersion: this.#inVersion(version) },
          gate: this.#gate,
          version,
          scaling: scale ? customScaling(scale) : undefined,
        });
        return [declaration.version, new ServedStorage(declaration, serving)];
      }),
    );
  }

  #version(ref: VersionRef): CustomVersion {
    const { strategy, webhook } = this.#definition.spec.conversion ?? {};
    if (strategy !== 'Webhook' || !webhook?.clientConfig) return plainVersion(this.#format, ref);
    const { webhooks: dialer, random } = this.#options.environment;
    const { clientConfig: client, conversionReviewVersions: reviewVersions } = webhook;
    return webhookVersion(this.#format, ref, { dialer, random, client, reviewVersions });
  }

  /**
   * An object in another version, where they differ in nothing but names. What a webhook would make of it is not asked
   * for: there, fields are owned at the place where they were written.
   */
  #inVersion({ prepare }: CustomVersion): InVersion | undefined {
    const declarations = this.#declarations;
    if (prepare || declarations.length < 2) return undefined;
    const schemas = new Map(declarations.map((declaration) => [apiVersionOf(declaration), (declaration.custom as CustomFacts).schema]));
    return (object, apiVersion) => {
      const schema = schemas.get(apiVersion);
      return schema && { object: object.apiVersion === apiVersion ? object : { ...object, apiVersion }, schema };
    };
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

/** What has been made of a schema (compiled rules, above all) hangs on it: one that has not changed stays the same object. */
function withKnownSchemas(definition: CustomResourceDefinition, before: CustomResourceDefinition): CustomResourceDefinition {
  const versions = definition.spec.versions.map((version) => {
    const known = before.spec.versions.find(({ name }) => name === version.name)?.schema;
    return known && equalValues(known, version.schema) ? { ...version, schema: known } : version;
  });
  return { ...definition, spec: { ...definition.spec, versions } };
}

/** By version, those included that are no longer served: objects may be stored in them. */
function schemasOf(definition: CustomResourceDefinition): ReadonlyMap<string, Schema> {
  return new Map(
    definition.spec.versions.map((version) => [version.name, (declarationOf(definition, version).custom as CustomFacts).schema]),
  );
}
