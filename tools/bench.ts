/**
 * `make bench`: measures, prints one table and writes `.cache/bench.json`. Figures are ratios within one run wherever
 * there is something to compare with; docs/performance.md says what bounds them. `make bench ARGS="--quick"` takes a
 * few minutes instead of many.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { etcdBinaries } from '../pkg/storage/etcd/etcd-harness.ts';
import { tellStory } from '../test/simulation/story.ts';
import { formatRows } from './bench/bench-row.ts';
import { benchHttp } from './bench/http.ts';
import { benchRegistry, benchWatch } from './bench/registry.ts';
import { benchStorage } from './bench/storage.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });

/** An hour of cluster time, told twice: the second run is the one that counts, with everything loaded and compiled. */
async function benchStory(): Promise<{ readonly name: string; readonly seconds: number }> {
  await tellStory({ seed: 7 });
  const started = performance.now();
  await tellStory({ seed: 7 });
  return { name: 'an hour of cluster time: ten pods, three nodes, one dies and returns', seconds: (performance.now() - started) / 1000 };
}

console.log('measuring the simulation ...');
const simulation = await benchStory();
console.log('measuring the registry ...');
const registry = [...(await benchRegistry(values.quick ? 300 : 1_000)), await benchWatch()];
console.log('measuring the stores, side by side with etcd where it is installed ...');
const storage = await benchStorage(values.quick ? { keys: 50_000, seconds: 1 } : {});
console.log('measuring the API server over HTTPS, side by side with a bare one ...');
const http = await benchHttp(values.quick ? { seconds: 1, rounds: 3 } : {});

console.log(`\nSimulation\n  ${simulation.name}: ${simulation.seconds.toFixed(2)} s`);
console.log('\nRegistry over the memory store, in one process');
for (const { name, perSecond } of registry)
  console.log(`  ${name.padEnd(60)} ${Math.round(perSecond).toLocaleString('en').padStart(10)}/s`);
console.log(`\nStores\n${formatRows(storage)}`);
console.log(`\nAPI server over HTTPS\n${formatRows(http)}`);
const { path, skip } = etcdBinaries[0] as (typeof etcdBinaries)[number];
console.log(`\n${skip ? `etcd was not measured: ${skip}` : `etcd: ${path}`}`);

const file = resolve(import.meta.dirname, '../.cache/bench.json');
mkdirSync(resolve(file, '..'), { recursive: true });
writeFileSync(
  file,
  `${JSON.stringify({ date: new Date().toISOString(), node: process.version, simulation, registry, storage, http }, undefined, 2)}\n`,
);
console.log(`\nwritten to ${file}`);
