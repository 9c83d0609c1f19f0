import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoints, Service } from '../../api/generated/core-v1.ts';
import { endpointslices, endpoints as endpointsRef, services } from '../../api/generated/resources.ts';
import { controllerOf, type Draft } from '../../api/object.ts';
import { Stage } from '../testing.ts';

const play = (story: (stage: Stage) => Promise<void>): Promise<void> =>
  Stage.play({ controllers: ['endpointslicemirroring', 'endpointslice'] }, story);
const byHand: Draft<Service> = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'db' },
  spec: { clusterIP: '10.96.0.8', ports: [{ name: 'sql', port: 5432 }] },
};
const endpoints = (subsets: Endpoints['subsets'], labels: Record<string, string> = {}): Draft<Endpoints> => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: { name: 'db', labels, annotations: { note: 'mine', 'kubectl.kubernetes.io/last-applied-configuration': '{}' } },
  ...(subsets ? { subsets } : {}),
});
const mirror = (stage: Stage): string[] =>
  stage
    .all(endpointslices)
    .map(
      ({ addressType, ports, endpoints: all = [] }) =>
        `${addressType} ${ports?.map(({ port }) => port)}: ${all.map(({ addresses, conditions: { ready } }) => `${addresses[0]}${ready ? '' : '?'}`).join(' ')}`,
    )
    .sort();
const settled = (stage: Stage, expected: readonly string[]): Promise<void> =>
  stage.eventually(expected.join('; '), () => mirror(stage).join('; ') === expected.join('; '));

test('Endpoints kept by hand are mirrored, by ports and family, while they are there', () =>
  play(async (stage) => {
    await stage.create(services, byHand);
    const ports = [{ name: 'sql', port: 5432, protocol: 'TCP' as const }];
    await stage.create(
      endpointsRef,
      endpoints([
        { addresses: [{ ip: '10.1.2.3' }, { ip: 'fd00::3' }], notReadyAddresses: [{ ip: '10.1.2.4' }], ports },
        { addresses: [{ ip: '10.1.2.5' }], ports },
        { addresses: [{ ip: '10.1.2.6' }], ports: [{ name: 'sql', port: 1, protocol: 'TCP' }] },
      ]),
    );
    await settled(stage, ['IPv4 1: 10.1.2.6', 'IPv4 5432: 10.1.2.3 10.1.2.4? 10.1.2.5', 'IPv6 5432: fd00::3']);
    const [slice] = stage.all(endpointslices);
    assert.equal(controllerOf(slice ?? assert.fail())?.kind, 'Endpoints');
    assert.deepEqual(slice?.metadata.labels, {
      'kubernetes.io/service-name': 'db',
      'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
    });
    assert.deepEqual(slice?.metadata.annotations, { note: 'mine' });
    const names = stage.all(endpointslices).map(({ metadata }) => metadata.name);
    await stage.patch(endpointsRef, 'db', { subsets: [{ addresses: [{ ip: '10.9.9.9' }], ports }] });
    await settled(stage, ['IPv4 5432: 10.9.9.9']);
    assert.ok(names.includes(stage.all(endpointslices)[0]?.metadata.name ?? ''), 'a slice is changed rather than made anew');
    await stage.delete(endpointsRef, 'db');
    await settled(stage, []);
  }));

test('what a selector finds, what asks not to be, and what belongs to no Service is not mirrored', () =>
  play(async (stage) => {
    const subsets = [{ addresses: [{ ip: '10.1.2.3' }], ports: [{ name: 'sql', port: 5432, protocol: 'TCP' as const }] }];
    await stage.create(endpointsRef, endpoints(subsets));
    await stage.advance(1000);
    assert.deepEqual(mirror(stage), [], 'no Service');
    await stage.create(services, byHand);
    await settled(stage, ['IPv4 5432: 10.1.2.3']);
    await stage.patch(endpointsRef, 'db', { metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } } });
    await settled(stage, []);
    await stage.patch(endpointsRef, 'db', { metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': null } } });
    await settled(stage, ['IPv4 5432: 10.1.2.3']);
    await stage.patch(services, 'db', { spec: { selector: { app: 'db' } } });
    await settled(stage, ['IPv4 : ']);
  }));
