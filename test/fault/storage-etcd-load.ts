/**
 * Load on an etcd cluster while somebody plays it false: two stores, ten clients, watches on both; at the end
 * everything is checked. Run by itself (`node storage-etcd-load.ts <endpoint>…`) it goes on until SIGTERM, and ends
 * with a report on stdout or an error.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { recordHistory, storeModel } from '../../pkg/storage/contract/history.ts';
import { isLinearizable } from '../../pkg/storage/contract/linearizability.ts';
import { EtcdStore } from '../../pkg/storage/etcd/etcd-store.ts';
import { type KeyValue, prefixRange, type Store, type StoreEvent } from '../../pkg/storage/store.ts';

export interface LoadReport {
  readonly histories: number;
  readonly calls: number;
  /** Commits whose outcome nobody knows. */
  readonly unknown: number;
  readonly events: number;
  /** The longest time, in milliseconds, in which no call succeeded. */
  readonly longestGap: number;
}

const prefix = '/registry/fault/';

export async function runLoad(endpoints: readonly string[], signal: AbortSignal): Promise<LoadReport> {
  const options = { attemptTimeout: 1_500, callTimeout: 8_000 };
  // The second store prefers another member.
  const stores = [new EtcdStore({ ...options, endpoints }), new EtcdStore({ ...options, endpoints: endpoints.toReversed() })];
  const base = await (stores[0] as Store).revision();
  const stop = new AbortController();
  const watches = stores.map((store) => collect(store, base + 1, stop.signal));
  const report = { histories: 0, calls: 0, unknown: 0, longestGap: 0 };
  let last = performance.now();
  try {
    while (!signal.aborted) {
      const name = `${report.histories}/`;
      // Short histories, each on keys of its own: the checker's work grows with their length.
      const end = performance.now() + 2_000;
      const history = await recordHistory(stores, prefix + name, {
        seed: `${process.pid}/${name}`,
        calls: 60,
        next: async () => {
          const now = performance.now();
          report.longestGap = Math.max(report.longestGap, now - last);
          last = now;
          await sleep(10);
          return performance.now() < end;
        },
      });
      assert.ok(isLinearizable(storeModel, history), `history ${name} is not linearizable: ${JSON.stringify(history)}`);
      report.histories++;
      report.calls += history.length;
      report.unknown += history.filter((call) => call.output === undefined).length;
    }
    return { ...report, longestGap: Math.round(report.longestGap), events: await checkWatches(stores, watches) };
  } finally {
    stop.abort();
    await Promise.all(stores.map((store) => store.close()));
  }
}

interface Collected {
  readonly events: StoreEvent[];
  error: unknown;
}

function collect(store: Store, from: number, signal: AbortSignal): Collected {
  const collected: Collected = { events: [], error: undefined };
  const read = async (): Promise<void> => {
    for await (const batch of store.watch(prefixRange(prefix), { from, previous: true, signal })) {
      for (const event of batch.events) {
        assert.ok(event.revision >= (collected.events.at(-1)?.revision ?? 0), 'events must ascend');
        collected.events.push(event);
      }
    }
  };
  read().catch((error: unknown) => {
    collected.error = error;
  });
  return collected;
}

/** Both watches have seen the same, and what they have seen adds up to what stands there. Returns the number of events. */
async function checkWatches(stores: readonly Store[], watches: readonly Collected[]): Promise<number> {
  const store = stores[0] as Store;
  const { revision } = await store.commit([{ key: `${prefix}end`, value: new Uint8Array(1) }]);
  const end = performance.now() + 30_000;
  for (const watch of watches) {
    while ((watch.events.at(-1)?.revision ?? 0) < revision && !watch.error && performance.now() < end) await sleep(20);
    if (watch.error) throw watch.error;
    assert.equal(watch.events.at(-1)?.revision, revision, 'a watch has stopped');
  }
  const describe = (event: StoreEvent): string => `${event.revision} ${event.type} ${event.key} ${event.previous?.modRevision}`;
  const [first, second] = watches.map((watch) => watch.events.map(describe));
  assert.deepEqual(first, second);
  const folded = new Map<string, KeyValue>();
  for (const event of (watches[0] as Collected).events) {
    assert.equal(event.previous?.modRevision, folded.get(event.key)?.modRevision, `what stood there before ${describe(event)}`);
    if (event.type === 'put') folded.set(event.key, event.item);
    else folded.delete(event.key);
  }
  const items = (await store.list(prefixRange(prefix))).items;
  assert.deepEqual(
    [...folded.values()].map((item) => `${item.key} ${item.modRevision}`).sort(),
    items.map((item) => `${item.key} ${item.modRevision}`).sort(),
  );
  return (first as string[]).length;
}

if (process.argv[1] === import.meta.filename) {
  const stop = new AbortController();
  process.on('SIGTERM', () => stop.abort());
  console.log('loading');
  console.log(JSON.stringify(await runLoad(process.argv.slice(2), stop.signal)));
}
