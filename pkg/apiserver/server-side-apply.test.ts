import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TestAnswer, testServer } from './testing/test-server.ts';

const applyPatch = 'application/apply-patch+yaml';
const mergePatch = 'application/merge-patch+json';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const v1 = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers';
const v2 = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';

async function server() {
  const api = await testServer();
  await api.withDefaults();
  const patch = (url: string, type: string, body: object): Promise<TestAnswer> =>
    api.request('PATCH', url, { body, headers: { 'content-type': type, 'user-agent': 'client/1' } });
  const apply = (url: string, manager: string, body: object, force = false): Promise<TestAnswer> =>
    patch(`${url}?fieldManager=${manager}${force ? '&force=true' : ''}`, applyPatch, body);
  return { ...api, patch, apply };
}

/** Who owns what: `manager Operation version subresource` to its fields, without those of the selector and the template. */
function ownersOf({ json }: TestAnswer): Record<string, string[]> {
  const owners: Record<string, string[]> = {};
  for (const { manager, operation, apiVersion, subresource, fieldsV1 } of json.metadata.managedFields ?? []) {
    const spec = Object.keys(fieldsV1['f:spec'] ?? {});
    const rest = Object.keys(fieldsV1).filter((field) => field !== 'f:spec');
    const shown = [...rest, ...spec].map((field) => field.slice(2)).filter((field) => field !== 'selector' && field !== 'template');
    owners[[manager, operation, apiVersion, subresource].filter(Boolean).join(' ')] = shown;
  }
  return owners;
}

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd' },
  spec: {
    replicas: 1,
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  },
};
const scale = (replicas: number) => ({ apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'd' }, spec: { replicas } });

test('a Scale that is applied owns the replicas of its object, and nothing of what others own there', async () => {
  const { request, apply, patch } = await server();
  const now = () => request('GET', `${deployments}/d`);
  assert.equal((await apply(`${deployments}/d`, 'author', deployment)).status, 201);
  const refused = await apply(`${deployments}/d/scale`, 'hpa', scale(5));
  assert.equal(refused.status, 409);
  assert.equal(refused.json.message, 'Apply failed with 1 conflict: conflict with "author": .spec.replicas');
  assert.deepEqual(refused.json.details.causes, [
    { reason: 'FieldManagerConflict', message: 'conflict with "author"', field: '.spec.replicas' },
  ]);
  const forced = await apply(`${deployments}/d/scale`, 'hpa', scale(5), true);
  assert.deepEqual(
    [forced.status, forced.json.kind, forced.json.spec, forced.json.metadata.managedFields],
    [200, 'Scale', { replicas: 5 }, undefined],
  );
  assert.deepEqual(ownersOf(await now()), { 'hpa Apply apps/v1 scale': ['replicas'], 'author Apply apps/v1': [] });
  assert.equal((await apply(`${deployments}/d/scale`, 'hpa', scale(6))).status, 200);
  const back = await apply(`${deployments}/d`, 'author', deployment);
  assert.equal(back.json.message, 'Apply failed with 1 conflict: conflict with "hpa" with subresource "scale": .spec.replicas');
  // Who agrees shares; who leaves it out lets go.
  assert.equal((await apply(`${deployments}/d`, 'author', { ...deployment, spec: { ...deployment.spec, replicas: 6 } })).status, 200);
  assert.deepEqual(ownersOf(await now()), { 'hpa Apply apps/v1 scale': ['replicas'], 'author Apply apps/v1': ['replicas'] });
  assert.equal((await patch(`${deployments}/d/scale`, mergePatch, { spec: { replicas: 9 } })).status, 200);
  const last = await now();
  assert.equal(last.json.spec.replicas, 9);
  assert.deepEqual(ownersOf(last), { 'author Apply apps/v1': [], 'client Update apps/v1 scale': ['replicas'] });
});

test('a status that is applied is owned through its subresource, and leaves the rest to its owners', async () => {
  const { request, apply } = await server();
  await apply(`${deployments}/d`, 'author', deployment);
  const status = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { replicas: 7 }, status: { replicas: 3 } };
  assert.equal((await apply(`${deployments}/d/status`, 'author', status)).status, 200);
  const now = await request('GET', `${deployments}/d`);
  assert.deepEqual([now.json.spec.replicas, now.json.status, now.json.metadata.generation], [1, { replicas: 3 }, 1]);
  assert.deepEqual(ownersOf(now), { 'author Apply apps/v1': ['replicas'], 'author Apply apps/v1 status': ['status'] });
});

const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
const inV1 = (targetCPUUtilizationPercentage?: number) => ({
  apiVersion: 'autoscaling/v1',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'h' },
  spec: { scaleTargetRef: target, maxReplicas: 5, ...(targetCPUUtilizationPercentage ? { targetCPUUtilizationPercentage } : {}) },
});
const inV2 = (averageUtilization?: number) => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'h' },
  spec: {
    scaleTargetRef: target,
    maxReplicas: 5,
    ...(averageUtilization
      ? { metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } }] }
      : {}),
  },
});

