import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../../api/object.ts';
import type { RequestContext } from '../contract.ts';
import { testRegistry } from '../testing/test-registry.ts';

const serviceAccount = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
const pod = (name: string): KubeObject =>
  ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }] } }) as unknown as KubeObject;

interface Api {
  create(resource: string, object: unknown, changes?: Partial<RequestContext>): Promise<KubeObject>;
  update(resource: string, name: string, change: (object: KubeObject) => unknown, subresource?: string): Promise<KubeObject>;
}

async function api(): Promise<Api> {
  const { registry, context } = await testRegistry();
  const storage = (name: string) => {
    const [resource = '', group = ''] = name.split('.');
    const found = registry.storage(group, 'v1', resource);
    assert.ok(found, name);
    return found;
  };
  const create: Api['create'] = async (resource, object, changes) =>
    (await storage(resource).create(context(changes), 'default', object as KubeObject)).object;
  await create('serviceaccounts', serviceAccount);
  return {
    create,
    update: async (resource, name, change, subresource = '') => {
      const key = { namespace: 'default', name };
      const given = (current: KubeObject | undefined): KubeObject => change(current as KubeObject) as KubeObject;
      return (await storage(resource).update(context({ fieldManager: 'other' }), key, given, { subresource })).entry.object;
    },
  };
}

function owned(object: KubeObject, manager: string): unknown {
  return object.metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1;
}

test('what the server adds to an object is nobody’s', async () => {
  const { create } = await api();
  const created = await create('pods', pod('a'));
  const spec = owned(created, 'test') as { 'f:spec': Record<string, unknown> };
  assert.deepEqual(Object.keys(spec['f:spec']), [
    'f:containers',
    'f:dnsPolicy',
    'f:enableServiceLinks',
    'f:restartPolicy',
    'f:schedulerName',
    'f:securityContext',
    'f:terminationGracePeriodSeconds',
  ]);
  assert.equal(owned(await create('namespaces', { metadata: { name: 'n' } }), 'test') !== undefined, true);
  const service = owned(await create('services', { metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } }), 'test');
  assert.equal('f:clusterIP' in (service as typeof spec)['f:spec'], false);
});

test('pods that were asked for alike share their set of fields, whatever was drawn for each', async () => {
  const { create } = await api();
  const [one, two] = [await create('pods', pod('one')), await create('pods', pod('two'))];
  assert.equal(owned(one, 'test'), owned(two, 'test'));
});

test('what the server keeps as it was does not change hands', async () => {
  const { create, update } = await api();
  const deployment = {
    metadata: { name: 'd' },
    spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: pod('x')['spec' as never] } },
  };
  const created = await create('deployments.apps', deployment);
  const status = await update(
    'deployments.apps',
    'd',
    (current) => ({ ...current, metadata: { ...current.metadata, labels: { l: 'm' } }, spec: deployment.spec, status: { replicas: 1 } }),
    'status',
  );
  assert.deepEqual(owned(status, 'other'), { 'f:status': { 'f:replicas': {} } });
  assert.equal(owned(status, 'test'), owned(created, 'test'));
});

test('a binding belongs to nobody', async () => {
  const { create, update } = await api();
  const created = await create('pods', pod('a'));
  const bound = await update('pods', 'a', () => ({ metadata: { name: 'a' }, target: { kind: 'Node', name: 'n' } }), 'binding');
  assert.equal((bound as unknown as { spec: { nodeName: string } }).spec.nodeName, 'n');
  assert.deepEqual(bound.metadata.managedFields, created.metadata.managedFields);
});

test('a DaemonSet counts the changes of its template', async () => {
  const { create, update } = await api();
  const count = ({ metadata }: KubeObject): unknown => metadata.annotations?.['deprecated.daemonset.template.generation'];
  const template = { metadata: { labels: { a: 'b' } }, spec: pod('x')['spec' as never] as object };
  const created = await create('daemonsets.apps', { metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template } });
  assert.equal(count(created), '1');
  const same = await update('daemonsets.apps', 'd', (current) => ({ ...current, metadata: { name: 'd' } }));
  assert.equal(count(same), '1');
  const labels = { a: 'b', c: 'd' };
  const changed = await update('daemonsets.apps', 'd', (current) => ({
    ...current,
    metadata: { name: 'd' },
    spec: { selector: { matchLabels: { a: 'b' } }, template: { ...template, metadata: { labels } } },
  }));
  assert.equal(count(changed), '2');
});
