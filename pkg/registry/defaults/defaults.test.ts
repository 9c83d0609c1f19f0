import assert from 'node:assert/strict';
import { test } from 'node:test';
import { objectAt, objects, type Raw } from '../raw.ts';
import { type Draft, prepared } from '../testing/validation-table.ts';

const main = { name: 'main', image: 'i' };
const pod = (spec: object): Draft => ({ apiVersion: 'v1', kind: 'Pod', spec: { containers: [main], ...spec } });
const specOf = (draft: Draft): Raw => objectAt(prepared(draft).object['spec']);
const first = (spec: Raw): Raw => objects(spec['containers'])[0] as Raw;

test('in the machine’s own network a pod’s port is the machine’s, and a template leaves that to its pods', () => {
  const spec = { hostNetwork: true, containers: [{ ...main, ports: [{ containerPort: 80 }] }] };
  assert.equal(objects(first(specOf(pod(spec)))['ports'])[0]?.['hostPort'], 80);
  const template = { metadata: { labels: { a: 'b' } }, spec };
  const workload = specOf({ apiVersion: 'apps/v1', kind: 'Deployment', spec: { selector: { matchLabels: { a: 'b' } }, template } });
  const inner = objectAt(objectAt(workload['template'])['spec']);
  assert.equal(objects(first(inner)['ports'])[0]?.['hostPort'], undefined);
});

test('amounts finer than a thousandth are rounded up, in templates too', () => {
  const containers = [{ ...main, resources: { limits: { cpu: '100u', memory: '1Ki' } } }];
  assert.deepEqual(first(specOf(pod({ containers })))['resources'], {
    limits: { cpu: '1m', memory: '1Ki' },
    requests: { cpu: '1m', memory: '1Ki' },
  });
});

test('a pod with limits asks for what its containers ask for together, or for all it may use', () => {
  const asking = { ...main, resources: { requests: { cpu: '200m' } } };
  const spec = specOf(pod({ containers: [asking, { ...asking, name: 'b' }], resources: { limits: { cpu: '1', memory: '1Gi' } } }));
  assert.deepEqual(objectAt(spec['resources'])['requests'], { cpu: '400m', memory: '1Gi' });
});

test('how a StatefulSet rolls out is filled in where nothing is said of it, or where it is there to be filled in', () => {
  const strategy = (given: object): unknown =>
    specOf({ apiVersion: 'apps/v1', kind: 'StatefulSet', spec: { selector: {}, template: {}, ...given } })['updateStrategy'];
  assert.deepEqual(strategy({}), { type: 'RollingUpdate', rollingUpdate: { partition: 0 } });
  assert.deepEqual(strategy({ updateStrategy: { type: 'RollingUpdate' } }), { type: 'RollingUpdate' });
  assert.deepEqual(strategy({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: {} } }), {
    type: 'RollingUpdate',
    rollingUpdate: { partition: 0 },
  });
  assert.deepEqual(strategy({ updateStrategy: { type: 'OnDelete' } }), { type: 'OnDelete' });
});
