/**
 * The story that simulations are measured by: a ReplicaSet of 10, one node dies, its pods come back elsewhere, the
 * node returns; an hour of cluster time. Free of Node.js, so that a browser can tell it too.
 */
import type { Pod } from '../../pkg/api/generated/core-v1.ts';
import { nodes, pods, replicasets } from '../../pkg/api/generated/resources.ts';
import { platformTurn } from '../../pkg/clock/real-clock.ts';
import { VirtualClock } from '../../pkg/clock/virtual-clock.ts';
import { Cluster } from '../../pkg/cluster/cluster.ts';
import { prefixRange } from '../../pkg/storage/store.ts';

export interface StoryResult {
  /** Hash over the whole sequence of (revision, key, bytes). */
  readonly fingerprint: string;
  readonly revisions: number;
  /** What happened, for people: `00:00:03 10 pods run on node-1 node-2 node-3`. */
  readonly told: readonly string[];
}

export interface StoryOptions {
  readonly seed: number | string;
  /** Extra turns of the event loop thrown in, as another machine might: how many before each step. */
  readonly yields?: () => number;
}

export async function tellStory({ seed, yields }: StoryOptions): Promise<StoryResult> {
  const turn = async (): Promise<void> => {
    for (let extra = yields?.() ?? 0; extra > 0; extra--) await platformTurn();
    await platformTurn();
  };
  const clock = new VirtualClock({ turn });
  const cluster = await Cluster.start({ nodes: 3, clock, seed });
  const fingerprint = new Fingerprint();
  const reading = fingerprint.follow(cluster);
  const told: string[] = [];
  const tell = (text: string): void => void told.push(`${new Date(clock.now()).toISOString().slice(11, 19)} ${text}`);
  const running = async (): Promise<Pod[]> =>
    (await cluster.client.resource(pods).list()).items.filter((pod) => pod.status.phase === 'Running' && !pod.metadata.deletionTimestamp);
  const places = (list: readonly Pod[]): string => [...new Set(list.map((pod) => pod.spec.nodeName))].sort().join(' ');

  await cluster.client.resource(replicasets).create(
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        replicas: 10,
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'any' }] } },
      },
    },
    { namespace: 'default' },
  );
  await cluster.eventually(async () => (await running()).length === 10, { what: '10 running pods' });
  tell(`10 pods run on ${places(await running())}`);

  await cluster.killNode('node-2');
  tell('node-2 dies');
  const elsewhere = async (): Promise<boolean> => {
    const list = await running();
    return list.filter((pod) => pod.spec.nodeName !== 'node-2').length === 10;
  };
  await cluster.eventually(elsewhere, { timeout: '10m', what: 'all pods on the other nodes' });
  tell(`10 pods run on ${places((await running()).filter((pod) => pod.spec.nodeName !== 'node-2'))}`);

  await cluster.startNode('node-2');
  const ready = async (): Promise<boolean> =>
    (await cluster.client.resource(nodes).get('node-2')).status.conditions?.some(
      ({ type, status }) => type === 'Ready' && status === 'True',
    ) ?? false;
  await cluster.eventually(ready, { timeout: '5m', what: 'node-2 to return' });
  tell('node-2 returns');
  const hour = VirtualClock.defaultStart + 3_600_000;
  await cluster.run(hour - clock.now());
  const end = await running();
  tell(`${end.length} pods run on ${places(end)}`);
  await cluster.stop();
  await reading;
  return { fingerprint: fingerprint.value, revisions: fingerprint.revisions, told };
}

/** FNV-1a, twice with different beginnings: 64 bits, on any platform. */
class Fingerprint {
  #a = 0x811c9dc5;
  #b = 0x01000193;
  revisions = 0;

  get value(): string {
    return [this.#a, this.#b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  async follow(cluster: Cluster): Promise<void> {
    const encoder = new TextEncoder();
    const stop = new AbortController();
    try {
      for await (const { events } of cluster.store.watch(prefixRange(''), { from: 1, signal: stop.signal })) {
        for (const event of events) {
          this.revisions = event.revision;
          this.#add(encoder.encode(`${event.revision} ${event.type} ${event.key} `));
          if (event.type === 'put') this.#add(event.item.value);
        }
      }
    } catch (error) {
      // The store is closed at the end of the story.
      if ((error as { code?: string }).code !== 'Closed') throw error;
    }
  }

  #add(bytes: Uint8Array): void {
    for (const byte of bytes) {
      this.#a = Math.imul(this.#a ^ byte, 0x01000193);
      this.#b = Math.imul(this.#b ^ byte, 0x01000197);
    }
  }
}
