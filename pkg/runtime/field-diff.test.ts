import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldDiff } from './field-diff.ts';

test('fields that differ are named by their path, with what they were and are', () => {
  const before = {
    metadata: {
      name: 'web',
      resourceVersion: '1',
      labels: { app: 'web', 'app.kubernetes.io/part-of': 'shop' },
      managedFields: [{ manager: 'a' }],
    },
    spec: {
      replicas: 1,
      paused: true,
      args: ['a', 'b'],
      containers: [
        { name: 'c', image: 'x:1' },
        { name: 'side', image: 's' },
      ],
    },
  };
  const after = {
    metadata: {
      name: 'web',
      resourceVersion: '2',
      labels: { app: 'web', 'app.kubernetes.io/part-of': 'bank' },
      managedFields: [{ manager: 'b' }],
    },
    spec: {
      replicas: 3,
      args: ['a', 'c'],
      containers: [
        { name: 'new', image: 'n' },
        { name: 'c', image: 'x:2' },
      ],
      selector: { matchLabels: { a: 'b' } },
    },
  };
  assert.deepEqual(fieldDiff(before, after), [
    { path: 'metadata.labels["app.kubernetes.io/part-of"]', before: 'shop', after: 'bank' },
    { path: 'spec.replicas', before: 1, after: 3 },
    { path: 'spec.paused', before: true },
    { path: 'spec.args', before: ['a', 'b'], after: ['a', 'c'] },
    { path: 'spec.containers[c].image', before: 'x:1', after: 'x:2' },
    { path: 'spec.containers[side]', before: { name: 'side', image: 's' } },
    { path: 'spec.containers[new]', after: { name: 'new', image: 'n' } },
    { path: 'spec.selector.matchLabels.a', after: 'b' },
  ]);
  assert.deepEqual(
    fieldDiff(before, after, { managedFields: true }).filter(({ path }) => path.includes('managedFields')),
    [{ path: 'metadata.managedFields[0].manager', before: 'a', after: 'b' }],
  );
});

test('elements without a name of their own are compared by their place', () => {
  const before = { list: [{ a: 1 }, { a: 1 }], rules: [{ name: 'x' }, { name: 'x' }] };
  const after = { list: [{ a: 1 }, { a: 2 }, { a: 3 }], rules: [{ name: 'x' }, { name: 'y' }] };
  assert.deepEqual(fieldDiff(before, after), [
    { path: 'list[1].a', before: 1, after: 2 },
    { path: 'list[2].a', after: 3 },
    { path: 'rules[1].name', before: 'x', after: 'y' },
  ]);
});

test('equal objects do not differ, and different ones do', () => {
  fc.assert(
    fc.property(fc.object(), fc.object(), (a, b) => {
      assert.deepEqual(fieldDiff(a, structuredClone(a)), []);
      let differ = false;
      try {
        assert.deepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));
      } catch {
        differ = true;
      }
      if (differ) assert.notDeepEqual(fieldDiff(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b))), []);
    }),
  );
});
