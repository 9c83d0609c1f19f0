import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, Service } from '../../api/generated/core-v1.ts';
import { endpointslices, endpoints as endpointsRef, pods, services } from '../../api/generated/resources.ts';
import { controllerOf, type Draft } from '../../api/object.ts';
import { type PodBehaviour, Stage, type StageOptions } from '../testing.ts';

const labels = { app: 'web' };
const web = (spec: Partial<Draft<Service>['spec']> = {}): Draft<Service> => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', labels: { team: 'a' } },
  spec: { selector: labels, clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }], ...spec },
});
const pod = (
  name: string,
  ports: readonly { name: string; containerPort: number }[] = [],
  extra: Partial<Pod['spec']> = {},
): Draft<Pod> => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels },
  spec: { containers: [{ name: 'c', image: 'x', ports }], ...extra },
});
const play = (story: (stage: Stage) => Promise<void>, options: StageOptions = {}): Promise<void> =>
  Stage.play({ controllers: ['endpointslice', 'endpoints'], ...options }, story);
const slices = (stage: Stage) => stage.all(endpointslices);
const members = (stage: Stage): string[] =>
  slices(stage)
    .flatMap(({ endpoints = [] }) =>
      endpoints.map(
        ({ targetRef, conditions: { ready, serving, terminating } }) =>
          `${targetRef?.name} ${[ready && 'ready', serving && 'serving', terminating && 'terminating'].filter(Boolean)}`,
      ),
    )
    .sort();
const legacy = (stage: Stage) => stage.get(endpointsRef, 'web').subsets ?? [];

test('a pod is an endpoint from the moment it has an address, ready when it says so, and terminating at its end', () =>
  play(
    async (stage) => {
      await stage.create(services, web());
      await stage.advance(100);
      assert.deepEqual([slices(stage).length, members(stage), legacy(stage)], [1, [], []], 'an empty slice says that there is nobody');
      await stage.create(pods, pod('a'));
      await stage.create(pods, pod('never'));
      await stage.eventually('ready', () => members(stage).join('; ') === 'a ready,serving; never ');
      const [slice] = slices(stage);
      assert.deepEqual(slice?.ports, [{ name: 'http', port: 8080, protocol: 'TCP' }]);
      assert.equal(slice?.metadata.labels?.['kubernetes.io/service-name'], 'web');
      assert.equal(controllerOf(slice ?? assert.fail())?.kind, 'Service');
      assert.match(slice?.endpoints?.[0]?.nodeName ?? '', /^node-/);
      assert.equal(legacy(stage)[0]?.addresses?.[0]?.targetRef?.name, 'a');
      assert.equal(legacy(stage)[0]?.notReadyAddresses?.[0]?.targetRef?.name, 'never');
      await stage.delete(pods, 'a');
      await stage.advance(60);
      assert.deepEqual(members(stage), ['a serving,terminating', 'never '], 'still serving, but nothing new is sent there');
      assert.equal(legacy(stage)[0]?.addresses, undefined);
      await stage.eventually('gone', () => members(stage).join() === 'never ');
    },
    {
      behaviour: ({ metadata }): PodBehaviour =>
        metadata.name === 'never' ? { readyAfter: undefined } : { readyAfter: 100, stopAfter: 1000 },
    },
  ));

test('publishNotReadyAddresses counts everybody as ready', () =>
  play(
    async (stage) => {
      await stage.create(services, web({ publishNotReadyAddresses: true }));
      await stage.create(pods, pod('a'));
      await stage.eventually('there', () => members(stage).join() === 'a ready');
      await stage.advance(100);
      assert.equal(legacy(stage)[0]?.addresses?.length, 1);
    },
    { behaviour: () => ({ readyAfter: undefined }) },
  ));

test('pods that lead a named port to different numbers are in different slices', () =>
  play(async (stage) => {
    await stage.create(services, web({ ports: [{ name: 'http', port: 80, targetPort: 'web' }] }));
    await stage.create(pods, pod('a', [{ name: 'web', containerPort: 8080 }]));
    await stage.create(pods, pod('b', [{ name: 'web', containerPort: 9090 }]));
    await stage.create(pods, pod('c', [{ name: 'other', containerPort: 1 }]));
    await stage.eventually('two', () => members(stage).length === 2);
    assert.deepEqual(
      slices(stage)
        .map(({ ports, endpoints }) => `${ports?.[0]?.port} ${endpoints?.map(({ targetRef }) => targetRef?.name)}`)
        .sort(),
      ['8080 a', '9090 b'],
    );
  }));

test('a headless service without ports has its pods all the same, with their host names', () =>
  play(async (stage) => {
    const { ports: _, ...spec } = web({ clusterIP: 'None' }).spec as Record<string, unknown>;
    await stage.create(services, { ...web(), spec: spec as never });
    await stage.create(pods, pod('a', [], { hostname: 'a', subdomain: 'web' }));
    await stage.eventually('there', () => members(stage).join() === 'a ready,serving');
    assert.equal(slices(stage)[0]?.endpoints?.[0]?.hostname, 'a');
    assert.equal(slices(stage)[0]?.metadata.labels?.['service.kubernetes.io/headless'], '');
  }));

test('a slice holds a hundred; few are rewritten when one pod comes or goes', () =>
  play(
    async (stage) => {
      await stage.create(services, web());
      for (let i = 0; i < 250; i++) await stage.create(pods, pod(`p${i}`));
      await stage.eventually('all', () => members(stage).filter((each) => each.includes('ready')).length === 250);
      assert.equal(slices(stage).length, 3);
      assert.ok(slices(stage).every(({ endpoints = [] }) => endpoints.length <= 100));
      const before = new Map(slices(stage).map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
      await stage.delete(pods, 'p7', { gracePeriodSeconds: 0 });
      await stage.eventually('one less', () => members(stage).length === 249);
      assert.equal(slices(stage).filter(({ metadata }) => before.get(metadata.name) !== metadata.resourceVersion).length, 1);
    },
    { behaviour: () => ({ readyAfter: 10 }) },
  ));

test('a selector that changes changes the members; a service without one is left to others', () =>
  play(async (stage) => {
    await stage.create(services, web());
    await stage.create(pods, pod('a'));
    await stage.eventually('there', () => members(stage).length === 1);
    await stage.patch(services, 'web', { spec: { selector: { app: 'other' } } });
    await stage.eventually('nobody', () => members(stage).length === 0);
    await stage.patch(pods, 'a', { metadata: { labels: { app: 'other' } } });
    await stage.eventually('again', () => members(stage).length === 1);
    await stage.patch(services, 'web', { spec: { selector: null } });
    await stage.delete(pods, 'a');
    await stage.advance(5000);
    assert.equal(members(stage).length, 1);
  }));

test('however events fall together, no endpoint is listed twice in the end', () =>
  play(
    async (stage) => {
      await stage.create(services, web());
      await Promise.all(Array.from({ length: 30 }, (_, i) => stage.create(pods, pod(`p${i}`))));
      await stage.eventually('all', () => members(stage).filter((each) => each.includes('ready')).length >= 30);
      await stage.advance(2000);
      assert.equal(members(stage).length, 30);
      assert.equal(slices(stage).length, 1);
    },
    { behaviour: ({ metadata }) => ({ readyAfter: metadata.name.length * 3 }) },
  ));
