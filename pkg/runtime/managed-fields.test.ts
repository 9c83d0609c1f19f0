import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { KubeObject } from '../api/object.ts';
import { deepFreeze } from '../api/object.ts';
import { applyDefaults } from './default.ts';
import { compareObjects } from './field-compare.ts';
import { difference, type FieldSet, intersection, isEmptySet, union } from './field-set.ts';
import { poolManagedFields } from './field-set-pool.ts';
import { asJson, emptyObject, managersOf, trackUpdate, withManagers } from './managed-fields.ts';
import { builtinSchema, type Schema } from './schema.ts';
import { sampleObject, seeded } from './testing/sample.ts';

const deployment = builtinSchema('io.k8s.api.apps.v1.Deployment');
const pod = builtinSchema('io.k8s.api.core.v1.Pod');
const at = (second: number): string => `2024-01-01T00:00:0${second}Z`;

function write(
  before: KubeObject | undefined,
  after: unknown,
  manager: string,
  more: { time?: string; subresource?: string; schema?: Schema } = {},
): KubeObject {
  const { schema = deployment, subresource = '', time = at(0) } = more;
  return deepFreeze(
    trackUpdate({ before, after: deepFreeze(after) as KubeObject, schema, manager, apiVersion: 'apps/v1', subresource, time }),
  );
}

function fieldsOf(object: KubeObject, manager: string): unknown {
  return object.metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1;
}

const base = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', uid: 'u', resourceVersion: '1', creationTimestamp: at(0) },
};

