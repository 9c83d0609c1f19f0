import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../api/generated/core-v1.ts';
import type { Endpoint, EndpointSlice } from '../api/generated/discovery-v1.ts';
import { computeServicePorts } from './service-ports.ts';

const meta = { uid: '1', resourceVersion: '1', creationTimestamp: '' };

function service(spec: Partial<Service['spec']>): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...meta, name: 'web', namespace: 'default' },
    spec: { type: 'ClusterIP', clusterIP: '10.96.0.9', ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }], ...spec },
    status: {},
  } as Service;
}

function slice(...endpoints: Endpoint[]): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...meta, name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  };
}

const endpoint = (address: string, conditions: Endpoint['conditions'], nodeName = 'node-1'): Endpoint => ({
  addresses: [address],
  conditions,
  nodeName,
});
const ready = { ready: true, serving: true, terminating: false };
const terminating = { ready: false, serving: true, terminating: true };
const broken = { ready: false, serving: false, terminating: false };

test('only ready endpoints get traffic', () => {
  const [port] = computeServicePorts([service({})], [slice(endpoint('10.1.0.2', broken), endpoint('10.1.0.1', ready))], undefined);
  assert.deepEqual(port?.endpoints, [{ address: '10.1.0.1', port: 8080 }]);
});

test('endpoints that still serve while they terminate are the last resort', () => {
  const [port] = computeServicePorts([service({})], [slice(endpoint('10.1.0.2', broken), endpoint('10.1.0.1', terminating))], undefined);
  assert.deepEqual(port?.endpoints, [{ address: '10.1.0.1', port: 8080 }]);
});

test('headless and ExternalName services have no ports to serve', () => {
  assert.deepEqual(
    computeServicePorts([service({ clusterIP: 'None' }), service({ type: 'ExternalName', externalName: 'a.b' })], [], undefined),
    [],
  );
});

test('externalTrafficPolicy Local leaves node ports to the endpoints of this node', () => {
  const slices = [slice(endpoint('10.1.0.1', ready, 'node-1'), endpoint('10.1.0.2', ready, 'node-2'))];
  const local = service({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30001 }] });
  const [port] = computeServicePorts([local], slices, 'node-2');
  assert.deepEqual(port?.nodePortEndpoints, [{ address: '10.1.0.2', port: 8080 }]);
  assert.equal(port?.endpoints.length, 2);
});

test('a service without endpoints is kept, so that its connections are refused', () => {
  assert.deepEqual(computeServicePorts([service({})], [], undefined)[0]?.endpoints, []);
});

test('the order of services and slices does not matter', () => {
  const services = [service({}), { ...service({}), metadata: { ...meta, name: 'api', namespace: 'default' } }];
  const slices = [slice(endpoint('10.1.0.1', ready)), slice(endpoint('10.1.0.2', ready))];
  assert.deepEqual(
    computeServicePorts(services, slices, undefined),
    computeServicePorts(services.toReversed(), slices.toReversed(), undefined),
  );
});
