import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Call, isLinearizable, type SequentialModel } from './linearizability.ts';

type Input = { readonly write: number } | 'read';
const register: SequentialModel<number, Input, number> = {
  initial: 0,
  step: (state, input, output) => {
    if (input !== 'read') return input.write;
    return output === undefined || output === state ? state : undefined;
  },
  fingerprint: String,
};
const call = (start: number, end: number, input: Input, output: number | undefined = 0): Call<Input, number> => ({
  start,
  end,
  input,
  output,
});

test('a read after a finished write must see it', () => {
  assert.equal(isLinearizable(register, [call(0, 1, { write: 1 }), call(2, 3, 'read', 1)]), true);
  assert.equal(isLinearizable(register, [call(0, 1, { write: 1 }), call(2, 3, 'read', 0)]), false);
});

test('a read during a write may see either value, but two reads may not go back', () => {
  const write = call(0, 10, { write: 1 });
  assert.equal(isLinearizable(register, [write, call(1, 2, 'read', 0), call(3, 4, 'read', 1)]), true);
  assert.equal(isLinearizable(register, [write, call(1, 2, 'read', 1), call(3, 4, 'read', 0)]), false);
});

test('a write of unknown fate may have happened, at any later time, or not', () => {
  const unknown: Call<Input, number> = { start: 0, end: Number.POSITIVE_INFINITY, input: { write: 1 }, output: undefined };
  assert.equal(isLinearizable(register, [unknown, call(1, 2, 'read', 0)]), true);
  assert.equal(isLinearizable(register, [unknown, call(1, 2, 'read', 0), call(3, 4, 'read', 1)]), true);
  assert.equal(isLinearizable(register, [unknown, call(1, 2, 'read', 1), call(3, 4, 'read', 0)]), false);
});

test('it agrees with trying every order', () => {
  const arbitrary = fc.array(
    fc.record({
      start: fc.integer({ min: 0, max: 8 }),
      length: fc.integer({ min: 0, max: 6 }),
      write: fc.option(fc.integer({ min: 1, max: 2 })),
      read: fc.integer({ min: 0, max: 2 }),
    }),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(arbitrary, (shapes) => {
      const history = shapes.map((s) => call(2 * s.start, 2 * (s.start + s.length) + 1, s.write ? { write: s.write } : 'read', s.read));
      assert.equal(isLinearizable(register, history), anyOrder(history));
    }),
    { numRuns: 500 },
  );
});

function anyOrder(left: readonly Call<Input, number>[], state = 0): boolean {
  if (left.length === 0) return true;
  return left.some((first) => {
    if (left.some((other) => other !== first && other.end < first.start)) return false;
    const next = register.step(state, first.input, first.output);
    return (
      next !== undefined &&
      anyOrder(
        left.filter((c) => c !== first),
        next,
      )
    );
  });
}
