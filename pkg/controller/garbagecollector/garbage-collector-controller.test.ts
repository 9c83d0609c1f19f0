import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../../api/errors.ts';
import type { ConfigMap } from '../../api/generated/core-v1.ts';
import type { OwnerReference } from '../../api/generated/meta-v1.ts';
import { configmaps, customresourcedefinitions, deployments, pods, replicasets } from '../../api/generated/resources.ts';
import type { KubeObject, ResourceRef } from '../../api/object.ts';
import { createInformer } from '../../listwatch/informer.ts';
import { Stage, type StageOptions } from '../testing.ts';

const play = (story: (stage: Stage) => Promise<void>, options: StageOptions = {}): Promise<void> =>
  Stage.play({ controllers: ['garbagecollector'], ...options }, story);

const owner = (object: KubeObject, block = false): OwnerReference => ({
  apiVersion: object.apiVersion,
  kind: object.kind,
  name: object.metadata.name,
  uid: object.metadata.uid,
  ...(block ? { blockOwnerDeletion: true } : {}),
});
const make = (stage: Stage, name: string, ...ownerReferences: OwnerReference[]): Promise<ConfigMap> =>
  stage.create(configmaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, ...(ownerReferences.length > 0 ? { ownerReferences } : {}) },
  });
const names = (stage: Stage): string[] => stage.all(configmaps).map(({ metadata }) => metadata.name);

test('in the background, dependents of dependents go after their owner', () =>
  play(async (stage) => {
    const a = await make(stage, 'a');
    const b = await make(stage, 'b', owner(a));
    await make(stage, 'c', owner(b));
    await make(stage, 'other');
    await stage.advance(5000);
    await stage.delete(configmaps, 'a');
    assert.deepEqual(names(stage), ['b', 'c', 'other'], 'the owner is gone at once');
    await stage.eventually('all of it', () => names(stage).join() === 'other');
    await stage.advance(600_000);
    assert.deepEqual(names(stage), ['other']);
  }));

test('in the foreground, the owner goes last, and waits for what blocks it alone', () =>
  play(async (stage) => {
    const a = await make(stage, 'a');
    const b = await make(stage, 'b', owner(a, true));
    await make(stage, 'c', owner(b, true));
    await make(stage, 'free', { ...owner(a) });
    await stage.advance(5000);
    const gone: string[] = [];
    const stop = new AbortController();
    const informer = createInformer(stage.env, configmaps);
    informer.addHandler({ onDelete: ({ metadata }) => gone.push(metadata.name) });
    const ended = informer.run(stop.signal);
    await stage.advance(0);
    await stage.delete(configmaps, 'a', { propagationPolicy: 'Foreground' });
    await stage.eventually('all of it', () => gone.length === 4);
    stop.abort(new Error('seen enough'));
    await ended;
    assert.deepEqual(
      gone.filter((name) => name !== 'free'),
      ['c', 'b', 'a'],
    );
  }));

test('orphaned dependents lose their owner and stay', () =>
  play(async (stage) => {
    const a = await make(stage, 'a');
    const b = await make(stage, 'b', owner(a));
    await make(stage, 'c', owner(b));
    await stage.advance(5000);
    await stage.delete(configmaps, 'a', { propagationPolicy: 'Orphan' });
    await stage.eventually('the owner is gone', () => names(stage).join() === 'b,c');
    assert.deepEqual(stage.get(configmaps, 'b').metadata.ownerReferences, []);
    await stage.advance(600_000);
    assert.deepEqual(names(stage), ['b', 'c']);
  }));

test('an object stays while one of its owners is there, and loses the others', () =>
  play(async (stage) => {
    const a = await make(stage, 'a');
    const b = await make(stage, 'b');
    await make(stage, 'c', owner(a), owner(b));
    await stage.advance(5000);
    await stage.delete(configmaps, 'a');
    await stage.eventually('released', () => stage.get(configmaps, 'c').metadata.ownerReferences?.length === 1);
    assert.equal(stage.get(configmaps, 'c').metadata.ownerReferences?.[0]?.name, 'b');
    await stage.delete(configmaps, 'b');
    await stage.eventually('gone', () => names(stage).length === 0);
  }));

test('an owner that never was, or is another object of that name by now, counts as gone', () =>
  play(async (stage) => {
    const a = await make(stage, 'a');
    await make(stage, 'stale', { ...owner(a), uid: 'another' });
    await make(stage, 'never', { apiVersion: 'v1', kind: 'ConfigMap', name: 'nobody', uid: 'nobody' });
    await make(stage, 'kept', owner(a));
    await stage.eventually('collected', () => names(stage).join() === 'a,kept');
  }));

