/**
 * The API server over HTTPS, as it is served to everyone, beside what it stands on: a bare Node.js server that sends
 * and stores the same bytes, and etcd. Server, reference and load generator are processes of their own; they are
 * measured in turns (A B A B), and a ratio is the median of those of the turns, so that whatever else the machine
 * does meets both alike. `node tools/bench/http.ts [--seconds S] [--rounds N] [--only WORDS]` prints a table and a line of JSON.
 */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { EtcdCluster, etcdBinaries } from '../../pkg/storage/etcd/etcd-harness.ts';
import { type BenchRow, formatRows, median } from './bench-row.ts';
import type { Measured, Order } from './http/generator.ts';
import {
  apiServerBundle,
  ask,
  cpuOf,
  credentialsIn,
  freePort,
  type Generator,
  privateMemoryOf,
  type ServerProcess,
  spawnApiServer,
  startApiServer,
  startBareServer,
  startGenerator,
  withDirectory,
} from './http/processes.ts';
import { configMapsPath, paths, prepared, type Workload } from './http/requests.ts';
import type { Target } from './http/target.ts';

export interface BenchHttpOptions {
  /** Seconds of each turn; default 2. */
  readonly seconds?: number;
  /** Turns of each; default 7. */
  readonly rounds?: number;
  /** Pods that are listed, and held in memory; default 10,000. */
  readonly pods?: number;
  /** Watches of one namespace; default 1,000. */
  readonly watches?: number;
  /** Only the parts whose names contain one of these words. */
  readonly only?: readonly string[];
}

/** What the parts share. */
interface Bench {
  readonly directory: string;
  readonly generator: Generator;
  readonly seconds: number;
  readonly rounds: number;
  readonly pods: number;
  readonly watches: number;
}

export async function benchHttp(options: BenchHttpOptions = {}): Promise<BenchRow[]> {
  const parts: readonly (readonly [string, (bench: Bench) => Promise<BenchRow[]>])[] = [
    ['create get patch', benchRequests],
    ['list memory', benchMemory],
    ['watch', benchWatches],
    ['start', benchStart],
  ];
  const { seconds = 2, rounds = 7, pods = 10_000, watches = 1_000 } = options;
  const rows: BenchRow[] = [];
  for (const [name, measure] of parts) {
    if (options.only && !options.only.some((word) => name.includes(word))) continue;
    const generator = startGenerator();
    const bench = { generator, seconds, rounds, pods, watches };
    try {
      rows.push(...(await withDirectory((directory) => measure({ ...bench, directory }))));
    } finally {
      await generator.stop();
    }
  }
  return rows;
}

/** One side of a comparison: what is asked of it, and the process that has the work. */
interface Side {
  readonly order: (run: string) => Order;
  readonly pid: number;
}

interface Turn extends Measured {
  /** Processor seconds of the side's process. */
  readonly serverCpu: number;
}

/** Names of runs, so that no two make an object of one name. */
let runs = 0;

