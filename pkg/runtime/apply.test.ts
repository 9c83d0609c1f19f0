import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type ApiError, isApiError } from '../api/errors.ts';
import { copyOf, deepFreeze, type KubeObject } from '../api/object.ts';
import { applyConfiguration } from './apply.ts';
import { applyDefaults, emptyStruct } from './default.ts';
import { trackUpdate } from './managed-fields.ts';
import { pruneToSchema } from './prune.ts';
import { builtinSchema } from './schema.ts';

const schema = builtinSchema('io.k8s.api.apps.v1.Deployment');
const facts = { schema, apiVersion: 'apps/v1', subresource: '', time: '2024-01-01T00:00:00Z' };
const base = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } };

function apply(
  live: KubeObject | undefined,
  config: object,
  manager = 'me',
  options: { force?: boolean; time?: string; subresource?: string } = {},
): KubeObject {
  const { value } = pruneToSchema({ ...base, ...config }, schema, { keepZeros: true });
  const applied = deepFreeze(value) as unknown as KubeObject;
  return deepFreeze(applyConfiguration({ ...facts, live, applied, manager, force: false, ...options }).object);
}

function refused(live: KubeObject | undefined, config: object, manager = 'me'): ApiError {
  try {
    apply(live, config, manager);
  } catch (error) {
    assert.ok(isApiError(error), String((error as Error).stack));
    return error;
  }
  assert.fail('was accepted');
}

const update = (before: KubeObject | undefined, after: object, manager: string): KubeObject =>
  deepFreeze(trackUpdate({ ...facts, before, after: deepFreeze({ ...base, ...after }) as unknown as KubeObject, manager }));

const fieldsOf = (object: KubeObject, manager: string): unknown =>
  object.metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1;
const specOf = (object: KubeObject): Record<string, unknown> => (object as unknown as { spec: Record<string, unknown> }).spec;
const containers = (...list: object[]): object => ({ spec: { template: { spec: { containers: list } } } });
const containersOf = (object: KubeObject): unknown => (specOf(object)['template'] as { spec: { containers?: unknown } }).spec.containers;