test('managers of different versions share, take over and let go of one field, each under the name it has there', async () => {
  const { request, apply, patch } = await server();
  assert.equal((await apply(`${v1}/h`, 'old', inV1(70))).status, 201);
  const shared = await apply(`${v2}/h`, 'new', inV2(70));
  assert.equal(shared.status, 200);
  assert.deepEqual(ownersOf(shared), {
    'old Apply autoscaling/v1': ['maxReplicas', 'scaleTargetRef', 'targetCPUUtilizationPercentage'],
    'new Apply autoscaling/v2': ['maxReplicas', 'metrics', 'scaleTargetRef'],
  });
  const refused = await apply(`${v2}/h`, 'new', inV2(90));
  assert.equal(refused.json.message, 'Apply failed with 1 conflict: conflict with "old": .spec.targetCPUUtilizationPercentage');
  const forced = await apply(`${v2}/h`, 'new', inV2(90), true);
  assert.deepEqual(ownersOf(forced)['old Apply autoscaling/v1'], ['maxReplicas', 'scaleTargetRef']);
  assert.equal((await request('GET', `${v1}/h`)).json.spec.targetCPUUtilizationPercentage, 90);
  // An update through the other version takes the field from who applied it in this one.
  const updated = await patch(`${v1}/h`, mergePatch, { spec: { targetCPUUtilizationPercentage: 50 } });
  assert.deepEqual(ownersOf(updated), {
    'old Apply autoscaling/v1': ['maxReplicas', 'scaleTargetRef'],
    'new Apply autoscaling/v2': ['maxReplicas', 'scaleTargetRef'],
    'client Update autoscaling/v1': ['targetCPUUtilizationPercentage'],
  });
});

test('what was applied in one version goes when the same manager leaves it out in another', async () => {
  const { request, apply } = await server();
  await apply(`${v1}/h`, 'me', inV1(70));
  const moved = await apply(`${v2}/h`, 'me', inV2());
  assert.equal(moved.status, 200, moved.text);
  assert.deepEqual(ownersOf(moved), { 'me Apply autoscaling/v2': ['maxReplicas', 'scaleTargetRef'] });
  assert.notEqual((await request('GET', `${v1}/h`)).json.spec.targetCPUUtilizationPercentage, 70);
  // But not what somebody else owns, in whichever version.
  await apply(`${v1}/h`, 'other', inV1(60));
  await apply(`${v2}/h`, 'me', inV2(60));
  const left = await apply(`${v1}/h`, 'me', inV1());
  assert.equal(left.json.spec.targetCPUUtilizationPercentage, 60);
});

test('an event is owned in the version in which it was written', async () => {
  const { request, patch } = await server();
  const body = {
    metadata: { name: 'e' },
    eventTime: '2026-01-01T00:00:00.000000Z',
    reportingController: 'a/b',
    reportingInstance: 'i',
    action: 'Test',
    reason: 'Testing',
    type: 'Normal',
    regarding: { kind: 'Pod', name: 'p', namespace: 'default' },
    note: 'one',
  };
  const made = await request('POST', '/apis/events.k8s.io/v1/namespaces/default/events', { body, headers: { 'user-agent': 'recorder' } });
  assert.ok(ownersOf(made)['recorder Update events.k8s.io/v1']?.includes('note'));
  const changed = await patch('/api/v1/namespaces/default/events/e', mergePatch, { message: 'two' });
  assert.deepEqual(ownersOf(changed)['client Update v1'], ['message']);
  assert.ok(!ownersOf(changed)['recorder Update events.k8s.io/v1']?.includes('note'));
  assert.equal((await request('GET', '/apis/events.k8s.io/v1/namespaces/default/events/e')).json.note, 'two');
});

test('managers are taken away by an empty list or an empty entry; what cannot be read leaves them as they were, without a revision', async () => {
  const { apply, patch } = await server();
  for (const reset of [[], [{}]]) {
    await apply(`${deployments}/d`, 'author', deployment, true);
    const taken = await patch(`${deployments}/d`, mergePatch, { metadata: { managedFields: reset } });
    assert.deepEqual([taken.status, taken.json.metadata.managedFields], [200, undefined]);
  }
  const owned = await apply(`${deployments}/d`, 'author', deployment, true);
  const nonsense = await patch(`${deployments}/d`, mergePatch, { metadata: { managedFields: [{ manager: 'x', operation: 'Own' }] } });
  assert.deepEqual(nonsense.json, owned.json);
});

test('an apply that says the same again changes nothing, not even times', async () => {
  const { apply, clock } = await server();
  const first = await apply(`${deployments}/d`, 'author', deployment);
  await clock.advance(10_000);
  assert.deepEqual((await apply(`${deployments}/d`, 'author', deployment)).json, first.json);
  await apply(`${deployments}/d/scale`, 'hpa', scale(3), true);
  const scaled = await apply(`${deployments}/d/scale`, 'hpa', scale(3));
  await clock.advance(10_000);
  assert.deepEqual((await apply(`${deployments}/d/scale`, 'hpa', scale(3))).json, scaled.json);
});