/** All sides in turns; the first round warms up and does not count. */
async function inTurns<Sides extends Readonly<Record<string, Side | undefined>>>(
  { generator, rounds }: Bench,
  sides: Sides,
): Promise<{ readonly [name in keyof Sides]: readonly Turn[] }> {
  const turns = Object.fromEntries(Object.keys(sides).map((name) => [name, [] as Turn[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, side] of Object.entries(sides)) {
      if (!side) continue;
      const before = cpuOf(side.pid) ?? Number.NaN;
      const measured = await generator.run(side.order(`run-${++runs}`));
      if (round > 0) turns[name]?.push({ ...measured, serverCpu: (cpuOf(side.pid) ?? Number.NaN) - before });
    }
  }
  return turns as unknown as { readonly [name in keyof Sides]: readonly Turn[] };
}

type Figure = (turn: Turn) => number;
const perSecond: Figure = ({ count, seconds }) => count / seconds;
const megabytesPerSecond: Figure = ({ bytes, seconds }) => bytes / seconds / 1e6;
const p99: Figure = ({ delays = [] }) => delays[Math.floor(delays.length * 0.99)] ?? Number.NaN;

/** What a row is, but for its numbers. */
type About = Pick<BenchRow, 'name' | 'unit' | 'referenceName' | 'wanted' | 'atMost'>;

function compare(about: About, figure: Figure, ours: readonly Turn[], reference: readonly Turn[] | undefined): BenchRow {
  const micros = (turns: readonly Turn[], of: 'serverCpu' | 'cpu'): number => Math.round(median(turns.map((t) => (t[of] / t.count) * 1e6)));
  const ratios = reference?.map((turn, i) => figure(ours[i] as Turn) / figure(turn));
  return {
    ...about,
    ours: median(ours.map(figure)),
    reference: reference && median(reference.map(figure)),
    ratio: ratios && median(ratios),
    details: {
      cpuMicroseconds: micros(ours, 'serverCpu'),
      ...(reference ? { referenceCpuMicroseconds: micros(reference, 'serverCpu') } : {}),
      generatorCpuMicroseconds: micros(ours, 'cpu'),
      generatorShare: Number(median(ours.map(({ cpu, seconds }) => cpu / seconds)).toFixed(2)),
    },
  };
}

/** The API server with what the requests need, and the bare server with the bytes that it answers and keeps. */
async function startBoth(directory: string, node: readonly string[] = []): Promise<{ api: ServerProcess; bare: ServerProcess }> {
  const api = await startApiServer({ directory: join(directory, 'apiserver'), node });
  let created: Buffer = Buffer.alloc(0);
  for (const { path, object } of prepared) created = (await ask(api.target, 'POST', path, object)).body;
  return { api, bare: await startBare(directory, api, created) };
}

async function startBare(directory: string, api: ServerProcess, created: Buffer): Promise<ServerProcess> {
  const pod = await ask(api.target, 'GET', paths.pod);
  const pods = await ask(api.target, 'GET', paths.pods);
  const base64 = (bytes: Buffer | string): string => Buffer.from(bytes).toString('base64');
  const own = new Set(['content-length', 'transfer-encoding', 'date', 'connection', 'keep-alive']);
  return startBareServer(join(directory, 'apiserver'), {
    headers: Object.fromEntries(Object.entries(pod.headers).filter(([name]) => !own.has(name))),
    pages: { [paths.pod]: base64(pod.body), [paths.pods]: base64(pods.body) },
    created: base64(created),
    stored: base64(created),
    event: base64(`{"type":"ADDED","object":${created.toString()}}\n`),
    directory: join(directory, 'bare'),
  });
}

const load = (target: Target, workload: Workload, seconds: number, connections = 64) => {
  return (run: string): Order => ({ kind: 'load', target, workload, run, connections, seconds });
};

async function benchRequests(bench: Bench): Promise<BenchRow[]> {
  const { directory, seconds } = bench;
  const { api, bare } = await startBoth(directory);
  const { path, skip } = etcdBinaries[0] as (typeof etcdBinaries)[number];
  const cluster = skip ? undefined : await EtcdCluster.start(path, { directory: join(directory, 'etcd') });
  const member = cluster?.members[0];
  try {
    const { length: bytes } = (await ask(api.target, 'GET', `${configMapsPath}/sample`)).body;
    const ours = (workload: Workload): Side => ({ pid: api.pid, order: load(api.target, workload, seconds) });
    const theirs = (workload: Workload): Side => ({ pid: bare.pid, order: load(bare.target, workload, seconds) });
    const h2 = ({ pid, h2: target }: ServerProcess): Side => {
      return { pid, order: (run) => ({ kind: 'load', target, workload: 'get-h2', run, connections: 4, streams: 16, seconds }) };
    };
    const get = await inTurns(bench, { ours: ours('get'), bare: theirs('get') });
    const getH2 = await inTurns(bench, { ours: h2(api), bare: h2(bare) });
    const creates = await inTurns(bench, {
      ours: ours('create'),
      bare: theirs('create'),
      etcd: member && {
        pid: member.pid,
        order: (run: string): Order => ({ kind: 'etcd', endpoint: member.endpoint, run, writers: 64, bytes, seconds }),
      },
    });
    const writes = await inTurns(bench, { creates: ours('create'), apply: ours('apply'), patch: ours('patch') });
    const row = (name: string, wanted: number, referenceName: string): About => ({ name, unit: '/s', referenceName, wanted });
    return [
      compare(row('creates of 1 KB, 64 connections', 1.5, 'etcd'), perSecond, creates.ours, member && creates.etcd),
      compare(row('creates of 1 KB, 64 connections', 0.4, 'bare'), perSecond, creates.ours, creates.bare),
      compare(row('server-side applies that change 1 KB', 0.3, 'creates'), perSecond, writes.apply, writes.creates),
      compare(row('strategic merge patches that change 1 KB', 0.3, 'creates'), perSecond, writes.patch, writes.creates),
      compare(row('GET of one pod, HTTP/1.1', 0.6, 'bare'), perSecond, get.ours, get.bare),
      compare(row('GET of one pod, HTTP/2', 0.6, 'bare'), perSecond, getH2.ours, getH2.bare),
    ];
  } finally {
    await Promise.all([api.stop(), bare.stop(), cluster?.dispose()]);
  }
}

/** An empty server that is filled with pods, and then lists them. */
async function benchMemory(bench: Bench): Promise<BenchRow[]> {
  const { directory, generator, pods, seconds } = bench;
  const node = ['--expose-gc', '--import', resolve(import.meta.dirname, 'http/collect-on-signal.ts')];
  const { api, bare: first } = await startBoth(directory, node);
  await first.stop();
  const empty = await memoryOf(api);
  await generator.run({ kind: 'load', target: api.target, workload: 'create-pod', run: 'fill', connections: 64, requests: pods });
  const { body } = await ask(api.target, 'GET', paths.pods);
  const full = await memoryOf(api);
  const bare = await startBare(directory, api, Buffer.from('{}'));
  try {
    const side = ({ pid, target }: ServerProcess): Side => ({ pid, order: load(target, 'list', seconds, 2) });
    const lists = await inTurns(bench, { ours: side(api), bare: side(bare) });
    const list: About = { name: `LIST of ${pods.toLocaleString('en')} pods`, unit: 'MB/s', referenceName: 'bare', wanted: 0.8 };
    const [ours, reference] = [(full - empty) / 1e6, body.length / 1e6];
    return [
      compare(list, megabytesPerSecond, lists.ours, lists.bare),
      {
        name: `private memory of ${pods.toLocaleString('en')} pods, after a collection`,
        unit: 'MB',
        ours,
        reference,
        referenceName: 'bytes',
        ...(Number.isNaN(ours) ? { ratio: undefined, missing: 'not measured: needs /proc/PID/status' } : { ratio: ours / reference }),
        wanted: 4,
        atMost: true,
        details: { emptyMegabytes: empty / 1e6 },
      },
    ];
  } finally {
    await Promise.all([api.stop(), bare.stop()]);
  }
}

async function memoryOf({ pid }: ServerProcess): Promise<number> {
  for (let i = 0; i < 2; i++) {
    process.kill(pid, 'SIGUSR2');
    await sleep(1_500);
  }
  return privateMemoryOf(pid) ?? Number.NaN;
}

async function benchWatches(bench: Bench): Promise<BenchRow[]> {
  const { directory, generator, watches, seconds } = bench;
  const { api, bare } = await startBoth(directory);
  try {
    for (const { target } of [api, bare]) await generator.run({ kind: 'open-watches', target, count: watches });
    const side = ({ pid, target }: ServerProcess): Side => {
      return { pid, order: (run) => ({ kind: 'watch', target, run, perSecond: 50, seconds }) };
    };
    const { ours, theirs } = await inTurns(bench, { ours: side(api), theirs: side(bare) });
    const about: About = {
      name: `p99 from a write to the last of ${watches.toLocaleString('en')} watches, 50 writes/s`,
      unit: 'ms',
      referenceName: 'bare',
      wanted: 1.5,
      atMost: true,
    };
    return [compare(about, p99, ours, theirs)];
  } finally {
    await Promise.all([api.stop(), bare.stop()]);
  }
}

/** From starting the process until it has answered a request about an object that it keeps. */
async function benchStart({ directory, rounds }: Bench): Promise<BenchRow[]> {
  const root = resolve(import.meta.dirname, '../..');
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'tools/build.ts'), 'apiserver'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the API server cannot be built: ${stderr}`);
  const ours: number[] = [];
  const node: number[] = [];
  for (let round = -2; round < rounds; round++) {
    const took = await firstAnswer(directory);
    const started = performance.now();
    spawnSync(join(root, 'bin/node'), ['-e', '0']);
    const bare = performance.now() - started;
    // The first two prepare the data directory and the cache of compiled code.
    if (round < 0) continue;
    ours.push(took);
    node.push(bare);
  }
  return [
    {
      name: 'built API server, prepared data: start to first answer',
      unit: 'ms',
      ours: median(ours),
      reference: median(node),
      referenceName: 'node -e 0',
      ratio: median(ours.map((ms, i) => ms / (node[i] as number))),
      wanted: 8,
      atMost: true,
    },
  ];
}

async function firstAnswer(directory: string): Promise<number> {
  const port = await freePort();
  const started = performance.now();
  const child = spawnApiServer({ directory, program: apiServerBundle }, port);
  const exited = new Promise((done) => child.once('exit', done));
  for (;;) {
    if (child.exitCode !== null) throw new Error('the API server has ended');
    try {
      await ask(credentialsIn(directory, port), 'GET', '/api/v1/namespaces/default');
      break;
    } catch {
      await sleep(2); // not yet: neither credentials nor anybody who listens
    }
  }
  const took = performance.now() - started;
  child.kill('SIGTERM');
  await exited;
  return took;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { seconds: { type: 'string' }, rounds: { type: 'string' }, only: { type: 'string' } } });
  const rows = await benchHttp({
    ...(values.seconds !== undefined && { seconds: Number(values.seconds) }),
    ...(values.rounds !== undefined && { rounds: Number(values.rounds) }),
    ...(values.only !== undefined && { only: values.only.split(',') }),
  });
  console.log(formatRows(rows));
  console.log(JSON.stringify(rows));
}
