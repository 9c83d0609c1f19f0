/**
 * The load generator, a process of its own: it is told by messages what to do, and answers each with what it
 * measured. Requests are made beforehand where they can be, answers are hardly looked at: it must cost less than
 * what it measures, and says what it cost.
 */
import { EtcdStore } from '../../../pkg/storage/etcd/etcd-store.ts';
import { Http1Connection, Http1Watch } from './http1-connection.ts';
import { Http2Connection } from './http2-connection.ts';
import { createWatched, http1, paths, requestsOf, type Workload } from './requests.ts';
import { connectTo, type Target } from './target.ts';

export type Order =
  | {
      readonly kind: 'load';
      readonly target: Target;
      readonly workload: Workload;
      readonly run: string;
      readonly connections: number;
      /** Requests that are under way on each connection at a time: HTTP/2 alone can have several. */
      readonly streams?: number;
      readonly seconds?: number;
      /** Instead of the time: so many requests in all. */
      readonly requests?: number;
    }
  /** Opens watches, which stay; `count` 0 closes them. */
  | { readonly kind: 'open-watches'; readonly target: Target; readonly count: number }
  /** Writes at a steady rate to a target whose watches are open. */
  | { readonly kind: 'watch'; readonly target: Target; readonly run: string; readonly perSecond: number; readonly seconds: number }
  | {
      readonly kind: 'etcd';
      readonly endpoint: string;
      readonly run: string;
      readonly writers: number;
      readonly bytes: number;
      readonly seconds: number;
    };

export interface Measured {
  readonly count: number;
  /** Of the answers' bodies. */
  readonly bytes: number;
  readonly seconds: number;
  /** Processor seconds of this process. */
  readonly cpu: number;
  /** Of a watch: milliseconds from each acknowledged write until the last watch had its event, ascending. */
  readonly delays?: readonly number[];
}

async function load(order: Order & { readonly kind: 'load' }): Promise<Omit<Measured, 'cpu'>> {
  const { target, workload, run } = order;
  const h2 = workload === 'get-h2';
  const connect = async (): Promise<Http1Connection | Http2Connection> =>
    h2 ? new Http2Connection(await connectTo(target, 'h2')) : new Http1Connection(await connectTo(target, 'http/1.1'));
  const connections = await Promise.all(Array.from({ length: order.connections }, connect));
  const started = performance.now();
  const end = order.requests === undefined ? started + (order.seconds ?? 1) * 1_000 : Number.POSITIVE_INFINITY;
  const limit = order.requests ?? Number.POSITIVE_INFINITY;
  let sent = 0;
  let count = 0;
  let bytes = 0;
  const drive = (connection: Http1Connection | Http2Connection, request: (n: number) => Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      let n = 0;
      const send = (): void => {
        if (sent++ >= limit || performance.now() >= end) resolve();
        else connection.send(request(n++), answered);
      };
      const answered = (status: number, length: number): void => {
        if (status !== 200 && status !== 201) {
          reject(new Error(`${workload}: an answer with status ${status}`));
          return;
        }
        count++;
        bytes += length;
        send();
      };
      send();
    });
  await Promise.all(
    connections.flatMap((connection, i) => {
      const request = requestsOf(workload, run, i);
      return Array.from({ length: order.streams ?? 1 }, () => drive(connection, request));
    }),
  );
  const seconds = (performance.now() - started) / 1_000;
  for (const connection of connections) connection.close();
  return { count, bytes, seconds };
}

/** The open watches of one server, by its port. */
interface Watches {
  readonly list: Http1Watch[];
  /** Called when a watch has got its `n`th event. */
  arrived: (n: number) => void;
}

const open = new Map<number, Watches>();

async function openWatches({ target, count }: Order & { readonly kind: 'open-watches' }): Promise<void> {
  const before = open.get(target.port);
  for (const watch of before?.list ?? []) watch.close();
  const watches: Watches = { list: [], arrived: () => undefined };
  open.set(target.port, watches);
  const request = http1('GET', paths.watch);
  while (watches.list.length < count) {
    const some = Array.from({ length: Math.min(50, count - watches.list.length) }, () => connectTo(target, 'http/1.1'));
    for (const socket of await Promise.all(some)) watches.list.push(new Http1Watch(socket, request, (n) => watches.arrived(n)));
  }
}

/** Every write is seen by every watch, in order: the `n`th event of each is that of the `n`th write. */
async function watch({ target, run, perSecond, seconds }: Order & { readonly kind: 'watch' }): Promise<Omit<Measured, 'cpu'>> {
  const watches = open.get(target.port);
  if (!watches) throw new Error('no watches are open');
  const writer = new Http1Connection(await connectTo(target, 'http/1.1'));
  const writes = Math.round(perSecond * seconds);
  // Those that a server told at the beginning (the objects that were there) are not counted.
  for (const each of watches.list) each.count = 0;
  const acknowledged: number[] = [];
  const complete: number[] = [];
  const arrivals = new Uint32Array(writes + 1);
  const started = performance.now();
  await new Promise<void>((resolve, reject) => {
    const done = (): void => {
      if (complete.length === writes && acknowledged.length === writes) resolve();
    };
    watches.arrived = (n) => {
      const seen = (arrivals[n] ?? 0) + 1;
      arrivals[n] = seen;
      if (n > writes || seen < watches.list.length) return;
      complete.push(performance.now());
      done();
    };
    const write = (n: number): void => {
      writer.send(createWatched(`${run}-${n}`), (status) => {
        if (status !== 201) reject(new Error(`a write was answered with status ${status}`));
        acknowledged.push(performance.now());
        done();
        if (n + 1 === writes) return;
        setTimeout(() => write(n + 1), Math.max(0, started + ((n + 1) * 1_000) / perSecond - performance.now()));
      });
    };
    write(0);
  });
  writer.close();
  const delays = complete.map((at, n) => at - (acknowledged[n] as number)).sort((a, b) => a - b);
  return { count: writes * watches.list.length, bytes: 0, seconds: (performance.now() - started) / 1_000, delays };
}

async function etcd({ endpoint, run, writers, bytes, seconds }: Order & { readonly kind: 'etcd' }): Promise<Omit<Measured, 'cpu'>> {
  const store = new EtcdStore({ endpoints: [endpoint] });
  const value = new Uint8Array(bytes).fill(120);
  const started = performance.now();
  let count = 0;
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; performance.now() < started + seconds * 1_000; n++) {
      await store.commit([{ key: `${configMapsPathInStore}/${run}-${writer}-${n}`, value }]);
      count++;
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, i) => write(i)));
  const took = (performance.now() - started) / 1_000;
  await store.close();
  return { count, bytes: count * bytes, seconds: took };
}

const configMapsPathInStore = '/registry/configmaps/default';

async function carryOut(order: Order): Promise<Omit<Measured, 'cpu'>> {
  switch (order.kind) {
    case 'load':
      return load(order);
    case 'watch':
      return watch(order);
    case 'etcd':
      return etcd(order);
    case 'open-watches':
      await openWatches(order);
      return { count: order.count, bytes: 0, seconds: 0 };
  }
}

process.on('message', (order: Order) => {
  const before = process.cpuUsage();
  const answer = carryOut(order).then(
    (measured): Measured => {
      const { user, system } = process.cpuUsage(before);
      return { ...measured, cpu: (user + system) / 1e6 };
    },
    (error: unknown) => ({ error: String(error) }),
  );
  void answer.then((message) => process.send?.(message));
});
