import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import resources from '../api/facts/resources.json' with { type: 'json' };
import type { ResourceFact } from '../api/facts.ts';
import { type OpenApiResource, openApiV3 } from './open-api.ts';
import { openApiComponents } from './open-api-schema.ts';
import { builtinDefinitions, definitionOfKind } from './schema.ts';
import { isObject, type JsonObject } from './values.ts';

const facts = resources as unknown as Record<string, ResourceFact>;

/** All resources of the facts, as a registry would declare them. */
const all: OpenApiResource[] = Object.entries(facts)
  .filter(([path]) => path.split('/').length === 3)
  .map(([path, { kind, namespaced, verbs }]) => {
    const [group, version, resource] = path.split('/') as [string, string, string];
    const subresources = Object.entries(facts).filter(([other]) => other.startsWith(`${path}/`));
    return {
      group,
      version,
      resource,
      kind: kind[2],
      namespaced,
      verbs,
      definition: definitionOfKind(...kind) as string,
      subresources: Object.fromEntries(
        subresources.map(([other, fact]) => [other.slice(path.length + 1), { verbs: fact.verbs, kind: fact.kind }]),
      ),
    };
  });
const versions = [...new Map(all.map(({ group, version }) => [`${group}/${version}`, { group, version }])).values()];

function references(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => (key === '$ref' && typeof item === 'string' ? [item] : references(item)));
}

const at = (value: unknown, ...path: string[]): JsonObject =>
  path.reduce<unknown>((node, key) => (node as JsonObject)?.[key], value) as JsonObject;

describe('OpenAPI v3', () => {
  it('has no reference that leads nowhere, for every version of every group', () => {
    for (const version of versions) {
      const document = openApiV3(version, all);
      const schemas = at(document, 'components', 'schemas');
      for (const reference of references(document)) assert.ok(schemas[reference.replace('#/components/schemas/', '')], reference);
    }
  });

  it('gives each operation a name of its own', () => {
    const ids = versions.flatMap((version) =>
      Object.values(at(openApiV3(version, all), 'paths')).flatMap((item) =>
        Object.entries(item as JsonObject).flatMap(([key, operation]) =>
          key === 'parameters' ? [] : [at(operation, 'operationId') as unknown as string],
        ),
      ),
    );
    assert.deepEqual(
      ids.filter((id, index) => ids.indexOf(id) !== index),
      [],
    );
    for (const id of [
      'listCoreV1NamespacedPod',
      'listCoreV1PodForAllNamespaces',
      'createCoreV1Namespace',
      'patchAppsV1NamespacedDeploymentScale',
      'readCoreV1NamespacedPodLog',
      'deleteCoreV1CollectionNamespacedPod',
      'replaceRbacAuthorizationV1ClusterRole',
      'watchCoreV1NamespacedPodList',
      'connectCoreV1PostNamespacedPodExec',
      'connectCoreV1GetNodeProxyWithPath',
    ]) {
      assert.ok(ids.includes(id), id);
    }
  });

  it('says of patches that they take fieldValidation and dryRun, which is where kubectl looks', () => {
    const document = openApiV3({ group: 'apps', version: 'v1' }, all);
    const path = at(document, 'paths', '/apis/apps/v1/namespaces/{namespace}/deployments/{name}');
    const patch = at(path, 'patch');
    assert.deepEqual(patch['x-kubernetes-group-version-kind'], { group: 'apps', version: 'v1', kind: 'Deployment' });
    assert.equal(patch['x-kubernetes-action'], 'patch');
    const namesOf = (item: JsonObject): string[] => (item['parameters'] as { name: string }[]).map(({ name }) => name);
    assert.deepEqual(namesOf(patch), ['dryRun', 'fieldManager', 'fieldValidation', 'force']);
    assert.deepEqual(namesOf(path), ['name', 'namespace', 'pretty'], 'what all operations of a path take, the path says');
  });

  it('has the extensions that client-side apply needs', () => {
    const schemas = openApiComponents(['io.k8s.api.core.v1.PodSpec'], 3);
    const fields = at(schemas, 'io.k8s.api.core.v1.PodSpec', 'properties');
    const { description, ...containers } = fields['containers'] as JsonObject;
    assert.equal(typeof description, 'string');
    assert.deepEqual(containers, {
      type: 'array',
      items: { allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.Container' }], default: {} },
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-patch-merge-key': 'name',
      'x-kubernetes-patch-strategy': 'merge',
    });
    assert.equal(at(fields, 'volumes')['x-kubernetes-patch-strategy'], 'merge,retainKeys');
    assert.equal(at(fields, 'nodeSelector')['x-kubernetes-map-type'], 'atomic');
    assert.deepEqual(at(schemas, 'io.k8s.api.core.v1.ContainerPort', 'properties', 'protocol')['enum'], ['SCTP', 'TCP', 'UDP']);
    assert.equal(at(schemas, 'io.k8s.api.core.v1.ContainerPort', 'properties', 'protocol')['default'], 'TCP');
    assert.deepEqual(at(schemas, 'io.k8s.api.core.v1.PodSpec')['required'], ['containers']);
    // Kubernetes states the values of some types, of others it has values and does not state them.
    assert.deepEqual(at(fields, 'restartPolicy')['enum'], ['Always', 'Never', 'OnFailure']);
    assert.equal(at(schemas, 'io.k8s.api.core.v1.Container', 'properties', 'restartPolicy')['enum'], undefined);
  });

  it('describes every type in both dialects, and what is special in the words of each', () => {
    for (const version of [2, 3] as const) {
      const schemas = openApiComponents(builtinDefinitions(), version);
      for (const name of builtinDefinitions()) assert.ok(schemas[name], name);
      assert.ok(!JSON.stringify(schemas).includes('undefined'));
    }
    const quantity = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
    assert.equal(openApiComponents([quantity], 2)[quantity]?.['type'], 'string');
    assert.deepEqual(openApiComponents([quantity], 3)[quantity]?.['oneOf'], [{ type: 'string' }, { type: 'number' }]);
  });

  it('carries the components of custom resources, without protobuf and strategic merge patch', () => {
    const schema = {
      type: 'object',
      properties: { metadata: { $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' } },
    };
    const widget: OpenApiResource = {
      group: 'example.com',
      version: 'v1',
      resource: 'widgets',
      kind: 'Widget',
      namespaced: true,
      verbs: ['get', 'patch'],
      subresources: {},
      definition: 'com.example.v1.Widget',
      components: { 'com.example.v1.Widget': schema },
    };
    const document = openApiV3({ group: 'example.com', version: 'v1' }, [widget]);
    assert.equal(at(document, 'components', 'schemas')['com.example.v1.Widget'], schema);
    assert.ok(at(document, 'components', 'schemas')['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta']);
    const path = at(document, 'paths', '/apis/example.com/v1/namespaces/{namespace}/widgets/{name}');
    assert.deepEqual(Object.keys(at(path, 'patch', 'requestBody', 'content')), [
      'application/json-patch+json',
      'application/merge-patch+json',
      'application/apply-patch+yaml',
    ]);
    assert.ok(!JSON.stringify(path).includes('protobuf'));
  });
});
