import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../../api/object.ts';
import type { Raw } from '../raw.ts';
import { changed, object, storageOf } from '../testing/objects.ts';
import { testRegistry } from '../testing/test-registry.ts';

const specOf = (found: KubeObject): Raw => (found as unknown as { spec: Raw }).spec;
const statusOf = (found: KubeObject): Raw => (found as unknown as { status: Raw }).status;
const key = (name: string, namespace = 'default') => ({ namespace, name });

test('a service keeps its addresses when it is replaced without them, and loses them when it becomes a name', async () => {
  const { registry, context } = await testRegistry();
  const services = storageOf(registry, 'services');
  const ports = [{ port: 80 }];
  const { object: made } = await services.create(
    context(),
    'default',
    object('v1', 'Service', 'web', { spec: { type: 'NodePort', ports } }),
  );
  const { clusterIP, ports: given } = specOf(made);
  const { entry: again } = await services.update(context(), key('web'), changed({ spec: { type: 'NodePort', ports } }));
  assert.equal(specOf(again.object)['clusterIP'], clusterIP);
  assert.deepEqual(specOf(again.object)['ports'], given);
  const { entry: named } = await services.update(
    context(),
    key('web'),
    changed({ spec: { type: 'ExternalName', externalName: 'a.example' } }),
  );
  assert.equal(specOf(named.object)['clusterIP'], undefined);
  assert.equal(specOf(named.object)['ipFamilies'], undefined);
  await registry.close();
});

test('a service of two families is refused for all that does not go together', async () => {
  const { registry, context } = await testRegistry();
  const services = storageOf(registry, 'services');
  const create = (spec: object) =>
    services.create(context(), 'default', object('v1', 'Service', 'web', { spec: { ports: [{ port: 80 }], ...spec } }));
  await assert.rejects(
    create({ clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.8'] }),
    /spec\.clusterIPs\[0\]: Invalid value: \["10\.96\.0\.8"\]: first value must match `clusterIP`|first value must match `clusterIP`/,
  );
  await assert.rejects(create({ ipFamilies: ['IPv4', 'IPv4'] }), /spec\.ipFamilies\[1\]: Duplicate value: "IPv4"/);
  await assert.rejects(create({ ipFamilyPolicy: 'Sometimes' }), /spec\.ipFamilyPolicy: (Invalid|Unsupported) value: "Sometimes"/);
  await registry.close();
});

test('a volume tells when its phase changed', async () => {
  const { registry, context } = await testRegistry();
  const volumes = storageOf(registry, 'persistentvolumes');
  const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' } };
  const made = await volumes.create(context(), '', object('v1', 'PersistentVolume', 'v', { spec }));
  assert.deepEqual(statusOf(made.object), { phase: 'Pending', lastPhaseTransitionTime: '2026-01-01T00:00:00Z' });
  await registry.close();
});

test('a claim on what cannot be claimed from is taken without it, when it was said in the old way', async () => {
  const { registry, context } = await testRegistry();
  const claims = storageOf(registry, 'persistentvolumeclaims');
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, dataSource: { kind: 'Pod', name: 'p' } };
  const made = await claims.create(context(), 'default', object('v1', 'PersistentVolumeClaim', 'c', { spec }));
  assert.equal(specOf(made.object)['dataSource'], undefined);
  assert.equal(specOf(made.object)['dataSourceRef'], undefined);
  await registry.close();
});

test('an account remembers of its secrets only their names', async () => {
  const { registry, context } = await testRegistry();
  const accounts = storageOf(registry, 'serviceaccounts');
  const secrets = [{ name: 's', namespace: 'other', kind: 'Secret', fieldPath: 'a' }];
  const made = await accounts.create(context(), 'default', object('v1', 'ServiceAccount', 'a', { secrets }));
  assert.deepEqual((made.object as unknown as { secrets: unknown }).secrets, [{ name: 's' }]);
  await registry.close();
});

test('the name of an object does not change, and one that is being replaced keeps to what it is', async () => {
  const { registry, context } = await testRegistry();
  const nodes = storageOf(registry, 'nodes');
  await nodes.create(context(), '', object('v1', 'Node', 'n', { spec: { providerID: 'a://1' } }));
  await assert.rejects(
    nodes.update(context(), key('n', ''), changed({ spec: { providerID: 'b://1' } })),
    /spec\.providerID: Forbidden: node updates may not change providerID except from "" to valid/,
  );
  await registry.close();
});

test('a claim from another is the same when it is written again as it was read', async () => {
  const { registry, context } = await testRegistry();
  const claims = storageOf(registry, 'persistentvolumeclaims');
  const dataSource = { kind: 'PersistentVolumeClaim', name: 'other' };
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, dataSource };
  const made = await claims.create(context(), 'default', object('v1', 'PersistentVolumeClaim', 'c', { spec }));
  assert.deepEqual(specOf(made.object)['dataSource'], { ...dataSource, apiGroup: null });
  const { entry } = await claims.update(context(), key('c'), changed({}));
  assert.deepEqual(specOf(entry.object), specOf(made.object));
  await registry.close();
});
