import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyMergePatch } from '../runtime/merge-patch.ts';
import { builtinSchema } from '../runtime/schema.ts';
import { applyStrategicMergePatch } from '../runtime/strategic-merge-patch.ts';
import type { JsonObject } from '../runtime/values.ts';
import { threeWayPatch } from './three-way-patch.ts';

const podSpec = builtinSchema('io.k8s.api.core.v1.PodSpec');
const deploymentSpec = builtinSchema('io.k8s.api.apps.v1.DeploymentSpec');
const meta = builtinSchema('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');

test('what was applied before and is gone is deleted, what others added stays', () => {
  const patch = threeWayPatch(
    { original: { labels: { a: '1', b: '2' } }, modified: { labels: { a: '1' } }, current: { labels: { a: '1', b: '2', theirs: 'x' } } },
    meta,
  );
  assert.deepEqual(patch, { labels: { b: null } });
});

test('containers are merged by name, their ports and variables by key', () => {
  const original = {
    containers: [
      { name: 'a', image: 'a:1', env: [{ name: 'X', value: '1' }] },
      { name: 'old', image: 'o' },
    ],
  };
  const modified = {
    containers: [
      { name: 'a', image: 'a:2', env: [{ name: 'Y', value: '2' }] },
      { name: 'new', image: 'n' },
    ],
  };
  const current = {
    containers: [
      { name: 'a', image: 'a:1', imagePullPolicy: 'IfNotPresent', env: [{ name: 'X', value: '1' }] },
      { name: 'old', image: 'o' },
      { name: 'injected', image: 'sidecar' },
    ],
  };
  const patch = threeWayPatch({ original, modified, current }, podSpec);
  const result = applyStrategicMergePatch(current, patch, podSpec) as { containers: { name: string }[] };
  assert.deepEqual(result.containers.map(({ name }) => name).sort(), ['a', 'injected', 'new']);
  assert.deepEqual(
    result.containers.find(({ name }) => name === 'a'),
    { name: 'a', image: 'a:2', imagePullPolicy: 'IfNotPresent', env: [{ name: 'Y', value: '2' }] },
  );
});

test('members of a union that are not named any more go', () => {
  const current = { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } } };
  const patch = threeWayPatch({ original: {}, modified: { strategy: { type: 'Recreate' } }, current }, deploymentSpec);
  assert.deepEqual(applyStrategicMergePatch(current, patch, deploymentSpec), { strategy: { type: 'Recreate' } });
});

test('sets of plain values are added to and taken from', () => {
  const versions = {
    original: { finalizers: ['a', 'b'] },
    modified: { finalizers: ['a', 'c'] },
    current: { finalizers: ['a', 'b', 'theirs'] },
  };
  const patch = threeWayPatch(versions, meta);
  const { finalizers } = applyStrategicMergePatch(versions.current, patch, meta) as { finalizers: string[] };
  assert.deepEqual([...finalizers].sort(), ['a', 'c', 'theirs']);
});

test('a list without a merge key is replaced, and without a schema every list is', () => {
  const versions = { original: {}, modified: { tolerations: [{ key: 'b' }] }, current: { tolerations: [{ key: 'a' }] } };
  assert.deepEqual(threeWayPatch(versions, podSpec), { tolerations: [{ key: 'b' }] });
  const plain = { original: {}, modified: { containers: [{ name: 'a' }] }, current: { containers: [{ name: 'a', image: 'x' }] } };
  assert.deepEqual(threeWayPatch(plain, undefined), { containers: [{ name: 'a' }] });
});

// Trees of maps and scalars: what a merge patch speaks of.
const tree = fc.letrec((tie) => ({
  node: fc.dictionary(
    fc.constantFrom('a', 'b', 'c'),
    fc.oneof({ maxDepth: 3 }, fc.constantFrom(1, 2), fc.constantFrom('x', 'y'), tie('node')),
    { maxKeys: 3, noNullPrototype: true },
  ),
})).node as fc.Arbitrary<JsonObject>;

/** What apply is to give, said directly: the file's fields, and those of others that no file ever had. */
function expected({ original, modified, current }: { original: JsonObject; modified: JsonObject; current: JsonObject }): JsonObject {
  const out: JsonObject = {};
  const isMap = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);
  for (const key of new Set([...Object.keys(current), ...Object.keys(modified)])) {
    const [was, wanted, found] = [original[key], modified[key], current[key]];
    if (wanted === undefined) {
      if (was === undefined) out[key] = found;
    } else if (isMap(wanted) && isMap(found)) out[key] = expected({ original: isMap(was) ? was : {}, modified: wanted, current: found });
    else out[key] = wanted;
  }
  return out;
}

test('property: applied to what is there, the patch gives what the file asks for and keeps what others added', () => {
  fc.assert(
    fc.property(tree, tree, tree, (original, modified, current) => {
      const versions = { original, modified, current };
      assert.deepEqual(applyMergePatch(current, threeWayPatch(versions, undefined)), expected(versions));
    }),
    { numRuns: 500 },
  );
});

const container: fc.Arbitrary<{ image: string; args: string[] | undefined }> = fc.record({
  image: fc.constantFrom('a', 'b'),
  args: fc.option(fc.constantFrom<string[][]>(['x'], ['y', 'z']), { nil: undefined }),
});
const containers = fc.dictionary(fc.constantFrom('one', 'two', 'three'), container, { maxKeys: 3, noNullPrototype: true });
const listOf = (map: Record<string, { image: string; args?: string[] | undefined }>): JsonObject => ({
  containers: Object.entries(map).map(([name, { image, args }]) => ({ name, image, ...(args ? { args } : {}) })),
});

test('property: lists with a merge key behave as maps, and the file decides their order', () => {
  fc.assert(
    fc.property(containers, containers, containers, (original, modified, current) => {
      const versions = { original: listOf(original), modified: listOf(modified), current: listOf(current) };
      const patch = threeWayPatch(versions, podSpec);
      const result = applyStrategicMergePatch(versions.current, patch, podSpec) as { containers: { name: string }[] };
      const asMap = (list: readonly { name: string }[]): JsonObject => Object.fromEntries(list.map(({ name, ...rest }) => [name, rest]));
      const model = expected({
        original: asMap(versions.original['containers'] as { name: string }[]),
        modified: asMap(versions.modified['containers'] as { name: string }[]),
        current: asMap(versions.current['containers'] as { name: string }[]),
      });
      assert.deepEqual(asMap(result.containers), model);
      const order = result.containers.map(({ name }) => name).filter((name) => name in modified);
      assert.deepEqual(order, Object.keys(modified));
    }),
    { numRuns: 500 },
  );
});

test('property: there is nothing to change a second time', () => {
  fc.assert(
    fc.property(containers, containers, containers, (original, modified, current) => {
      const versions = { original: listOf(original), modified: listOf(modified), current: listOf(current) };
      const result = applyStrategicMergePatch(versions.current, threeWayPatch(versions, podSpec), podSpec) as JsonObject;
      assert.deepEqual(threeWayPatch({ original: versions.modified, modified: versions.modified, current: result }, podSpec), {});
    }),
    { numRuns: 500 },
  );
});
