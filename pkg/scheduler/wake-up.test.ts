import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Node, Pod } from '../api/generated/core-v1.ts';
import { namespaces, nodes, pods } from '../api/generated/resources.ts';
import type { Draft } from '../api/object.ts';
import type { Client } from '../client/client.ts';
import type { FakeServer } from '../listwatch/fake-server.ts';
import { createInformerFactory } from '../listwatch/informer-factory.ts';
import { runTogether } from '../listwatch/run-together.ts';
import { createTestEnvironment, type TestEnvironment } from '../listwatch/testing.ts';
import { createDefaultPlugins } from './default-plugins.ts';
import { NodeInfo } from './node-info.ts';
import { createPodInfo } from './pod-info.ts';
import { createScheduler } from './scheduler.ts';
import { Snapshot } from './snapshot.ts';
import { decideWith, nodeOf, type PodRow, podOf } from './testing.ts';

const zone = 'topology.kubernetes.io/zone';
const affinityTo = (app: string) => [{ topologyKey: zone, labelSelector: { matchLabels: { app } } }];

/** A pod for every plugin that can say no. */
const kinds: readonly PodRow[] = [
  { labels: { app: 'a' }, cpu: '1' },
  { labels: { app: 'b' }, cpu: '2' },
  { labels: { app: 'a' }, hostPort: 80 },
  { labels: { app: 'a' }, spec: { nodeSelector: { disk: 'ssd' } } },
  { labels: { app: 'b' }, spec: { tolerations: [{ key: 't', operator: 'Exists' }] } },
  { labels: { app: 'b' }, spec: { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: affinityTo('a') } } } },
  { labels: { app: 'a' }, spec: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: affinityTo('b') } } } },
  {
    labels: { app: 'a' },
    spec: {
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { topologyKey: zone, labelSelector: {}, namespaceSelector: { matchLabels: { team: 'x' } } },
          ],
        },
      },
    },
  },
  {
    labels: { app: 'b' },
    spec: {
      topologySpreadConstraints: [
        { topologyKey: zone, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 'b' } } },
      ],
    },
  },
];

const step = fc.record({
  what: fc.constantFrom('node', 'node', 'removeNode', 'pod', 'pod', 'pod', 'deletePod', 'relabelPod', 'finishPod', 'namespace'),
  which: fc.integer({ min: 0, max: 3 }),
  kind: fc.nat(5),
  cpu: fc.integer({ min: 1, max: 4 }),
  disk: fc.constantFrom('ssd', 'hdd'),
  zone: fc.constantFrom('z1', 'z2', ''),
  taint: fc.constantFrom(false, false, true),
  cordoned: fc.constantFrom(false, false, true),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

test('property: whatever changes in the cluster, no pod sleeps that could have a node', async () => {
  await fc.assert(
    // Two or three kinds of pod at a time, so that they get in each other's way.
    fc.asyncProperty(
      fc.subarray([...kinds], { minLength: 2, maxLength: 3 }),
      fc.array(step, { minLength: 10, maxLength: 40 }),
      async (some, steps) => {
        const env = createTestEnvironment();
        const informers = createInformerFactory(env);
        const scheduler = createScheduler({ ...env, informers });
        const stop = new AbortController();
        const running = runTogether([(signal) => informers.run(signal), (signal) => scheduler.run(signal)], stop.signal);
        await env.client.resource(namespaces).create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
        for (const [i, taken] of steps.entries()) {
          await take(taken, env, podOf({ ...some[taken.kind % some.length], name: `p${i}` }));
          // An idle scheduler tries a pod that was woken at once: no time need pass.
          await env.clock.advance(0);
          assert.equal(sleeper(env.server), undefined, `after step ${i}`);
        }
        stop.abort();
        await running;
      },
    ),
    { numRuns: 80 },
  );
});

async function take(s: Step, { server, client }: TestEnvironment, newPod: Pod): Promise<void> {
  const existing = server.all(pods)[s.which];
  const inDefault = { namespace: 'default' };
  const name = `n${s.which}`;
  if (s.what === 'node') {
    const object = nodeOf({
      name,
      cpu: String(s.cpu),
      labels: { disk: s.disk, ...(s.zone ? { [zone]: s.zone } : {}) },
      spec: { unschedulable: s.cordoned, taints: s.taint ? [{ key: 't', effect: 'NoSchedule' }] : [] },
    });
    if (!server.find(nodes, name)) {
      await client.resource(nodes).create(draftOf(object));
    } else {
      await client.resource(nodes).update(draftOf(object));
      await client.resource(nodes).updateStatus(draftOf(object));
    }
  } else if (s.what === 'removeNode' && server.find(nodes, name)) {
    await client.resource(nodes).delete(name);
  } else if (s.what === 'pod') {
    await client.resource(pods).create(draftOf(newPod), inDefault);
  } else if (s.what === 'deletePod' && existing) {
    await client.resource(pods).delete(existing.metadata.name, { ...inDefault, gracePeriodSeconds: 0 });
  } else if (s.what === 'relabelPod' && existing) {
    const body = { metadata: { labels: { app: existing.metadata.labels?.['app'] === 'a' ? 'b' : 'a' } } };
    await client.resource(pods).patch(existing.metadata.name, { type: 'merge', body }, inDefault);
  } else if (s.what === 'finishPod' && existing?.spec.nodeName) {
    const body = { status: { phase: 'Succeeded' } };
    await client.resource(pods).patch(existing.metadata.name, { type: 'merge', body }, { ...inDefault, subresource: 'status' });
  } else if (s.what === 'namespace') {
    const body = { metadata: { labels: { team: s.disk === 'ssd' ? 'x' : 'y' } } };
    await client.resource(namespaces).patch('default', { type: 'merge', body });
  }
}

function draftOf<T extends Node | Pod>(object: T): Draft<T> {
  const { uid: _uid, resourceVersion: _revision, ...metadata } = object.metadata;
  return { ...object, metadata } as unknown as Draft<T>;
}

/** A pod that waits although a node would do, in words; undefined when there is none. */
function sleeper(server: FakeServer): string | undefined {
  const live = server.all(pods).filter((pod) => pod.status.phase !== 'Succeeded');
  const infos = server.all(nodes).map((node) =>
    NodeInfo.of(
      node,
      live.filter((pod) => pod.spec.nodeName === node.metadata.name).map((pod) => createPodInfo(pod)),
    ),
  );
  const namespaceLabels = (name: string) => server.find(namespaces, name)?.metadata.labels;
  const snapshot = Snapshot.of(infos, namespaceLabels);
  const plugins = createDefaultPlugins({} as Client, { namespaceLabels, ownersSelector: () => undefined, budgets: () => [] });
  for (const pod of live.filter((other) => !other.spec.nodeName)) {
    const { node } = decideWith(plugins, createPodInfo(pod), snapshot);
    if (node !== undefined) return `${pod.metadata.name} ${JSON.stringify(pod.spec)} sleeps, but ${node} would do`;
  }
  return undefined;
}
