import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unservedFieldsOf } from '../strategies/unserved-fields.ts';
import { type Case, checkTable, type Draft, having, prepared, updateRefusals } from '../testing/validation-table.ts';

const apiVersion = 'scheduling.k8s.io/v1alpha2';
const template = { name: 'workers', schedulingPolicy: { gang: { minCount: 2 } } };
const workload: Draft = {
  apiVersion,
  kind: 'Workload',
  spec: { controllerRef: { apiGroup: 'batch', kind: 'Job', name: 'j' }, podGroupTemplates: [template] },
};
const group: Draft = { apiVersion, kind: 'PodGroup', spec: { schedulingPolicy: { gang: { minCount: 2 } } } };

const table: readonly Case[] = [
  ['a workload', workload, []],
  ['of no templates', having(workload, { 'spec.podGroupTemplates': [] }), ['spec.podGroupTemplates: Required value']],
  [
    'of many',
    having(workload, { 'spec.podGroupTemplates': Array.from({ length: 9 }, (_, i) => ({ ...template, name: `t${i}` })) }),
    ['spec.podGroupTemplates: Too many: 9: must have at most 8 items'],
  ],
  [
    'of one that says nothing',
    having(workload, { 'spec.podGroupTemplates': [{}] }),
    [
      'spec.podGroupTemplates[0].name: Required value',
      'spec.podGroupTemplates[0].schedulingPolicy: Invalid value: "": must specify one of: `basic`, `gang`',
    ],
  ],
  [
    'by an odd controller',
    having(workload, { 'spec.controllerRef': { kind: 'a/b' } }),
    ['spec.controllerRef.kind: Invalid value: "a/b": may not contain \'/\'', 'spec.controllerRef.name: Required value'],
  ],
  ['a group', group, []],
  ['of nobody', having(group, { 'spec.schedulingPolicy': { gang: {} } }), ['spec.schedulingPolicy.gang.minCount: Required value']],
  [
    'of a template of nothing',
    having(group, { 'spec.podGroupTemplateRef': {} }),
    ['spec.podGroupTemplateRef: Invalid value: "": must specify one of: `workload`'],
  ],
];

test('workloads and groups of pods are refused as Kubernetes refuses them', () => checkTable(table));

test('what a workload is made of stays, and is not looked at twice', () => {
  assert.deepEqual(updateRefusals(workload, having(workload, { 'spec.podGroupTemplates': [] })), [
    'spec.podGroupTemplates: Invalid value: null: field is immutable',
  ]);
});

test('what is not served falls of an update, too, and changes nothing', () => {
  const drop = unservedFieldsOf('workloads.scheduling.k8s.io');
  const stored = prepared(workload).object;
  const asked = prepared(having(workload, { 'spec.podGroupTemplates': [{ ...template, schedulingConstraints: { topology: [] } }] })).object;
  const templateOf = (object: object): Record<string, unknown> =>
    (object as { spec: { podGroupTemplates: Record<string, unknown>[] } }).spec.podGroupTemplates[0] as Record<string, unknown>;
  templateOf(asked)['schedulingConstraints'] = { topology: [{ key: 'zone' }] };
  drop?.(asked, stored);
  assert.equal(templateOf(asked)['schedulingConstraints'], undefined);
});

test('what Kubernetes does not serve falls, and an object keeps what it has of it', () => {
  const asked = having(workload, { 'spec.podGroupTemplates': [{ ...template, priority: 5, disruptionMode: 'Pod' }] });
  const spec = prepared(asked).object['spec'] as { podGroupTemplates: object[] };
  assert.deepEqual(spec.podGroupTemplates, [{ ...template, schedulingConstraints: null }]);
});
