import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkKey, compareKeys, maxKeyBytes } from './key-order.ts';

test('keys compare as the bytes of their UTF-8', () => {
  const string = fc.string({ unit: fc.constantFrom('a', '/', 'é', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'), maxLength: 4 });
  const property = fc.property(string, string, (a, b) => {
    assert.equal(Math.sign(compareKeys(a, b)), Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
  });
  fc.assert(property, { numRuns: 1_000 });
});

test('the length of a key counts in bytes', () => {
  checkKey('é'.repeat(maxKeyBytes / 2));
  assert.throws(() => checkKey('é'.repeat(maxKeyBytes / 2 + 1)), { code: 'Invalid' });
});
