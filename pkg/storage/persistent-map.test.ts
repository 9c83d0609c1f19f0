import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PersistentMap } from './persistent-map.ts';

const change = fc.record({ key: fc.nat(200), value: fc.option(fc.nat()) });

function entries(map: PersistentMap<number, number>, start = Number.NEGATIVE_INFINITY, end?: number): [number, number][] {
  const out: [number, number][] = [];
  map.scan(start, end, (value, key) => out.push([key, value]) > 0);
  return out;
}

test('it is a sorted map, and every version stays what it was', () => {
  const property = fc.property(fc.array(change, { maxLength: 600 }), fc.nat(200), fc.nat(200), (changes, start, end) => {
    const plain = new Map<number, number>();
    let map = PersistentMap.empty<number, number>();
    const versions: { map: PersistentMap<number, number>; entries: [number, number][] }[] = [];
    for (const [i, { key, value }] of changes.entries()) {
      if (value === null) plain.delete(key);
      else plain.set(key, value);
      map = value === null ? map.delete(key) : map.set(key, value);
      assert.equal(map.get(key), plain.get(key));
      if (i % 50 === 0) versions.push({ map, entries: [...plain].sort((a, b) => a[0] - b[0]) });
    }
    versions.push({ map, entries: [...plain].sort((a, b) => a[0] - b[0]) });
    for (const version of versions) {
      const inRange = version.entries.filter(([key]) => key >= start && key < end);
      assert.equal(version.map.size, version.entries.length);
      assert.deepEqual(entries(version.map), version.entries);
      assert.deepEqual(entries(version.map, start, end), inRange);
      assert.equal(version.map.count(start, end), inRange.length);
      assert.deepEqual(
        entries(version.map.from(start)),
        version.entries.filter(([key]) => key >= start),
      );
    }
  });
  fc.assert(property, { numRuns: 100 });
});

test('a scan stops where it is told to', () => {
  let map = PersistentMap.empty<number, number>();
  for (let i = 0; i < 1_000; i++) map = map.set(i, i);
  const seen: number[] = [];
  map.scan(500, undefined, (value) => seen.push(value) < 3);
  assert.deepEqual(seen, [500, 501, 502]);
});
