import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ConfigMap } from '../api/generated/core-v1.ts';
import { Indexer } from './indexer.ts';
import { SortedMap } from './sorted-map.ts';

const object = (namespace: string, name: string, value = ''): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name, uid: name, resourceVersion: '1', creationTimestamp: '' },
  data: { value },
});

test('a listing of a namespace holds that namespace alone, in order', () => {
  const indexer = new Indexer<ConfigMap>();
  for (const [namespace, name] of [
    ['a', 'y'],
    ['a-b', 'x'],
    ['a', 'x'],
    ['b', 'x'],
    ['', 'a'],
  ] as const)
    indexer.set(object(namespace, name));
  assert.deepEqual(
    indexer.list('a').map(({ metadata }) => metadata.name),
    ['x', 'y'],
  );
  assert.equal(indexer.list().length, 5);
});

test('property: a sorted map is a map whose keys come in order', () => {
  const key = fc.stringMatching(/^[a-c]{0,3}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.option(fc.nat())), { maxLength: 200 }), key, (steps, prefix) => {
      const sorted = new SortedMap<number>();
      const model = new Map<string, number>();
      for (const [name, value] of steps) {
        if (value === null) assert.equal(sorted.delete(name), model.delete(name));
        else {
          sorted.set(name, value);
          model.set(name, value);
        }
      }
      const entries = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
      assert.deepEqual(
        sorted.keys(),
        entries.map(([name]) => name),
      );
      assert.deepEqual(
        sorted.values(),
        entries.map(([, value]) => value),
      );
      assert.deepEqual(
        sorted.valuesWithPrefix(prefix),
        entries.filter(([name]) => name.startsWith(prefix)).map(([, value]) => value),
      );
      for (const [name, value] of model) assert.equal(sorted.get(name), value);
    }),
  );
});
