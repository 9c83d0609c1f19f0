import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { isApiError } from '../../api/errors.ts';
import { copyValue } from '../../runtime/values.ts';
import { parseYamlDocuments } from '../../runtime/yaml.ts';
import { samples } from '../testing/samples.ts';
import { type Draft, isBuiltin, loadRules, prepared, refusals, storedDeclarations, updateRefusals } from '../testing/validation-table.ts';
import { defaultObject } from '../typing.ts';

const nameOf = ({ apiVersion, kind }: Draft): string => `${String(apiVersion)} ${String(kind)}`;

test('there is a sample of every kind that can be created', () => {
  const known = new Set(samples.map(nameOf));
  const missing = storedDeclarations()
    .filter(({ verbs }) => verbs.includes('create'))
    .map(({ group, version, kind }) => `${group === '' ? '' : `${group}/`}${version} ${kind}`)
    .filter((name) => !known.has(name));
  assert.deepEqual(missing, []);
});

test('the smallest object of every kind is taken, and can be written again as it was read', async () => {
  for (const sample of samples) {
    await loadRules(sample);
    assert.deepEqual(refusals(sample), [], nameOf(sample));
    assert.deepEqual(updateRefusals(sample, prepared(sample).object), [], nameOf(sample));
  }
});

test('what has been defaulted is not defaulted any further', () => {
  for (const sample of samples) {
    const { declaration, object } = prepared(sample);
    const again = copyValue(object) as typeof object;
    defaultObject(declaration, again);
    assert.deepEqual(again, object, nameOf(sample));
  }
});

test('every example is taken', async () => {
  const folder = new URL('../../../examples/', import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  assert.ok(files.length > 0);
  for (const file of files) {
    for (const { value } of parseYamlDocuments(readFileSync(new URL(file, folder), 'utf8'))) {
      if (value === null || !isBuiltin(value as Draft)) continue;
      await loadRules(value as Draft);
      assert.deepEqual(refusals(value as Draft), [], file);
    }
  }
});

/** A copy in which the n-th value, counted through the whole object, is another. */
function damaged(draft: Draft, position: number, value: unknown): Draft {
  let left = position;
  const walk = (node: unknown, depth: number): unknown => {
    if (depth > 1 && left-- === 0) return value;
    if (Array.isArray(node)) return node.map((item) => walk(item, depth + 1));
    if (typeof node !== 'object' || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, walk(item, depth + 1)]));
  };
  return { ...draft, ...(walk({ ...draft, apiVersion: undefined, kind: undefined }, 0) as object), ...identity(draft) };
}
const identity = ({ apiVersion, kind }: Draft): Draft => ({ apiVersion, kind });

test('however a valid object is damaged, something is said of it, and nothing is thrown', async () => {
  for (const sample of samples) await loadRules(sample);
  const odd = fc.oneof(
    fc.constantFrom(null, '', 0, -1, 1e9, 'a/b/c', '-', '💥', true, [], {}, [null], [{}], [''], { '': '' }, 'x'.repeat(300)),
    fc.jsonValue({ maxDepth: 2 }),
  );
  fc.assert(
    fc.property(fc.constantFrom(...samples), fc.nat(40), odd, (sample, position, value) => {
      const draft = damaged(sample, position, value);
      try {
        refusals(draft);
        updateRefusals(sample, draft);
        updateRefusals(sample, draft, 'status');
      } catch (error) {
        // Values of another type, and fields that nobody knows, are refused before anything looks at them.
        const early = isApiError(error) || (error as Error).message.startsWith('fields that');
        assert.ok(early, `${nameOf(sample)}: ${String((error as Error).stack)}`);
      }
    }),
    { numRuns: 1_500, interruptAfterTimeLimit: 10_000 },
  );
});
