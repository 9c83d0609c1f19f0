import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Service } from '../api/generated/core-v1.ts';
import type { Endpoint, EndpointSlice } from '../api/generated/discovery-v1.ts';
import { ClusterResolver, type DnsView } from './records.ts';

const ready = { ready: true, serving: true, terminating: false };
const services: Record<string, Partial<Service['spec']>> = {
  'default/web': { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
  'default/db': { clusterIP: 'None', ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }] },
  'default/far': { type: 'ExternalName', externalName: 'example.org' },
};
const endpoints: Endpoint[] = [
  { addresses: ['10.244.1.5'], hostname: 'db-0', conditions: ready },
  { addresses: ['10.244.2.6'], conditions: ready },
  { addresses: ['10.244.3.7'], conditions: { ...ready, ready: false } },
];
const object = (key: string): Service =>
  ({ metadata: { namespace: key.split('/')[0], name: key.split('/')[1] }, spec: services[key] }) as unknown as Service;
const view: DnsView = {
  service: (key) => (services[key] ? object(key) : undefined),
  slices: (key) =>
    key === 'default/db'
      ? [{ addressType: 'IPv4', endpoints, ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }] } as unknown as EndpointSlice]
      : [],
  hasNamespace: (name) => name === 'default',
  serviceByIP: (address) => (address === '10.96.0.9' ? object('default/web') : undefined),
  endpointsByIP: (address) =>
    endpoints.filter((e) => e.addresses.includes(address)).map((endpoint) => ({ service: 'default/db', endpoint })),
};
const resolver = new ClusterResolver(view, 'cluster.local');

function ask(name: string, type = 'A'): unknown {
  const answer = resolver.resolve({ name, type });
  return answer.kind === 'answer' ? answer.records.map((record) => record.data) : answer.kind;
}

describe('the cluster resolver', () => {
  test('answers a service by its cluster IP, whatever the case of the question', () => {
    assert.deepEqual(ask('web.default.svc.cluster.local'), ['10.96.0.9']);
    assert.deepEqual(ask('WEB.Default.svc.cluster.LOCAL.'), ['10.96.0.9']);
  });
  test('answers a headless service by its ready endpoints', () => {
    assert.deepEqual(ask('db.default.svc.cluster.local'), ['10.244.1.5', '10.244.2.6']);
    assert.deepEqual(ask('db-0.db.default.svc.cluster.local'), ['10.244.1.5']);
    assert.deepEqual(ask('10-244-2-6.db.default.svc.cluster.local'), ['10.244.2.6']);
  });
  test('names ports by SRV records, with the addresses of their targets', () => {
    assert.deepEqual(ask('_http._tcp.web.default.svc.cluster.local', 'SRV'), [
      { priority: 0, weight: 100, port: 80, target: 'web.default.svc.cluster.local' },
    ]);
    const answer = resolver.resolve({ name: '_sql._tcp.db.default.svc.cluster.local', type: 'SRV' });
    assert.ok(answer.kind === 'answer' && answer.records.length === 2 && answer.additional.length === 2);
  });
  test('knows addresses in reverse', () => {
    assert.deepEqual(ask('9.0.96.10.in-addr.arpa', 'PTR'), ['web.default.svc.cluster.local']);
    assert.deepEqual(ask('5.1.244.10.in-addr.arpa', 'PTR'), ['db-0.db.default.svc.cluster.local']);
    assert.equal(ask('1.2.3.4.in-addr.arpa', 'PTR'), 'outside');
  });
  test('tells a name that is not there from a name without such a record', () => {
    assert.equal(ask('nothing.default.svc.cluster.local'), 'nxdomain');
    assert.equal(ask('web.elsewhere.svc.cluster.local'), 'nxdomain');
    assert.equal(ask('web.default.svc.cluster.local', 'AAAA'), 'nodata');
    assert.equal(ask('default.svc.cluster.local'), 'nodata');
  });
  test('follows the specification for pods, external names and its version', () => {
    assert.deepEqual(ask('10-244-9-9.default.pod.cluster.local'), ['10.244.9.9']);
    assert.equal(ask('nonsense.default.pod.cluster.local'), 'nxdomain');
    assert.deepEqual(ask('far.default.svc.cluster.local'), ['example.org']);
    assert.deepEqual(ask('dns-version.cluster.local', 'TXT'), ['1.1.0']);
  });
  test('leaves the rest of the world to others', () => {
    assert.equal(ask('example.org'), 'outside');
    assert.equal(ask('notcluster.local'), 'outside');
  });
});