describe('server-side apply', () => {
  it('makes an object, owned as it was stated', () => {
    const object = apply(undefined, { metadata: { name: 'web', labels: { a: 'b' } }, ...containers({ name: 'c', image: 'i' }) });
    assert.deepEqual(object.metadata.managedFields, [
      {
        manager: 'me',
        operation: 'Apply',
        apiVersion: 'apps/v1',
        time: facts.time,
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { 'f:a': {} } },
          'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:image': {}, 'f:name': {} } } } } },
        },
      },
    ]);
  });

  it('is a conflict over a value that another set, with manager and path, unless forced', () => {
    const live = update(undefined, { spec: { replicas: 1, paused: true, minReadySeconds: 3 } }, 'kubectl');
    const error = refused(live, { spec: { replicas: 2 } });
    assert.equal(error.reason, 'Conflict');
    assert.equal(error.message, 'Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: .spec.replicas');
    assert.deepEqual(error.details?.causes, [
      { reason: 'FieldManagerConflict', message: 'conflict with "kubectl" using apps/v1', field: '.spec.replicas' },
    ]);
    assert.equal(
      refused(live, { spec: { replicas: 2, minReadySeconds: 4 } }).message,
      'Apply failed with 2 conflicts: conflicts with "kubectl" using apps/v1:\n- .spec.minReadySeconds\n- .spec.replicas',
    );
    const forced = apply(live, { spec: { replicas: 2 } }, 'me', { force: true });
    assert.equal(specOf(forced)['replicas'], 2);
    assert.deepEqual(fieldsOf(forced, 'kubectl'), { 'f:spec': { 'f:minReadySeconds': {}, 'f:paused': {} } });
    assert.deepEqual(fieldsOf(forced, 'me'), { 'f:spec': { 'f:replicas': {} } });
    assert.match(
      refused(apply(undefined, { spec: { replicas: 1 } }, 'other'), { spec: { replicas: 2 } }).message,
      /conflict with "other": \.spec/,
    );
  });

  it('shares a field on which two agree, until the last of them lets go', () => {
    const both = apply(apply(undefined, { spec: { replicas: 3 } }, 'a'), { spec: { replicas: 3 } }, 'b');
    const one = apply(both, {}, 'a');
    assert.equal(specOf(one)['replicas'], 3);
    assert.equal(fieldsOf(one, 'a'), undefined);
    const none = apply(one, {}, 'b');
    assert.equal('replicas' in (specOf(none) ?? {}), false);
  });

  it('removes what is no longer stated: fields, entries of maps, elements of lists with all that nobody owns in them', () => {
    const first = apply(undefined, {
      metadata: { name: 'web', labels: { a: '1', b: '2' } },
      ...containers({ name: 'c', image: 'i' }, { name: 'd', image: 'j' }),
    });
    const defaulted = update(first, { ...first, ...containers({ name: 'c', image: 'i' }, { name: 'd', image: 'j', tty: true }) }, 'other');
    const second = apply(defaulted, { metadata: { name: 'web', labels: { a: '1' } }, ...containers({ name: 'c', image: 'i' }) });
    assert.deepEqual(second.metadata.labels, { a: '1' });
    assert.deepEqual(containersOf(second), [{ name: 'c', image: 'i' }]);
  });

  it('leaves alone what it never stated', () => {
    const live = update(undefined, { spec: { replicas: 1, paused: true } }, 'other');
    const object = apply(live, { spec: { minReadySeconds: 5 } });
    assert.deepEqual([specOf(object)['replicas'], specOf(object)['paused'], specOf(object)['minReadySeconds']], [1, true, 5]);
  });

  it('replaces atomic lists and maps as a whole', () => {
    const first = apply(undefined, { spec: { selector: { matchLabels: { a: 'b' } } } });
    assert.deepEqual(specOf(apply(first, { spec: { selector: { matchLabels: { c: 'd' } } } }))['selector'], { matchLabels: { c: 'd' } });
    assert.equal(
      refused(first, { spec: { selector: { matchLabels: { c: 'd' } } } }, 'other').details?.causes?.[0]?.field,
      '.spec.selector',
    );
  });

  it('keeps the stated order of list elements, and those of others where they are', () => {
    const live = update(undefined, containers({ name: 'x', image: '1' }, { name: 'a', image: '1' }, { name: 'y', image: '1' }), 'other');
    const object = apply(live, containers({ name: 'n', image: '2' }, { name: 'a' }, { name: 'b', image: '2' }));
    assert.deepEqual(
      (containersOf(object) as { name: string }[]).map(({ name }) => name),
      ['x', 'n', 'a', 'y', 'b'],
    );
  });

  it('gives back the live object itself when nothing changes', () => {
    const object = apply(undefined, { spec: { replicas: 3 }, ...containers({ name: 'c', resources: { limits: { cpu: '0.5' } } }) });
    assert.equal(
      apply(object, { spec: { replicas: 3 }, ...containers({ name: 'c', resources: { limits: { cpu: '500m' } } }) }, 'me', {
        time: '2030-01-01T00:00:00Z',
      }),
      object,
    );
  });

  it('does not own through the object what belongs to its status, nor the other way round', () => {
    const object = apply(undefined, { spec: { replicas: 1 }, status: { replicas: 1 } });
    assert.deepEqual(fieldsOf(object, 'me'), { 'f:spec': { 'f:replicas': {} } });
    const status = apply(object, { spec: { replicas: 5 }, status: { replicas: 1 } }, 'you', { subresource: 'status' });
    assert.deepEqual(fieldsOf(status, 'you'), { 'f:status': { 'f:replicas': {} } });
  });

  it('treats an object without managedFields as owned by before-first-apply', () => {
    const live = deepFreeze({ ...base, spec: { replicas: 1 } }) as unknown as KubeObject;
    assert.match(refused(live, { spec: { replicas: 2 } }).message, /conflict with "before-first-apply" using apps\/v1: \.spec\.replicas$/);
    assert.ok(fieldsOf(apply(live, { spec: { paused: true } }), 'before-first-apply'));
  });

  it('takes over from client-side apply without conflict what was applied there last', () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ ...base, spec: { replicas: 1 } }) };
    const live = update(undefined, { metadata: { name: 'web', annotations }, spec: { replicas: 1 } }, 'kubectl-client-side-apply');
    const object = apply(live, { spec: { replicas: 2 } }, 'kubectl');
    assert.equal(specOf(object)['replicas'], 2);
    assert.match(object.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'] ?? '', /"replicas":2/);
    assert.equal(refused(live, { spec: { replicas: 2 } }, 'helm').reason, 'Conflict');
    const others = update(live, { ...live, spec: { replicas: 1, paused: true } }, 'other');
    const fields = refused(others, { spec: { replicas: 2, paused: false } }, 'kubectl').details?.causes?.map(({ field }) => field);
    assert.deepEqual(fields, ['.spec.paused']);
  });

  it('dates who changes the object, not who agrees with it', () => {
    const live = apply(undefined, { spec: { replicas: 1 } }, 'a');
    const agreed = apply(live, { spec: { replicas: 1 } }, 'b', { time: '2030-01-01T00:00:00Z' });
    const times = agreed.metadata.managedFields?.map(({ manager, time }) => [manager, time]);
    assert.deepEqual(times, [
      ['b', undefined],
      ['a', facts.time],
    ]);
  });

  it('gives what is stated as null, but no list without elements, to the manager', () => {
    const fields = fieldsOf(apply(undefined, { spec: { paused: null, template: { spec: { containers: [], nodeSelector: {} } } } }), 'me');
    assert.deepEqual(fields, { 'f:spec': { 'f:paused': {}, 'f:template': { 'f:spec': { 'f:nodeSelector': {} } } } });
  });

  it('takes from client-side apply only what is still as it was applied', () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ ...base, spec: { replicas: 1 } }) };
    const live = update(undefined, { metadata: { name: 'web', annotations }, spec: { replicas: 5 } }, 'kubectl-edit');
    assert.equal(refused(live, { spec: { replicas: 2 } }, 'kubectl').reason, 'Conflict');
  });

  it('tells of what lies higher first when there are conflicts', () => {
    const live = update(undefined, { metadata: { name: 'web', labels: { a: 'b' } }, spec: { replicas: 1, paused: true } }, 'a');
    const fields = refused(live, { metadata: { name: 'web', labels: { a: 'c' } }, spec: { replicas: 2, paused: false } }, 'b').details
      ?.causes;
    assert.deepEqual(
      fields?.map(({ field }) => field),
      ['.metadata.labels.a', '.spec.paused', '.spec.replicas'],
    );
  });

  it('refuses managedFields, and list elements that cannot be told apart', () => {
    assert.equal(refused(undefined, { metadata: { name: 'web', managedFields: [] } }).message, 'metadata.managedFields must be nil');
    assert.match(
      refused(undefined, containers({ image: 'i' })).message,
      /\.spec\.template\.spec\.containers: element 0: .*omits all key fields \["name"\]/,
    );
    assert.match(refused(undefined, containers({ name: 'a' }, { name: 'a' })).message, /duplicate entries for key \[name="a"\]/);
  });

  const value = fc.record(
    {
      replicas: fc.integer({ min: 1, max: 3 }),
      paused: fc.boolean(),
      minReadySeconds: fc.integer({ min: 0, max: 2 }),
      names: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }),
      image: fc.constantFrom('i', 'j'),
    },
    { requiredKeys: [], noNullPrototype: true },
  );
  type Value = typeof value extends fc.Arbitrary<infer V> ? V : never;
  // What is empty is not stated: Go does not keep it apart from what is absent.
  const config = ({ names = [], image, ...spec }: Value): object => ({
    metadata: { name: 'web', ...(names.length > 0 ? { labels: Object.fromEntries(names.map((name) => [name, image ?? 'x'])) } : {}) },
    spec: {
      ...spec,
      ...(names.length > 0 ? { template: { spec: { containers: names.map((name) => ({ name, ...(image ? { image } : {}) })) } } } : {}),
    },
  });
  const managers = fc.constantFrom('m1', 'm2', 'm3');

  it('has no effect the second time, whoever came before', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(managers, value), { minLength: 1, maxLength: 5 }), (steps) => {
        let object: KubeObject | undefined;
        for (const [manager, stated] of steps) {
          object = apply(object, config(stated), manager, { force: true });
          assert.equal(apply(object, config(stated), manager, { time: '2030-01-01T00:00:00Z' }), object);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('holds what each manager stated last, as long as no other was forced upon it', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(managers, value), { minLength: 1, maxLength: 5 }), (steps) => {
        let object: KubeObject | undefined;
        const stated = new Map<string, Value>();
        for (const [manager, next] of steps) {
          try {
            object = apply(object, config(next), manager);
            stated.set(manager, next);
          } catch (error) {
            assert.ok(isApiError(error, 'Conflict'));
            // There is somebody who stated, or still shares, another value.
            assert.ok([...stated.keys()].some((other) => other !== manager));
          }
        }
        for (const { replicas, names } of stated.values()) {
          if (replicas !== undefined) assert.equal(specOf(object as KubeObject)['replicas'], replicas);
          for (const name of names ?? []) assert.ok(JSON.stringify(containersOf(object as KubeObject)).includes(`"name":"${name}"`));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('comes to the same whichever of two managers without conflict comes first', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        const strip = (object: KubeObject): unknown => ({
          ...object,
          // Whoever states what is so already gets no date.
          metadata: { ...object.metadata, managedFields: new Set(object.metadata.managedFields?.map(({ time: _, ...rest }) => rest)) },
        });
        let first: KubeObject;
        try {
          first = apply(apply(undefined, config(a), 'a'), config(b), 'b');
        } catch (error) {
          assert.ok(isApiError(error, 'Conflict'));
          assert.throws(() => apply(apply(undefined, config(b), 'b'), config(a), 'a'));
          return;
        }
        const second = apply(apply(undefined, config(b), 'b'), config(a), 'a');
        assert.deepEqual(sortLists(strip(first)), sortLists(strip(second)));
      }),
      { numRuns: 200 },
    );
  });

  it('leaves nothing behind when everything is taken back', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(managers, value), { minLength: 1, maxLength: 5 }), (steps) => {
        let object: KubeObject | undefined;
        for (const [manager, stated] of steps) object = apply(object, config(stated), manager, { force: true });
        for (const manager of ['m1', 'm2', 'm3']) object = apply(object, {}, manager);
        assert.equal(object?.metadata.managedFields, undefined);
        const rest = copyOf(object) as unknown as Record<string, unknown>;
        applyDefaults(rest, schema, new Map());
        assert.deepEqual(rest, { ...emptyStruct(schema), ...base });
      }),
      { numRuns: 100 },
    );
  });
});

/** The order of list elements is that of arrival. */
function sortLists(value: unknown): unknown {
  if (value instanceof Set) return sortLists([...value]);
  if (Array.isArray(value)) return value.map(sortLists).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort()
      .map(([key, item]) => [key, sortLists(item)]),
  );
}
