import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { copyOf } from '../api/object.ts';
import { applyDefaults, emptyStruct, type TypeDefaults } from './default.ts';
import { builtinDefinitions, builtinSchema } from './schema.ts';
import { sampleObject, seeded } from './testing/sample.ts';
import type { JsonObject } from './values.ts';
import { visitTypes } from './walk.ts';

const none: TypeDefaults = new Map();
const deployment = builtinSchema('io.k8s.api.apps.v1.Deployment');

describe('applyDefaults', () => {
  it("fills in Go's structs and the values that are always shown, and nothing else", () => {
    const object: JsonObject = { spec: { template: { spec: { containers: [{ name: 'a', ports: [{ containerPort: 80 }] }] } } } };
    applyDefaults(object, deployment, none);
    assert.deepEqual(object, {
      metadata: {},
      spec: {
        strategy: {},
        template: { metadata: {}, spec: { containers: [{ name: 'a', ports: [{ containerPort: 80, protocol: 'TCP' }], resources: {} }] } },
      },
      status: {},
    });
    const condition: JsonObject = { type: 'a' };
    applyDefaults(condition, builtinSchema('io.k8s.api.core.v1.PodCondition'), none);
    assert.deepEqual(condition, { type: 'a', status: '', lastProbeTime: null, lastTransitionTime: null });
    const status: JsonObject = {};
    applyDefaults(status, builtinSchema('io.k8s.api.apps.v1.ReplicaSet'), none);
    assert.deepEqual(status['status'], { replicas: 0 });
  });

  it('changes nothing the second time, for every kind', () => {
    for (const [index, name] of builtinDefinitions().entries()) {
      const schema = builtinSchema(name);
      if (schema.kind !== 'object') continue;
      const object = sampleObject(schema, seeded(index), 0.4);
      applyDefaults(object, schema, none);
      const again = copyOf(object);
      applyDefaults(again, schema, none);
      assert.deepEqual(again, object, name);
    }
  });

  it('runs the code that hangs on a type wherever the type stands, outer before inner, its structs filled in', () => {
    const calls: string[] = [];
    const defaults: TypeDefaults = new Map([
      [
        'io.k8s.api.core.v1.PodSpec',
        (spec, { path }) => {
          calls.push(path);
          spec['restartPolicy'] ??= 'Always';
        },
      ],
      [
        'io.k8s.api.core.v1.Container',
        (container, { path, root }) => {
          calls.push(path);
          assert.deepEqual(container['resources'], {});
          container['image'] ??= String(root['kind']);
        },
      ],
    ]);
    const object: JsonObject = {
      kind: 'Deployment',
      spec: { template: { spec: { initContainers: [{ name: 'i' }], containers: [{ name: 'a' }, { name: 'b' }] } } },
    };
    applyDefaults(object, deployment, defaults);
    assert.deepEqual(calls, [
      'spec.template.spec',
      'spec.template.spec.containers[0]',
      'spec.template.spec.containers[1]',
      'spec.template.spec.initContainers[0]',
    ]);
    assert.match(JSON.stringify(object), /"image":"Deployment".*"restartPolicy":"Always"/);
  });

  it('of an empty object gives what Go writes for the empty struct', () => {
    for (const name of builtinDefinitions()) {
      const schema = builtinSchema(name);
      if (schema.kind !== 'object') continue;
      const filled: JsonObject = {};
      applyDefaults(filled, schema, none);
      for (const key in emptyStruct(schema)) assert.ok(key in filled, `${name}.${key}`);
    }
  });
});

describe('visitTypes', () => {
  it('meets every value of a named type once, with its path, outer before inner', () => {
    const object = {
      metadata: { name: 'a' },
      spec: { containers: [{ name: 'c', resources: { limits: { cpu: '1' } } }], nodeSelector: { a: 'b' } },
      junk: 1,
    };
    const seen: string[] = [];
    visitTypes(object, builtinSchema('io.k8s.api.core.v1.Pod'), (definition, _, path) => {
      seen.push(`${path}: ${definition.split('.').pop()}`);
      return false;
    });
    assert.deepEqual(seen, [
      ': Pod',
      'metadata: ObjectMeta',
      'spec: PodSpec',
      'spec.containers[0]: Container',
      'spec.containers[0].resources: ResourceRequirements',
      'spec.containers[0].resources.limits[cpu]: Quantity',
    ]);
  });

  it('passes by what is inside a value that has been seen to', () => {
    const seen: string[] = [];
    visitTypes(
      { metadata: { name: 'a' }, spec: { containers: [{}] } },
      builtinSchema('io.k8s.api.core.v1.Pod'),
      (_definition, _value, path) => {
        seen.push(path);
        return path === 'spec';
      },
    );
    assert.deepEqual(seen, ['', 'metadata', 'spec']);
  });
});
