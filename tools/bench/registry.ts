/**
 * What the registry alone costs, over a memory store, on one thread: creates of ConfigMaps of 1 KB and of pods,
 * reads, lists of 10,000 pods, and watches. `node tools/bench/registry.ts` prints one line each.
 */

import type { KubeObject } from '../../pkg/api/object.ts';
import { parseFieldSelector, parseSelector } from '../../pkg/api/selectors.ts';
import { RealClock } from '../../pkg/clock/real-clock.ts';
import type { ResourceStorage } from '../../pkg/registry/contract.ts';
import { testRegistry } from '../../pkg/registry/testing/test-registry.ts';

export interface Measurement {
  readonly name: string;
  readonly perSecond: number;
}

const configMap = (name: string): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels: { app: 'bench' } },
    data: { text: 'x'.repeat(900) },
  }) as unknown as KubeObject;

const pod = (i: number): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `pod-${i}`, labels: { app: 'bench', 'pod-template-hash': 'abcdef' } },
    spec: {
      nodeName: `node-${i % 100}`,
      containers: [
        {
          name: 'main',
          image: 'gokube/host',
          command: ['sh', '-c', 'while :; do sleep 1; done'],
          ports: [{ name: 'http', containerPort: 8080 }],
          env: Array.from({ length: 8 }, (_, n) => ({ name: `VARIABLE_${n}`, value: `value ${n}` })),
          resources: { requests: { cpu: '10m', memory: '16Mi' } },
          readinessProbe: { httpGet: { path: '/ready', port: 8080 } },
        },
      ],
    },
  }) as unknown as KubeObject;

/** Runs `work` for about `ms` milliseconds in steps, and says how many of its units it did a second. */
async function measure(name: string, ms: number, work: () => Promise<number>): Promise<Measurement> {
  const clock = new RealClock();
  const start = clock.monotonic();
  let units = 0;
  let elapsed = 0;
  while (elapsed < ms) {
    units += await work();
    elapsed = clock.monotonic() - start;
  }
  return { name, perSecond: Math.round((units * 1000) / elapsed) };
}

export async function benchRegistry(ms = 1_000): Promise<Measurement[]> {
  const { registry, context } = await testRegistry();
  const storage = (resource: string): ResourceStorage => {
    const found = registry.storage('', 'v1', resource);
    if (!found) throw new Error(`no storage for ${resource}`);
    return found;
  };
  const configMaps = storage('configmaps');
  const pods = storage('pods');
  await storage('serviceaccounts').create(context(), 'default', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default' },
  } as unknown as KubeObject);
  let n = 0;
  const create = async (): Promise<number> => {
    for (let i = 0; i < 100; i++) await configMaps.create(context(), 'default', configMap(`warm-${n++}`));
    return 100;
  };
  await measure('warm up', ms / 2, create);
  const results = [await measure('create ConfigMap of 1 KB', ms, create)];
  for (let i = 0; i < 10_000; i++) await pods.create(context(), 'default', pod(i));
  let p = 10_000;
  results.push(
    await measure('create Pod of 3 KB', ms, async () => {
      for (let i = 0; i < 20; i++) await pods.create(context(), 'default', pod(p++));
      return 20;
    }),
  );
  // The first read fills the cache, which is no part of an update.
  await pods.get(context(), { namespace: 'default', name: 'pod-0' });
  let version = 0;
  results.push(
    await measure('update of a Pod’s annotation', ms, async () => {
      for (let i = 0; i < 20; i++) {
        const key = { namespace: 'default', name: `pod-${i}` };
        await pods.update(context(), key, (current) => {
          const { metadata, ...rest } = current as KubeObject;
          return { ...rest, metadata: { ...metadata, annotations: { version: String(version++) } } } as unknown as KubeObject;
        });
      }
      return 20;
    }),
  );
  results.push(
    await measure('get of a Pod, as JSON', ms, async () => {
      for (let i = 0; i < 100; i++) (await pods.get(context(), { namespace: 'default', name: `pod-${i}` })).json();
      return 100;
    }),
  );
  results.push(
    await measure('list of 10,000 Pods or more', ms, async () => {
      await pods.list(context(), { namespace: '' });
      return 1;
    }),
  );
  const fields = parseFieldSelector('spec.nodeName=node-1');
  results.push(
    await measure('list of one node’s Pods', ms, async () => {
      await pods.list(context(), { namespace: '', fields });
      return 1;
    }),
  );
  const labels = parseSelector('app=other');
  results.push(
    await measure('list by labels, none found', ms, async () => {
      await pods.list(context(), { namespace: '', labels });
      return 1;
    }),
  );
  await registry.close();
  return results;
}

/** Events a second that reach `watchers` watches of one namespace. */
export async function benchWatch(watchers = 1_000, writes = 200): Promise<Measurement> {
  const { registry, context } = await testRegistry();
  const storage = registry.storage('', 'v1', 'configmaps');
  if (!storage) throw new Error('no storage for configmaps');
  const abort = new AbortController();
  let seen = 0;
  const readers = Array.from({ length: watchers }, async () => {
    let mine = 0;
    for await (const batch of storage.watch(context(), {
      namespace: 'default',
      resourceVersion: '0',
      bookmarks: false,
      signal: abort.signal,
    })) {
      mine += batch.length;
      seen += batch.length;
      if (mine >= writes) return;
    }
  });
  const clock = new RealClock();
  const start = clock.monotonic();
  for (let i = 0; i < writes; i++) await storage.create(context(), 'default', configMap(`w-${i}`));
  await Promise.all(readers);
  const result = { name: `events to ${watchers} watches`, perSecond: Math.round((seen * 1000) / (clock.monotonic() - start)) };
  abort.abort();
  await registry.close();
  return result;
}

if (import.meta.main) {
  for (const { name, perSecond } of [...(await benchRegistry()), await benchWatch()])
    console.log(`${name.padEnd(36)} ${perSecond.toLocaleString('en')}/s`);
}
