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
    assert.equal('affinity' in spec, false);
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

  it('merges a list as a map from keys to elements would be merged', () => {
    fc.assert(
      fc.property(podModel, podModel, fc.uniqueArray(name, { maxLength: 2 }), fc.boolean(), (mine, theirs, deleted, replaces) => {
        const patch = {
          spec: {
            nodeSelector: theirs.nodeSelector,
            containers: [
              ...(replaces ? [{ $patch: 'replace' }] : []),
              ...toContainers(theirs),
              ...deleted.filter((each) => !theirs.containers.has(each)).map((each) => ({ name: each, $patch: 'delete' })),
            ],
          },
        };
        const made = applyStrategicMergePatch(toPod(mine), patch, pod) as ReturnType<typeof toPod>;
        const expected = new Map(replaces ? [] : mine.containers);
        if (!replaces) for (const each of deleted) if (!theirs.containers.has(each)) expected.delete(each);
        for (const [each, env] of theirs.containers) expected.set(each, new Map([...(expected.get(each) ?? []), ...env]));
        assert.deepEqual(fromPod(made), { nodeSelector: { ...mine.nodeSelector, ...theirs.nodeSelector }, containers: expected });
        // In any case once is enough.
        if (!replaces) assert.deepEqual(applyStrategicMergePatch(made, patch, pod), made);
      }),
      { numRuns: 300 },
    );
  });

  it('of the difference between two pods leads from one to the other', () => {
    fc.assert(
      fc.property(podModel, podModel, (from, to) => {
        const gone = [...from.containers.keys()].filter((each) => !to.containers.has(each));
        const goneVariables = (each: string): object[] =>
          [...(from.containers.get(each)?.keys() ?? [])]
            .filter((key) => !to.containers.get(each)?.has(key))
            .map((key) => ({ name: key, $patch: 'delete' }));
        const containers = toContainers(to).map((container) => ({
          ...container,
          env: [...container.env, ...goneVariables(container.name)],
        }));
        const nodeSelector: Record<string, string | null> = { ...to.nodeSelector };
        for (const key in from.nodeSelector) if (!Object.hasOwn(to.nodeSelector, key)) nodeSelector[key] = null;
        const patch = {
          spec: {
            nodeSelector,
            containers: [...containers, ...gone.map((each) => ({ name: each, $patch: 'delete' }))],
            '$setElementOrder/containers': [...to.containers.keys()].map((each) => ({ name: each })),
          },
        };
        const made = applyStrategicMergePatch(toPod(from), patch, pod) as ReturnType<typeof toPod>;
        assert.deepEqual(fromPod(made), to);
        assert.deepEqual(
          made.spec.containers.map((container) => container.name),
          [...to.containers.keys()],
        );
      }),
      { numRuns: 300 },
    );
  });

  it('answers anything that JSON can say with an object or BadRequest, and changes neither document nor patch', () => {
    const directive = fc.constantFrom(
      '$patch',
      '$retainKeys',
      '$setElementOrder/containers',
      '$deleteFromPrimitiveList/finalizers',
      '$setElementOrder/',
      '$x',
    );
    const { patch } = fc.letrec((tie) => ({
      patch: fc.oneof(
        { depthSize: 'medium' },
        fc.jsonValue({ maxDepth: 1 }),
        fc.constantFrom('delete', 'replace', 'merge', null),
        fc.array(tie('patch'), { maxLength: 3 }),
        fc.dictionary(
          fc.oneof(directive, fc.constantFrom('metadata', 'spec', 'containers', 'finalizers', 'name', 'env', 'volumes')),
          tie('patch'),
          { maxKeys: 4 },
        ),
      ),
    }));
    fc.assert(
      fc.property(patch, (drawn) => {
        try {
          applyStrategicMergePatch(live, deepFreeze(drawn), pod);
        } catch (error) {
          assert.ok(isApiError(error, 'BadRequest'), String((error as Error).stack));
        }
      }),
      { numRuns: 1000 },
    );
  });
});

/** A pod as maps: what the lists of a pod stand for. */
interface PodModel {
  readonly nodeSelector: Record<string, string>;
  /** By name, the variables by name. */
  readonly containers: Map<string, Map<string, string>>;
}

const name = fc.constantFrom('a', 'b', 'c', 'd');
const podModel: fc.Arbitrary<PodModel> = fc.record(
  {
    nodeSelector: fc.dictionary(name, fc.constantFrom('1', '2'), { noNullPrototype: true }),
    containers: fc
      .uniqueArray(fc.tuple(name, fc.dictionary(name, fc.constantFrom('1', '2'))), { maxLength: 4, selector: ([each]) => each })
      .map((list) => new Map(list.map(([each, env]) => [each, new Map(Object.entries(env))]))),
  },
  { noNullPrototype: true },
);

const toContainers = ({ containers }: PodModel) =>
  [...containers].map(([each, env]) => ({ name: each, env: [...env].map(([key, value]) => ({ name: key, value })) }));
const toPod = (model: PodModel) => ({ spec: { nodeSelector: model.nodeSelector, containers: toContainers(model) } });
const fromPod = ({ spec }: ReturnType<typeof toPod>): PodModel => ({
  nodeSelector: spec.nodeSelector,
  containers: new Map(spec.containers.map((each) => [each.name, new Map(each.env.map(({ name: key, value }) => [key, value]))])),
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
