import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFieldSelector } from '../../api/selectors.ts';
import { equalValues } from '../../runtime/values.ts';
import type { Raw } from '../raw.ts';
import { object, storageOf } from '../testing/objects.ts';
import { testRegistry } from '../testing/test-registry.ts';
import { conversionOf } from './conversions.ts';

const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } };
const pods = { type: 'Pods', pods: { metric: { name: 'rate' }, target: { type: 'AverageValue', averageValue: '1k' } } };

/** Stored objects, by the version that sees them otherwise. */
const stored: readonly (readonly [served: string, object: Raw])[] = [
  [
    'events.k8s.io/v1/events',
    {
      metadata: { name: 'e' },
      involvedObject: { kind: 'Pod' },
      message: 'm',
      source: { component: 'c' },
      count: 2,
      reportingComponent: 'r',
    },
  ],
  [
    'autoscaling/v1/horizontalpodautoscalers',
    {
      metadata: { name: 'h', annotations: { own: 'x' } },
      spec: { maxReplicas: 3, metrics: [cpu, pods], behavior: { scaleDown: { stabilizationWindowSeconds: 5 } } },
      status: { currentReplicas: 1, desiredReplicas: 2, conditions: [{ type: 'AbleToScale', status: 'True' }] },
    },
  ],
  [
    'resource.k8s.io/v1beta1/resourceclaims',
    {
      metadata: { name: 'c' },
      spec: {
        devices: {
          requests: [
            { name: 'a', exactly: { deviceClassName: 'gpu', count: 2 } },
            { name: 'b', firstAvailable: [{ name: 's' }] },
          ],
        },
      },
    },
  ],
  [
    'resource.k8s.io/v1beta1/resourceslices',
    { metadata: { name: 's' }, spec: { driver: 'd', devices: [{ name: 'g', attributes: { a: { int: 1 } } }] } },
  ],
];

test('a conversion outward and back loses nothing', () => {
  for (const [served, before] of stored) {
    const [group, version, resource] = served.split('/') as [string, string, string];
    const { outward, inward } = conversionOf({ group, version, resource });
    assert.ok(!equalValues(outward(before), before), served);
    assert.deepEqual(inward(outward(before)), before, served);
  }
});

test('one object is seen in each version, by reads and watches, at one revision', async () => {
  const { registry, context } = await testRegistry();
  const v1 = storageOf(registry, 'horizontalpodautoscalers', 'autoscaling', 'v1');
  const v2 = storageOf(registry, 'horizontalpodautoscalers', 'autoscaling', 'v2');
  const spec = {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    maxReplicas: 3,
    targetCPUUtilizationPercentage: 70,
  };
  const abort = new AbortController();
  const watch = v1.watch(context(), { namespace: '', bookmarks: false, signal: abort.signal })[Symbol.asyncIterator]();
  const first = watch.next();
  const created = await v1.create(context(), 'default', object('autoscaling/v1', 'HorizontalPodAutoscaler', 'h', { spec }));
  assert.equal(created.object.apiVersion, 'autoscaling/v1');
  const key = { namespace: 'default', name: 'h' };
  const newer = await v2.get(context(), key);
  assert.equal(newer.revision, created.revision);
  assert.deepEqual((newer.object as unknown as { spec: { metrics: unknown } }).spec.metrics, [cpu]);
  const told = (await first).value?.[0];
  assert.ok(told && told.type === 'ADDED' && told.entry.object.apiVersion === 'autoscaling/v1');
  assert.deepEqual(JSON.parse(new TextDecoder().decode(told.entry.json())), told.entry.object);
  const raised = await v1.update(
    context(),
    key,
    (now) => ({ ...now, spec: { ...(now as unknown as { spec: object }).spec, maxReplicas: 9 } }) as never,
  );
  assert.equal(
    (raised.entry.object as unknown as { spec: { targetCPUUtilizationPercentage: number } }).spec.targetCPUUtilizationPercentage,
    70,
  );
  abort.abort();
  await registry.close();
});

test('a field selector speaks the served version: an event is found by its own names in each group, and by no others', async () => {
  const { registry, context } = await testRegistry();
  const core = storageOf(registry, 'events');
  const served = storageOf(registry, 'events', 'events.k8s.io');
  const event = object('v1', 'Event', 'e', {
    involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
    reportingComponent: 'kubelet',
    reason: 'Started',
  });
  await core.create(context(), 'default', event);
  const found = async (storage: typeof core, selector: string): Promise<number> =>
    (await storage.list(context(), { namespace: '', fields: parseFieldSelector(selector) })).entries.length;
  assert.equal(await found(core, 'involvedObject.name=p,reportingComponent=kubelet'), 1);
  assert.equal(await found(served, 'regarding.name=p,reportingController=kubelet,reason=Started,metadata.name=e'), 1);
  assert.equal(await found(served, 'regarding.name=q'), 0);
  await assert.rejects(found(served, 'involvedObject.name=p'), /field label not supported: involvedObject.name/);
  await assert.rejects(found(core, 'reportingController=kubelet'), /field label not supported: reportingController/);
  const left = await served.deleteCollection(context(), { namespace: '', fields: parseFieldSelector('regarding.kind=Pod') }, {});
  assert.equal(left.length, 1);
  await registry.close();
});
