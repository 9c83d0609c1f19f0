import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Cache } from './cache.ts';
import { NodeInfo } from './node-info.ts';
import { Snapshot } from './snapshot.ts';
import { nodeOf, podInfo } from './testing.ts';

test('an assumed pod counts at once, until it is forgotten or confirmed', () => {
  const cache = new Cache();
  cache.setNode(nodeOf({}));
  const pod = podInfo({ cpu: '1' });
  cache.assume(pod, 'node-1');
  assert.equal(cache.snapshot().get('node-1')?.requested.milliCpu, 1000);
  assert.throws(() => cache.assume(pod, 'node-1'), /already counted/);
  cache.forget(pod.uid);
  assert.equal(cache.snapshot().get('node-1')?.requested.milliCpu, 0);
  cache.assume(pod, 'node-1');
  cache.setPod(podInfo({ cpu: '1', node: 'node-1' }));
  cache.forget(pod.uid);
  assert.equal(cache.snapshot().get('node-1')?.requested.milliCpu, 1000, 'confirmed: nothing to forget');
});

test('a snapshot stays as it was taken, and is the same one while nothing changes', () => {
  const cache = new Cache();
  cache.setNode(nodeOf({}));
  const before = cache.snapshot();
  assert.equal(cache.snapshot(), before);
  cache.setPod(podInfo({ cpu: '1', node: 'node-1' }));
  assert.equal(before.get('node-1')?.requested.milliCpu, 0);
  assert.equal(cache.snapshot().get('node-1')?.requested.milliCpu, 1000);
});

test('pods may be known before their node, and outlive it', () => {
  const cache = new Cache();
  cache.setPod(podInfo({ cpu: '1', node: 'node-1' }));
  assert.equal(cache.snapshot().nodes.length, 0);
  cache.setNode(nodeOf({}));
  assert.equal(cache.snapshot().get('node-1')?.requested.milliCpu, 1000);
  cache.removeNode('node-1');
  assert.equal(cache.snapshot().nodes.length, 0);
  cache.setNode(nodeOf({}));
  assert.equal(cache.snapshot().get('node-1')?.pods.length, 1);
});

test('zones take turns', () => {
  const cache = new Cache();
  const zone = (name: string): Record<string, string> => ({ 'topology.kubernetes.io/zone': name });
  for (const [name, z] of [
    ['a', 'z1'],
    ['b', 'z1'],
    ['c', 'z1'],
    ['d', 'z2'],
  ] as const)
    cache.setNode(nodeOf({ name, labels: zone(z) }));
  assert.deepEqual(
    cache.snapshot().nodes.map((node) => node.name),
    ['a', 'd', 'b', 'c'],
  );
});

test('property: the snapshot made step by step equals one made at once', () => {
  const step = fc.record({
    what: fc.constantFrom('node', 'removeNode', 'pod', 'removePod', 'assume', 'forget', 'snapshot'),
    node: fc.integer({ min: 0, max: 3 }),
    pod: fc.integer({ min: 0, max: 5 }),
    cpu: fc.integer({ min: 1, max: 9 }),
    image: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const cache = new Cache();
      const nodes = new Map<string, ReturnType<typeof nodeOf>>();
      const pods = new Map<string, { info: ReturnType<typeof podInfo>; node: string; assumed: boolean }>();
      for (const { what, node, pod, cpu, image } of steps) {
        const name = `node-${node}`;
        const row = { name: `p${pod}`, cpu: String(cpu) };
        const info = podInfo({ ...row, node: name });
        const known = pods.get(info.uid);
        if (what === 'node') {
          const object = nodeOf({ name, cpu: String(cpu), ...(image ? { images: { 'app:1': 1 } } : {}) });
          cache.setNode(object);
          nodes.set(name, object);
        } else if (what === 'removeNode') {
          cache.removeNode(name);
          nodes.delete(name);
        } else if (what === 'pod') {
          cache.setPod(info);
          pods.set(info.uid, { info, node: name, assumed: false });
        } else if (what === 'removePod') {
          cache.removePod(info.uid);
          pods.delete(info.uid);
        } else if (what === 'assume' && !known) {
          cache.assume(podInfo(row), name);
          pods.set(info.uid, { info: podInfo(row), node: name, assumed: true });
        } else if (what === 'forget') {
          cache.forget(info.uid);
          if (known?.assumed) pods.delete(info.uid);
        } else cache.snapshot();
      }
      const placed = [...pods.values()];
      const expected = Snapshot.of(
        [...nodes.values()].map((node) =>
          NodeInfo.of(
            node,
            placed.filter((pod) => pod.node === node.metadata.name).map((pod) => pod.info),
          ),
        ),
      );
      const actual = cache.snapshot();
      assert.deepEqual(actual.nodes.map((node) => node.name).sort(), [...nodes.keys()].sort());
      assert.deepEqual([...actual.imageNodes], [...expected.imageNodes]);
      for (const node of expected.nodes) {
        const same = actual.get(node.name);
        assert.deepEqual(same?.requested, node.requested);
        assert.deepEqual(same?.allocatable, node.allocatable);
        assert.deepEqual(same?.pods.map((pod) => pod.uid).sort(), node.pods.map((pod) => pod.uid).sort());
      }
    }),
  );
});
