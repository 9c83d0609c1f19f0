import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isApiError } from '../api/errors.ts';
import { deepFreeze } from '../api/object.ts';
import { builtinSchema } from './schema.ts';
import { applyStrategicMergePatch } from './strategic-merge-patch.ts';
import { sampleObject, seeded } from './testing/sample.ts';

const pod = builtinSchema('io.k8s.api.core.v1.Pod');
const deployment = builtinSchema('io.k8s.api.apps.v1.Deployment');

const live = deepFreeze({
  metadata: { name: 'a', labels: { x: '1', y: '2' }, finalizers: ['f1', 'f2'] },
  spec: {
    containers: [
      { name: 'one', image: 'i1', args: ['a', 'b'], env: [{ name: 'A', value: '1' }] },
      { name: 'two', image: 'i2' },
    ],
    tolerations: [{ key: 'k1' }],
    volumes: [{ name: 'v', emptyDir: {} }],
    nodeSelector: { disk: 'ssd' },
  },
});

const patched = (patch: unknown): typeof live => applyStrategicMergePatch(live, patch, pod) as typeof live;
const names = (list: readonly { name: string }[]): string => list.map(({ name }) => name).join(' ');

describe('strategic merge patch', () => {
  it('merges lists by their key, replaces those without one, and unites lists of scalars', () => {
    const { metadata, spec } = patched({
      metadata: { finalizers: ['f3'] },
      spec: {
        containers: [
          { name: 'two', image: 'new' },
          { name: 'three', image: 'i3' },
        ],
        tolerations: [{ key: 'k2' }],
      },
    });
    assert.deepEqual(spec.containers[0], live.spec.containers[0]);
    assert.deepEqual(spec.containers.slice(1), [
      { name: 'two', image: 'new' },
      { name: 'three', image: 'i3' },
    ] as unknown);
    assert.deepEqual(spec.tolerations, [{ key: 'k2' }]);
    assert.deepEqual(metadata.finalizers, ['f3', 'f1', 'f2']);
    assert.deepEqual(patched({ spec: { containers: [{ name: 'one', args: ['c'] }] } }).spec.containers[0]?.args, ['c']);
  });

  it('deletes by null, by $patch and by $deleteFromPrimitiveList', () => {
    assert.deepEqual(patched({ metadata: { labels: { x: null } } }).metadata.labels, { y: '2' });
    assert.equal(names(patched({ spec: { containers: [{ name: 'one', $patch: 'delete' }] } }).spec.containers), 'two');
    assert.deepEqual(patched({ metadata: { '$deleteFromPrimitiveList/finalizers': ['f1'] } }).metadata.finalizers, ['f2']);
    assert.deepEqual(patched({ spec: { nodeSelector: { $patch: 'delete' } } }).spec.nodeSelector, {});
  });

  it('replaces by $patch what would be merged', () => {
    assert.deepEqual(patched({ spec: { containers: [{ name: 'x' }, { $patch: 'replace' }] } }).spec.containers, [{ name: 'x' }] as unknown);
    assert.deepEqual(patched({ spec: { nodeSelector: { $patch: 'replace', a: 'b' } } }).spec.nodeSelector, { a: 'b' } as unknown);
  });

  it('keeps of an object only what $retainKeys names', () => {
    const { spec } = patched({ spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }] } });
    assert.deepEqual(spec.volumes, [{ name: 'v', hostPath: { path: '/x' } }] as unknown);
    const before = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
    const after = applyStrategicMergePatch(before, { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }, deployment);
    assert.deepEqual(after, { spec: { strategy: { type: 'Recreate' } } });
    assert.throws(() => patched({ spec: { volumes: [{ name: 'v', $retainKeys: ['name'], hostPath: {} }] } }));
  });

  it('puts what is new before what the patch does not name', () => {
    assert.equal(names(patched({ spec: { containers: [{ name: 'three' }] } }).spec.containers), 'three one two');
    assert.equal(names(patched({ spec: { containers: [{ name: 'two' }, { name: 'three' }] } }).spec.containers), 'one two three');
  });

  it('orders a list as $setElementOrder says, what it does not name staying behind what it stood behind', () => {
    const patch = {
      spec: { '$setElementOrder/containers': [{ name: 'three' }, { name: 'one' }], containers: [{ name: 'three', image: 'i3' }] },
    };
    assert.equal(names(patched(patch).spec.containers), 'three one two');
    assert.equal(
      names(patched({ spec: { '$setElementOrder/containers': [{ name: 'two' }, { name: 'one' }] } }).spec.containers),
      'two one',
    );
    const order = { metadata: { '$setElementOrder/finalizers': ['f2', 'f1', 'f0'], finalizers: ['f0'] } };
    assert.deepEqual(patched(order).metadata.finalizers, ['f2', 'f1', 'f0']);
  });

  it('leaves no directive and no null in what was not there before', () => {
    const patch = {
      spec: {
        initContainers: [{ name: 'i', image: null, env: [{ name: 'A', $patch: 'delete' }, { name: 'B' }] }],
        affinity: { $patch: 'replace', a: null },
      },
    };
    const { spec } = patched(patch) as unknown as { spec: Record<string, unknown> };
    assert.deepEqual(spec['initContainers'], [{ name: 'i', env: [{ name: 'B' }] }]);
    assert.deepEqual(spec['affinity'], {});
  });

  it('refuses a patch that makes no sense with BadRequest', () => {
    const cases = [
      'x',
      [],
      { $patch: 'nonsense' },
      { spec: { containers: [{ image: 'no name' }] } },
      { spec: { containers: [{ $patch: 'merge', name: 'a' }] } },
      { spec: { '$setElementOrder/containers': 1 } },
      { metadata: { '$deleteFromPrimitiveList/finalizers': {} } },
      { spec: { containers: ['x', { name: 'a' }] } },
    ];
    for (const patch of cases) {
      assert.throws(
        () => patched(patch),
        (error) => isApiError(error, 'BadRequest'),
        JSON.stringify(patch),
      );
    }
  });

  it('of an object onto itself, or of nothing, changes nothing', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const object = withUniqueKeys(sampleObject(pod, seeded(seed), 0.3));
        assert.deepEqual(applyStrategicMergePatch(object, {}, pod), object);
        const once = applyStrategicMergePatch(object, object, pod);
        assert.deepEqual(applyStrategicMergePatch(once, object, pod), once);
        assert.deepEqual(once, object);
      }),
      { numRuns: 100 },
    );
  });
});

/** Samples may hold two elements with one key, or none, which no list of Kubernetes has. */
function withUniqueKeys(object: Record<string, unknown>): Record<string, unknown> {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      const all = value.every((item) => typeof item === 'object' && item !== null) ? value.slice(0, 1) : [...new Set(value)];
      return all.map(walk);
    }
    if (typeof value !== 'object' || value === null) return value;
    const keys = {
      name: 'n',
      key: 'k',
      topologyKey: 't',
      containerPort: 1,
      mountPath: 'm',
      devicePath: 'd',
      ip: 'i',
      type: 't',
      uid: 'u',
      port: 1,
      resourceName: 'r',
      conditionType: 'c',
      claimName: 'c',
      volumeName: 'v',
    };
    const copy = Object.fromEntries(Object.entries(value).map(([name, item]) => [name, walk(item)]));
    return 'apiVersion' in value && 'spec' in value ? copy : { ...keys, ...copy };
  };
  return walk(object) as Record<string, unknown>;
}