test('an owner of a kind that the server does not know keeps its dependents alive', () =>
  play(async (stage) => {
    await make(stage, 'a', { apiVersion: 'example.com/v1', kind: 'Widget', name: 'w', uid: 'w' });
    await stage.advance(600_000);
    assert.deepEqual(names(stage), ['a']);
  }));

test('a kind that appears later is collected as well', () =>
  play(async (stage) => {
    const widgets: ResourceRef = { group: 'example.com', version: 'v1', resource: 'widgets', kind: 'Widget', namespaced: true };
    const w = await stage.create(widgets, { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' } });
    await stage.create(customresourcedefinitions, {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.example.com' },
    });
    await make(stage, 'a', owner(w));
    await stage.create(widgets, { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'child', ownerReferences: [owner(w)] } });
    await stage.advance(1000);
    await stage.delete(widgets, 'w');
    await stage.eventually('gone', () => names(stage).length === 0 && stage.all(widgets).length === 0);
  }));

test('a circle of owners ends, also in the foreground', () =>
  play(async (stage) => {
    const a = await make(stage, 'a');
    const b = await make(stage, 'b', owner(a, true));
    await stage.patch(configmaps, 'a', { metadata: { ownerReferences: [owner(b, true)] } });
    await stage.advance(5000);
    await stage.delete(configmaps, 'a', { propagationPolicy: 'Foreground' });
    await stage.eventually('both are gone', () => names(stage).length === 0);
  }));

test('what cannot be reached is not taken for gone', () =>
  play(async (stage) => {
    const a = await make(stage, 'a');
    stage.server.intercept = ({ verb, agent }) => {
      if (verb === 'get' && agent === 'garbage-collector-controller') throw new ApiError('ServiceUnavailable', 'away');
    };
    await make(stage, 'b', { ...owner(a), uid: 'another' });
    await stage.advance(120_000);
    assert.deepEqual(names(stage), ['a', 'b']);
    stage.server.intercept = undefined;
    await stage.eventually('now it is known', () => names(stage).join() === 'a', 600_000);
  }));

test('after a restart what lost its owner meanwhile is found', async () => {
  const stage = new Stage({ controllers: ['garbagecollector'] });
  const a = await make(stage, 'a');
  const b = await make(stage, 'b', owner(a));
  await make(stage, 'c', owner(b));
  await stage.delete(configmaps, 'a');
  stage.start();
  await stage.eventually('gone', () => names(stage).length === 0);
  await stage.end();
});

test('a Deployment that is deleted takes its ReplicaSets and pods with it, whichever way', async () => {
  for (const propagationPolicy of ['Background', 'Foreground'] as const) {
    await play(
      async (stage) => {
        const labels = { app: 'web' };
        const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'x' }] } };
        await stage.create(deployments, {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name: 'web' },
          spec: { replicas: 5, selector: { matchLabels: labels }, template },
        });
        await stage.eventually('five', () => stage.get(deployments, 'web').status.availableReplicas === 5);
        await stage.delete(deployments, 'web', { propagationPolicy });
        await stage.eventually('nothing is left', () =>
          [deployments, replicasets, pods].every((ref) => stage.all(ref as ResourceRef).length === 0),
        );
      },
      { controllers: ['garbagecollector', 'deployment', 'replicaset'] },
    );
  }
});

test('property: what has a living owner stays, what has lost all of them goes', async () => {
  const edges = fc.array(fc.tuple(fc.nat(9), fc.nat(9), fc.boolean()), { maxLength: 20 });
  const policy = fc.constantFrom('Background', 'Foreground');
  await fc.assert(
    fc.asyncProperty(edges, fc.array(fc.tuple(fc.nat(9), policy), { maxLength: 3 }), (links, deletions) =>
      play(async (stage) => {
        // Owners have lower numbers than their dependents.
        const made: ConfigMap[] = [];
        for (let i = 0; i < 10; i++) {
          const owners = new Map(links.filter(([a, b]) => Math.max(a, b) === i && a !== b).map(([a, b, block]) => [Math.min(a, b), block]));
          made.push(await make(stage, `c${i}`, ...[...owners].map(([at, block]) => owner(made[at] as ConfigMap, block))));
        }
        await stage.advance(2000);
        const dead = new Set<string>();
        for (const [at, propagationPolicy] of deletions) {
          const name = `c${at}`;
          dead.add(name);
          if (stage.server.find(configmaps, `default/${name}`)) await stage.delete(configmaps, name, { propagationPolicy });
        }
        for (const { metadata } of made) {
          const owners = metadata.ownerReferences ?? [];
          if (owners.length > 0 && owners.every((each) => dead.has(each.name))) dead.add(metadata.name);
        }
        await stage.advance(120_000);
        assert.deepEqual(
          names(stage),
          made.map(({ metadata }) => metadata.name).filter((name) => !dead.has(name)),
        );
      }),
    ),
    { numRuns: 40 },
  );
});
