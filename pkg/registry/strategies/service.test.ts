import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInvalid } from '../../api/errors.ts';
import type { Service } from '../../api/generated/core-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { MemoryStore } from '../../storage/memory-store.ts';
import type { ResourceStorage } from '../contract.ts';
import { type TestRegistry, testRegistry } from '../testing/test-registry.ts';

const service = (name: string, spec: object): KubeObject =>
  ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: { app: name }, ...spec } }) as unknown as KubeObject;
const ports = [{ port: 80 }];

async function services(options: Parameters<typeof testRegistry>[0] = {}): Promise<TestRegistry & { storage: ResourceStorage }> {
  const made = await testRegistry(options);
  const storage = made.registry.storage('', 'v1', 'services');
  assert.ok(storage);
  return { ...made, storage };
}

test('a service gets an address and node ports in its own create, and gives them back when it is deleted', async () => {
  const { registry, storage, context, store } = await services();
  const { object } = await storage.create(context(), 'default', service('web', { type: 'NodePort', ports }));
  const { spec } = object as Service;
  assert.match(spec.clusterIP ?? '', /^10\.96\.\d+\.\d+$/);
  assert.deepEqual(spec.clusterIPs, [spec.clusterIP]);
  assert.deepEqual(spec.ipFamilies, ['IPv4']);
  assert.equal(spec.ipFamilyPolicy, 'SingleStack');
  const port = spec.ports?.[0]?.nodePort ?? 0;
  assert.ok(port >= 30_000 && port <= 32_767);
  assert.equal(spec.ports?.[0]?.targetPort, 80);
  const addresses = registry.storage('networking.k8s.io', 'v1', 'ipaddresses');
  const reserved = await addresses?.get(context(), { namespace: '', name: spec.clusterIP ?? '' });
  assert.equal(reserved?.revision, Number(object.metadata.resourceVersion), 'one revision holds both');
  await assert.rejects(storage.create(context(), 'default', service('two', { clusterIP: spec.clusterIP, ports })), isInvalid);
  await assert.rejects(
    storage.create(context(), 'default', service('two', { type: 'NodePort', ports: [{ port: 1, nodePort: port }] })),
    isInvalid,
  );
  await assert.rejects(
    storage.create(context(), 'default', service('two', { clusterIP: '10.97.0.1', ports })),
    /failed to allocate IP 10\.97\.0\.1: the provided IP \(10\.97\.0\.1\) is not in the valid range\. The range of valid IPs is 10\.96\.0\.0\/16/,
  );
  await storage.delete(context(), { namespace: 'default', name: 'web' }, {});
  assert.deepEqual((await addresses?.list(context(), { namespace: '' }))?.entries, []);
  assert.equal((await store.list({ start: '/registry/ranges/', end: '/registry/ranges0' })).count, 0);
  await registry.close();
});

test('two registries over one store never give out one address or port twice', async () => {
  const store = new MemoryStore();
  const options = { store, serviceCIDRs: ['10.0.0.0/27'], nodePortRange: { from: 30_000, to: 30_039 } };
  const one = await services({ ...options, seed: 1 });
  const two = await services({ ...options, seed: 1 });
  const creates = Array.from({ length: 30 }, (_, i) => {
    const { storage, context } = i % 2 ? one : two;
    return storage.create(context(), 'default', service(`s${i}`, { type: 'NodePort', ports }));
  });
  const made = (await Promise.all(creates)).map(({ object }) => (object as Service).spec);
  assert.equal(new Set(made.map((spec) => spec.clusterIP)).size, 30);
  assert.equal(new Set(made.map((spec) => spec.ports?.[0]?.nodePort)).size, 30);
  await assert.rejects(one.storage.create(one.context(), 'default', service('full', { ports })), /range is full/);
  await one.registry.close();
  await two.registry.close();
});

test('a change of type takes and gives back what the types need', async () => {
  const { registry, storage, context } = await services();
  const key = { namespace: 'default', name: 'web' };
  const created = (await storage.create(context(), 'default', service('web', { ports }))).object as Service;
  const to = async (spec: object): Promise<Service> =>
    (await storage.update(context(), key, () => service('web', { ports, ...spec }))).entry.object as Service;
  const node = await to({ type: 'NodePort' });
  assert.equal(node.spec.clusterIP, created.spec.clusterIP, 'an update that leaves the address out keeps it');
  assert.ok(node.spec.ports?.[0]?.nodePort);
  const again = await to({ type: 'NodePort' });
  assert.equal(again.spec.ports?.[0]?.nodePort, node.spec.ports?.[0]?.nodePort);
  const back = (
    await storage.update(context(), key, (now) => ({ ...now, spec: { ...(now as Service).spec, type: 'ClusterIP' } }) as KubeObject)
  ).entry.object as Service;
  assert.equal(back.spec.ports?.[0]?.nodePort, undefined);
  const external = (
    await storage.update(
      context(),
      key,
      (now) => ({ ...now, spec: { ...(now as Service).spec, type: 'ExternalName', externalName: 'a.b' } }) as KubeObject,
    )
  ).entry.object as Service;
  assert.equal(external.spec.clusterIP, undefined);
  assert.deepEqual((await registry.storage('networking.k8s.io', 'v1', 'ipaddresses')?.list(context(), { namespace: '' }))?.entries, []);
  await registry.close();
});

test('a headless service has no address, and a dry run takes none', async () => {
  const { registry, storage, context } = await services();
  const headless = (await storage.create(context(), 'default', service('h', { clusterIP: 'None', ports }))).object as Service;
  assert.deepEqual(headless.spec.clusterIPs, ['None']);
  await storage.create(context({ dryRun: true }), 'default', service('d', { ports }));
  assert.deepEqual((await registry.storage('networking.k8s.io', 'v1', 'ipaddresses')?.list(context(), { namespace: '' }))?.entries, []);
  await registry.close();
});
