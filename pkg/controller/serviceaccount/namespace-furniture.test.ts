import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configmaps, endpoints, endpointslices, namespaces, serviceaccounts, services } from '../../api/generated/resources.ts';
import { Stage, type StageOptions } from '../testing.ts';

const play = (story: (stage: Stage) => Promise<void>, options: StageOptions = {}): Promise<void> =>
  Stage.play(
    {
      controllers: ['serviceaccount', 'root-ca-cert-publisher', 'kubernetes-service'],
      rootCA: 'PEM',
      apiServerEndpoints: { addresses: ['10.0.0.1'], port: 6443 },
      ...options,
    },
    story,
  );
const caOf = (stage: Stage, namespace: string) => stage.server.find(configmaps, `${namespace}/kube-root-ca.crt`)?.data;

test('every namespace gets a default account and the cluster’s certificate, and gets them back', () =>
  play(async (stage) => {
    for (const name of ['a', 'b']) await stage.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await stage.advance(100);
    assert.deepEqual(
      stage.all(serviceaccounts).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
      ['a/default', 'b/default'],
    );
    assert.deepEqual([caOf(stage, 'a'), caOf(stage, 'b')], [{ 'ca.crt': 'PEM' }, { 'ca.crt': 'PEM' }]);
    await stage.delete(serviceaccounts, 'default', { namespace: 'a' });
    await stage.delete(configmaps, 'kube-root-ca.crt', { namespace: 'a' });
    await stage.patch(configmaps, 'kube-root-ca.crt', { data: { 'ca.crt': 'forged', more: 'x' } }, 'b');
    await stage.advance(100);
    assert.equal(stage.all(serviceaccounts).length, 2);
    assert.deepEqual([caOf(stage, 'a'), caOf(stage, 'b')], [{ 'ca.crt': 'PEM' }, { 'ca.crt': 'PEM' }]);
  }));

test('a namespace on its way out gets nothing any more', () =>
  play(async (stage) => {
    await stage.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } });
    await stage.advance(100);
    await stage.delete(namespaces, 'a');
    await stage.delete(serviceaccounts, 'default', { namespace: 'a' });
    await stage.delete(configmaps, 'kube-root-ca.crt', { namespace: 'a' });
    await stage.advance(1000);
    assert.equal(stage.all(serviceaccounts).length, 0);
    assert.equal(caOf(stage, 'a'), undefined);
  }));

test('the kubernetes service leads to the API servers, and is put right when somebody bends it', () =>
  play(async (stage) => {
    await stage.advance(100);
    assert.deepEqual(stage.get(services, 'kubernetes').spec.ports, [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }]);
    assert.deepEqual(stage.get(endpoints, 'kubernetes').subsets, [
      { addresses: [{ ip: '10.0.0.1' }], ports: [{ name: 'https', port: 6443, protocol: 'TCP' }] },
    ]);
    assert.deepEqual(stage.get(endpointslices, 'kubernetes').endpoints, [{ addresses: ['10.0.0.1'], conditions: { ready: true } }]);
    await stage.patch(endpoints, 'kubernetes', { subsets: [] });
    await stage.delete(services, 'kubernetes');
    await stage.advance(11_000);
    assert.equal(stage.get(endpoints, 'kubernetes').subsets?.length, 1);
    assert.equal(stage.get(services, 'kubernetes').spec.ports?.length, 1);
  }));
