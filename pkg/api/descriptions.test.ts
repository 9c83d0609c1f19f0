import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { autoscalingDescriptions, metaDescriptions } from './descriptions/meta.ts';
import { networkDescriptions } from './descriptions/network.ts';
import { nodeDescriptions } from './descriptions/node.ts';
import { podDescriptions } from './descriptions/pod.ts';
import { podSchedulingDescriptions } from './descriptions/pod-scheduling.ts';
import { podVolumeDescriptions } from './descriptions/pod-volume.ts';
import { workloadDescriptions } from './descriptions/workload.ts';
import { describeField, describeType } from './descriptions.ts';
import definitions from './facts/definitions.json' with { type: 'json' };
import type { DefinitionFact } from './facts.ts';

const facts = definitions as unknown as Record<string, DefinitionFact>;
const all = [
  metaDescriptions,
  autoscalingDescriptions,
  podDescriptions,
  podSchedulingDescriptions,
  podVolumeDescriptions,
  workloadDescriptions,
  networkDescriptions,
  nodeDescriptions,
];
const nameOf = (key: string): string | undefined =>
  [`io.k8s.api.${key}`, `io.k8s.apimachinery.pkg.apis.${key}`, `io.k8s.apimachinery.pkg.${key}`].find((name) => facts[name]);

describe('descriptions', () => {
  it('speak of types and fields that there are', () => {
    for (const [key, fields] of all.flatMap((part) => Object.entries(part))) {
      const name = nameOf(key);
      assert.ok(name, key);
      for (const field of Object.keys(fields)) {
        if (field !== '') assert.ok(facts[name]?.fields?.[field], `${key}.${field}`);
      }
    }
  });

  it('leave no field undescribed of the kinds that a learner meets first', () => {
    const kinds = [
      'Pod',
      'PodSpec',
      'PodStatus',
      'Container',
      'Probe',
      'ContainerStatus',
      'Service',
      'ServiceSpec',
      'ServicePort',
      'Node',
      'NodeSpec',
      'Namespace',
      'Event',
      'ConfigMap',
      'Secret',
      'ServiceAccount',
      'ReplicationControllerSpec',
      'Endpoints',
    ];
    const names = [
      ...kinds.map((kind) => `core.v1.${kind}`),
      'apps.v1.DeploymentSpec',
      'apps.v1.ReplicaSetSpec',
      'discovery.v1.EndpointSlice',
      'coordination.v1.LeaseSpec',
      'meta.v1.ObjectMeta',
    ].map((key) => nameOf(key) as string);
    const missing = names.flatMap((name) => [
      ...(describeType(name) ? [] : [name]),
      ...Object.keys(facts[name]?.fields ?? {})
        .filter((field) => describeField(name, field) === undefined)
        .map((field) => `${name}.${field}`),
    ]);
    assert.deepEqual(missing, []);
  });

  it('fall back on what a field means everywhere', () => {
    assert.match(describeField('io.k8s.api.apps.v1.DeploymentCondition', 'reason') ?? '', /machines/);
    assert.equal(describeType('io.k8s.api.core.v1.PodList'), 'A list of objects of kind Pod.');
    assert.equal(describeType('io.k8s.api.storage.v1.StorageClass'), undefined);
  });
});