describe('trackUpdate', () => {
  it('gives whoever creates an object all that it sets, in the form that kubectl shows', () => {
    const object: Record<string, unknown> = {
      ...base,
      metadata: { ...base.metadata, labels: { app: 'web' } },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'web' } },
        strategy: { rollingUpdate: { maxSurge: 1 } },
        template: { spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }], nodeSelector: { a: 'b' } } },
      },
    };
    applyDefaults(object, deployment, new Map());
    const [entry] = write(undefined, object, 'kubectl-create').metadata.managedFields ?? [];
    assert.deepEqual(entry, {
      manager: 'kubectl-create',
      operation: 'Update',
      apiVersion: 'apps/v1',
      time: at(0),
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
        'f:spec': {
          'f:replicas': {},
          'f:selector': {},
          'f:strategy': { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {} } },
          'f:template': {
            'f:spec': {
              'f:containers': {
                'k:{"name":"c"}': {
                  '.': {},
                  'f:image': {},
                  'f:name': {},
                  'f:ports': { '.': {}, 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {}, 'f:protocol': {} } },
                  'f:resources': {},
                },
              },
              'f:nodeSelector': {},
            },
          },
        },
      },
    });
  });

  it('moves a field to whoever changes it, and takes from everybody what is removed', () => {
    const first = write(undefined, { ...base, spec: { replicas: 1, paused: true } }, 'a');
    const second = write(first, { ...first, spec: { replicas: 2 } }, 'b', { time: at(1) });
    assert.deepEqual(fieldsOf(second, 'b'), { 'f:spec': { 'f:replicas': {} } });
    assert.equal(fieldsOf(second, 'a'), undefined);
  });

  it('leaves entries and times alone when nothing changes hands', () => {
    const first = write(undefined, { ...base, spec: { replicas: 1 } }, 'a');
    const same = write(first, { ...first }, 'b', { time: at(1) });
    assert.deepEqual(same.metadata.managedFields, first.metadata.managedFields);
    const mine = write(first, { ...first, spec: { replicas: 2 } }, 'a', { time: at(2) });
    assert.equal(mine.metadata.managedFields?.[0]?.time, at(2));
  });

  it('dates a manager by what it set last, not by what it took away', () => {
    const first = write(undefined, { ...base, spec: { replicas: 1, paused: true } }, 'a');
    const less = write(first, { ...first, spec: { replicas: 1 } }, 'a', { time: at(1) });
    assert.deepEqual(fieldsOf(less, 'a'), { 'f:spec': { 'f:replicas': {} } });
    assert.equal(less.metadata.managedFields?.[0]?.time, at(0));
  });

  it('keeps the writers of a subresource apart', () => {
    const first = write(undefined, { ...base, spec: { replicas: 1 } }, 'a');
    const second = write(first, { ...first, status: { replicas: 1 } }, 'a', { subresource: 'status' });
    assert.deepEqual(
      second.metadata.managedFields?.map(({ subresource, fieldsV1 }) => [subresource, fieldsV1]),
      [
        [undefined, { 'f:spec': { 'f:replicas': {} } }],
        ['status', { 'f:status': { '.': {}, 'f:replicas': {} } }],
      ],
    );
  });

  it('obeys a client that takes managedFields away, and tracks nothing from then on', () => {
    const first = write(undefined, { ...base, spec: { replicas: 1 } }, 'a');
    const cleared = write(first, { ...first, metadata: { ...first.metadata, managedFields: [{}] } }, 'b');
    assert.equal(cleared.metadata.managedFields, undefined);
    assert.equal(write(cleared, { ...cleared, spec: { replicas: 3 } }, 'c').metadata.managedFields, undefined);
    const kept = write(first, { ...first, metadata: { ...first.metadata, managedFields: undefined } }, 'b');
    assert.deepEqual(kept.metadata.managedFields, first.metadata.managedFields);
  });

  it('folds the oldest managers by Update when there are more than ten', () => {
    let object = write(undefined, { ...base, metadata: { ...base.metadata, labels: { l0: '0' } } }, 'm0');
    for (let i = 1; i < 15; i++) {
      const labels = { ...object.metadata.labels, [`l${i}`]: String(i) };
      object = write(object, { ...object, metadata: { ...object.metadata, labels } }, `m${i}`, {
        time: `2024-01-01T00:00:${String(i).padStart(2, '0')}Z`,
      });
    }
    assert.equal(object.metadata.managedFields?.length, 10);
    const folded = fieldsOf(object, 'ancient-changes') as { 'f:metadata': { 'f:labels': object } };
    assert.deepEqual(Object.keys(folded['f:metadata']['f:labels']).sort(), ['.', 'f:l0', 'f:l1', 'f:l2', 'f:l3', 'f:l4', 'f:l5']);
    assert.ok(fieldsOf(object, 'm14'));
  });

  it('after any row of writes: each field has an owner, each changed field one only, and nobody owns what is not there', () => {
    const step = fc.record({ seed: fc.nat(), manager: fc.constantFrom('a', 'b', 'c'), likelihood: fc.constantFrom(0.1, 0.4) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 5 }), (steps) => {
        let object: KubeObject | undefined;
        for (const { seed, manager, likelihood } of steps) {
          const sample = sampleObject(pod, seeded(seed), likelihood);
          const { managedFields: _, ...metadata } = sample['metadata'] as Record<string, unknown>;
          const after = {
            ...sample,
            status: {},
            metadata: { ...metadata, managedFields: object?.metadata.managedFields },
          } as unknown as KubeObject;
          const before: KubeObject | undefined = object;
          object = write(before, after, manager, { schema: pod });
          const { added, modified } = compareObjects(asJson(before ?? emptyObject(pod)), asJson(object), pod);
          for (const entry of managersOf(object)) {
            if (entry.manager !== manager) assert.ok(isEmptySet(intersection(entry.fields, union(added, modified))));
          }
        }
        const all = managersOf(object).reduce<FieldSet>((set, entry) => union(set, entry.fields), {});
        const there = compareObjects(asJson(emptyObject(pod)), asJson(object as KubeObject), pod).added;
        assert.deepEqual(difference(all, there), {});
      }),
      { numRuns: 60 },
    );
  });

  it('shares the field sets of objects that are alike, parsed ones too', () => {
    const make = (name: string): KubeObject =>
      write(undefined, { ...base, metadata: { ...base.metadata, name }, spec: { replicas: 1 } }, 'a');
    const [one, two] = [make('one'), make('two')];
    const sets = (object: KubeObject): unknown[] => object.metadata.managedFields?.map((entry) => entry.fieldsV1) ?? [];
    assert.equal(sets(one)[0], sets(two)[0]);
    const parsed = JSON.parse(JSON.stringify(one)) as KubeObject;
    poolManagedFields(parsed);
    assert.equal(sets(parsed)[0], sets(one)[0]);
    for (let i = 0; i < 1100; i++) write(undefined, { ...base, metadata: { ...base.metadata, labels: { [`l${i}`]: 'x' } } }, 'a');
    assert.deepEqual(sets(make('three')), sets(one));
  });

  it('takes a list that Go always writes for one that was there, and a repeated element for one thing', () => {
    const spec = { containers: [{ name: 'c', env: [{ name: 'A' }, { name: 'A', value: 'again' }, { name: 'B' }] }] };
    const [entry] = write(undefined, { ...base, spec }, 'a', { schema: pod }).metadata.managedFields ?? [];
    assert.deepEqual(entry?.fieldsV1, {
      'f:spec': {
        'f:containers': {
          'k:{"name":"c"}': {
            '.': {},
            'f:env': { '.': {}, 'k:{"name":"A"}': {}, 'k:{"name":"B"}': { '.': {}, 'f:name': {} } },
            'f:name': {},
          },
        },
      },
    });
  });

  it('believes the managers that a writer states, unless one of them makes no sense', () => {
    const first = write(undefined, { ...base, spec: { replicas: 1 } }, 'a');
    const [entry] = first.metadata.managedFields ?? [];
    const stating = (managedFields: unknown): KubeObject => write(first, { ...first, metadata: { ...first.metadata, managedFields } }, 'b');
    assert.deepEqual(stating([{ ...entry, manager: 'other' }]).metadata.managedFields, [{ ...entry, manager: 'other' }]);
    for (const wrong of [
      { operation: 'Upsert' },
      { apiVersion: '' },
      { fieldsType: 'FieldsV2' },
      { fieldsV1: { spec: {} } },
      { fieldsV1: { 'f:a': 1 } },
    ]) {
      assert.deepEqual(
        stating([
          { ...entry, manager: 'other' },
          { ...entry, ...wrong },
        ]).metadata.managedFields,
        first.metadata.managedFields,
      );
    }
  });

  it('writes entries in an order that does not depend on how they came about', () => {
    const managers = managersOf(
      write(write(undefined, { ...base, spec: { replicas: 1 } }, 'b'), { ...base, spec: { replicas: 1, paused: true } }, 'a'),
    );
    const there = withManagers(base as unknown as KubeObject, managers);
    const back = withManagers(base as unknown as KubeObject, managers.toReversed());
    assert.deepEqual(there, back);
  });
});
