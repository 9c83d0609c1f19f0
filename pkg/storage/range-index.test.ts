import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rangeTest } from './key-order.ts';
import { RangeIndex } from './range-index.ts';
import type { KeyRange } from './store.ts';

const letter = fc.constantFrom('', 'a', 'b', 'c', 'd', 'e', 'f');
const range = fc
  .tuple(letter, fc.option(letter, { nil: undefined }))
  .map(([start, end]): KeyRange => (end === undefined ? { start } : { start, end }));

test('it finds the ranges that hold a key, and those that meet a range', () => {
  const property = fc.property(fc.array(range, { maxLength: 12 }), fc.nat(11), range, (ranges, removed, wanted) => {
    const index = new RangeIndex<number>();
    for (const [i, r] of ranges.entries()) index.add(r, i);
    index.delete(removed);
    const left = ranges.map((r, i) => ({ r, i })).filter(({ i }) => i !== removed);
    for (const key of ['', 'a', 'aa', 'b', 'c', 'f', 'g']) {
      const found: number[] = [];
      index.at(key, (i) => found.push(i));
      assert.deepEqual(
        found.sort(),
        left
          .filter(({ r }) => rangeTest(r)(key))
          .map(({ i }) => i)
          .sort(),
      );
    }
    const met = new Set<number>();
    index.overlapping(wanted, (i) => met.add(i));
    for (const key of ['', 'a', 'b', 'c', 'd', 'e', 'f', 'g']) {
      if (!rangeTest(wanted)(key)) continue;
      for (const { r, i } of left) if (rangeTest(r)(key)) assert.ok(met.has(i));
    }
    for (const i of met) assert.ok(left.some((entry) => entry.i === i && (wanted.end === undefined || entry.r.start < wanted.end)));
  });
  fc.assert(property, { numRuns: 300 });
});
