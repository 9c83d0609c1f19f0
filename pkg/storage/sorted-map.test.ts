import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SortedMap } from './sorted-map.ts';

/** Runs of neighbouring keys, so that nodes fill, split, run low and join. */
const change = fc.record({
  from: fc.nat(3_000),
  count: fc.integer({ min: 1, max: 120 }),
  step: fc.constantFrom(1, -1, 7),
  value: fc.option(fc.nat()),
});

function entries(map: SortedMap<number, number>, start = Number.NEGATIVE_INFINITY, end?: number): [number, number][] {
  const out: [number, number][] = [];
  map.scan(start, end, (value, key) => out.push([key, value]) > 0);
  return out;
}

test('it is a sorted map, whatever is set and deleted', () => {
  const property = fc.property(fc.array(change, { maxLength: 120 }), fc.nat(3_000), fc.nat(3_000), (changes, start, end) => {
    const plain = new Map<number, number>();
    const map = new SortedMap<number, number>();
    for (const { from, count, step, value } of changes) {
      for (let i = 0; i < count; i++) {
        const key = from + i * step;
        if (value === null) {
          plain.delete(key);
          map.delete(key);
        } else {
          plain.set(key, value);
          map.set(key, value);
        }
        assert.equal(map.get(key), plain.get(key));
      }
      assert.equal(map.size, plain.size);
    }
    const sorted = [...plain].sort((a, b) => a[0] - b[0]);
    const inRange = sorted.filter(([key]) => key >= start && key < end);
    assert.deepEqual(entries(map), sorted);
    assert.deepEqual(entries(map, start, end), inRange);
    assert.equal(map.count(start, end), inRange.length);
    assert.equal(map.count(start, undefined), sorted.filter(([key]) => key >= start).length);
    for (const [key, value] of sorted) assert.equal(map.get(key), value);
    for (const [key] of sorted) map.delete(key);
    assert.equal(map.size, 0);
    assert.deepEqual(entries(map), []);
  });
  fc.assert(property, { numRuns: 150 });
});

test('keys that ascend, descend and lie scattered are found again among ten thousand', () => {
  for (const keyOf of [(i: number) => i, (i: number) => 10_000 - i, (i: number) => (i * 7_919) % 10_007]) {
    const map = new SortedMap<number, number>();
    for (let i = 0; i < 10_000; i++) map.set(keyOf(i), i);
    for (let i = 0; i < 10_000; i += 2) map.delete(keyOf(i));
    assert.equal(map.size, 5_000);
    for (let i = 0; i < 10_000; i++) assert.equal(map.get(keyOf(i)), i % 2 === 0 ? undefined : i);
  }
});

test('a scan stops where it is told to', () => {
  const map = new SortedMap<number, number>();
  for (let i = 0; i < 1_000; i++) map.set(i, i);
  const seen: number[] = [];
  map.scan(500, undefined, (value) => seen.push(value) < 3);
  assert.deepEqual(seen, [500, 501, 502]);
});
