import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RE2JS } from '@bufbuild/re2';
import fc from 'fast-check';
import { programSize } from './regex-size.ts';

const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 4 },
    fc
      .constantFrom('a', '.', '[a-z]', '[^]x]', '[[:alpha:]\\]]', '\\d', '\\pL', '\\p{Greek}', '\\.', '^', '$', '\\b', '(?:', '')
      .filter((text) => text !== '(?:'),
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => a + b),
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(${a}|${b})`),
    fc
      .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '*?', '{3}', '{2,5}', '{4,}', '{0,3}', '{0}', '{1,9}?'))
      .map(([a, times]) => `(?:${a})${times}`),
  ),
}));

test('no program is larger than was said', () => {
  fc.assert(
    fc.property(pattern, (source) => {
      const size = RE2JS.compile(source).re2().prog.numInst();
      assert.ok(size <= programSize(source) + 3, `${source}: ${size} instructions, ${programSize(source)} expected at most`);
    }),
    { numRuns: 2000 },
  );
});

test('what is short stays short', () => {
  assert.ok(programSize('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$') < 80);
  assert.ok(programSize('^[a-z]{1,63}$') < 200);
  assert.ok(programSize('(a?){1000}') > 1000);
});
