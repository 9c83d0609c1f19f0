import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Case, checkTable, type Draft, having, refusals, updateRefusals } from '../testing/validation-table.ts';

const autoscaler: Draft = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 3 },
};
const scaledBy = (...metrics: readonly object[]): Draft => having(autoscaler, { 'spec.metrics': metrics });
const utilization = { type: 'Utilization', averageUtilization: 50 };
const budget: Draft = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', spec: { minAvailable: 1 } };

const table: readonly Case[] = [
  ['an autoscaler', autoscaler, []],
  ['one of the older version', having(autoscaler, { apiVersion: 'autoscaling/v1' }), []],
  [
    'by CPU of all and of one container',
    scaledBy(
      { type: 'Resource', resource: { name: 'cpu', target: utilization } },
      { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'main', target: utilization } },
    ),
    [],
  ],
  [
    'by what an object says',
    scaledBy({
      type: 'Object',
      object: { describedObject: { kind: 'Ingress', name: 'web' }, metric: { name: 'hits' }, target: { type: 'Value', value: '10k' } },
    }),
    [],
  ],
  [
    'none at all',
    having(autoscaler, { 'spec.maxReplicas': 0, 'spec.minReplicas': 0 }),
    [
      'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
      'spec.maxReplicas: Required value: must be set and greater than 0',
      'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas',
    ],
  ],
  [
    'more at least than at most',
    having(autoscaler, { 'spec.minReplicas': 4 }),
    ['spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`'],
  ],
  [
    'of nothing',
    having(autoscaler, { 'spec.scaleTargetRef': { apiVersion: 'apps/v1', kind: 'a/b', name: '' } }),
    ['spec.scaleTargetRef.kind: Invalid value: "a/b": may not contain \'/\'', 'spec.scaleTargetRef.name: Required value'],
  ],
  [
    'by a metric of no type',
    scaledBy({ type: '' }),
    [
      'spec.metrics[0].type: Required value: must specify a metric source type',
      'spec.metrics[0].type: Unsupported value: "": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
      'spec.metrics[0].type: Unsupported value: "": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
    ],
  ],
  [
    'by a metric that is not there',
    scaledBy({ type: 'Pods' }),
    ['spec.metrics[0].pods: Required value: must populate information for the given metric source'],
  ],
  [
    'by two metrics in one',
    scaledBy({
      type: 'Resource',
      resource: { name: 'cpu', target: utilization },
      pods: { metric: { name: 'hits' }, target: { type: 'AverageValue', averageValue: '1' } },
    }),
    ['spec.metrics[0].pods: Forbidden: must populate the given metric source only'],
  ],
  [
    'without an aim',
    scaledBy({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization' } } }),
    ['spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization'],
  ],
  [
    'with two aims',
    scaledBy({ type: 'Resource', resource: { name: 'cpu', target: { ...utilization, averageValue: '1' } } }),
    ['spec.metrics[0].resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization'],
  ],
  [
    'an aim below zero',
    scaledBy({ type: 'Pods', pods: { metric: { name: 'hits' }, target: { type: 'AverageValue', averageValue: '-1' } } }),
    ['spec.metrics[0].pods.target.averageValue: Invalid value: "-1": must be positive'],
  ],
  [
    'of a container by nothing known',
    scaledBy({ type: 'ContainerResource', containerResource: { name: 'speed', container: 'main', target: utilization } }),
    [
      'spec.metrics[0].containerResource.name: Invalid value: "speed": must be a standard resource type or fully qualified',
      'spec.metrics[0].containerResource.name: Invalid value: "speed": must be a standard resource for containers',
    ],
  ],
  [
    'too slowly',
    having(autoscaler, {
      'spec.behavior': {
        scaleDown: { stabilizationWindowSeconds: 3601, selectPolicy: 'Some', policies: [{ type: 'All', value: 0, periodSeconds: 1801 }] },
      },
    }),
    [
      'spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600',
      'spec.behavior.scaleDown.selectPolicy: Unsupported value: "Some": supported values: "Disabled", "Max", "Min"',
      'spec.behavior.scaleDown.policies[0].type: Unsupported value: "All": supported values: "Percent", "Pods"',
      'spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero',
      'spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800',
    ],
  ],
  ['a budget', budget, []],
  ['a budget of shares', having(budget, { 'spec.minAvailable': '50%', 'spec.unhealthyPodEvictionPolicy': 'AlwaysAllow' }), []],
  [
    'a share of more than all',
    having(budget, { 'spec.minAvailable': '101%' }),
    ['spec.minAvailable: Invalid value: "101%": must not be greater than 100%'],
  ],
  [
    'a policy that is none',
    having(budget, { 'spec.unhealthyPodEvictionPolicy': 'Maybe' }),
    ['spec.unhealthyPodEvictionPolicy: Unsupported value: "Maybe": supported values: "AlwaysAllow", "IfHealthyBudget"'],
  ],
];

test('autoscalers and budgets are refused as Kubernetes refuses them', () => checkTable(table));

test('of an autoscaler’s and a budget’s status nothing is below zero', () => {
  assert.deepEqual(updateRefusals(autoscaler, having(autoscaler, { status: { desiredReplicas: -1, currentMetrics: null } }), 'status'), [
    'status.desiredReplicas: Invalid value: -1: must be greater than or equal to 0',
  ]);
  const status = { disruptionsAllowed: -1, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  assert.deepEqual(updateRefusals(budget, having(budget, { status }), 'status'), [
    'status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0',
  ]);
});

test('what an autoscaler scales is of a group, unless it is of the oldest kind or was there before', () => {
  const to = (reference: object): Draft => having(autoscaler, { 'spec.scaleTargetRef': reference });
  const groupless = { apiVersion: 'v1', kind: 'Deployment', name: 'd' };
  assert.deepEqual(refusals(to(groupless)), ['spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group']);
  assert.deepEqual(refusals(to({ ...groupless, apiVersion: 'a/b/c' })), [
    'spec.scaleTargetRef.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
  ]);
  assert.deepEqual(refusals(to({ kind: 'ReplicationController', name: 'r' })), []);
  assert.deepEqual(updateRefusals(to(groupless), to({ ...groupless, name: 'e' })), []);
});

test('the conditions of a budget are whole, and a way to evict is one of those there are', () => {
  assert.deepEqual(refusals(having(budget, { 'spec.unhealthyPodEvictionPolicy': '' })), [
    'spec.unhealthyPodEvictionPolicy: Unsupported value: "": supported values: "AlwaysAllow", "IfHealthyBudget"',
  ]);
  const status = {
    conditions: [{ type: 'A', status: 'Maybe', reason: 'R', lastTransitionTime: '2026-01-01T00:00:00Z' }],
    currentHealthy: -1,
  };
  assert.deepEqual(updateRefusals(budget, having(budget, { status }), 'status'), [
    'status.conditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
    'status.currentHealthy: Invalid value: -1: must be greater than or equal to 0',
  ]);
});
