/**
 * Pages of the data file that are not what was written there: zeros, noise, another page, a flipped bit. What can be
 * told is told as `Damaged`, by whoever meets it; LMDB itself does not survive all of it. Bounded by
 * GOKUBE_FAULT_SECONDS (default 20), half of it.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { randomInt, SeededRandom } from '../../pkg/clock/random.ts';
import { LmdbStore } from '../../pkg/storage/lmdb/lmdb-store.ts';

const milliseconds = Number(process.env.GOKUBE_FAULT_SECONDS ?? 20) * 500;
const worker = new URL('storage-damage-worker.ts', import.meta.url).pathname;
const pageSize = 4096;

const damages: Readonly<Record<string, (data: Buffer, page: number, random: SeededRandom) => void>> = {
  zeros: (data, page) => data.fill(0, page * pageSize, (page + 1) * pageSize),
  noise: (data, page, random) => {
    for (let at = page * pageSize; at < (page + 1) * pageSize; at++) data[at] = randomInt(random, 256);
  },
  'another page': (data, page, random) => {
    const other = 2 + randomInt(random, data.length / pageSize - 2);
    data.copyWithin(page * pageSize, other * pageSize, (other + 1) * pageSize);
  },
  'a flipped bit in its head': (data, page, random) => {
    const at = page * pageSize + randomInt(random, 64);
    data[at] = (data[at] as number) ^ (1 << randomInt(random, 8));
  },
};

/** How the worker ended: what it said, or the signal that ended it. */
async function outcomeOf(directory: string): Promise<string> {
  const child = spawn(process.execPath, [worker, directory], { stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  return new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? (said.trim() || `exit code ${code}`))));
}

test('damaged pages are told as such, if they are not among those that nobody reads', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'gokube-damage-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const store = await LmdbStore.open(join(root, 'whole'), { maxRecent: 100 });
  for (let i = 0; i < 60; i++) {
    await Promise.all(
      Array.from({ length: 25 }, (_, k) =>
        store.commit([{ key: `/k/${(i * 25 + k) % 700}`, value: k % 9 === 0 ? undefined : new Uint8Array(300 + k * 200).fill(k) }]),
      ),
    );
  }
  await store.compact(500);
  await store.close();
  const whole = await readFile(join(root, 'whole', 'data.mdb'));
  const random = new SeededRandom(process.pid);
  const outcomes: Record<string, number> = {};
  const signals = ['SIGABRT', 'SIGSEGV', 'SIGBUS'];
  let rounds = 0;
  let killed = 0;
  for (const end = performance.now() + milliseconds; performance.now() < end; rounds++) {
    const [kind, damage] = Object.entries(damages)[rounds % 4] as [string, (typeof damages)[string]];
    const directory = join(root, 'damaged');
    await cp(join(root, 'whole'), directory, { recursive: true });
    const data = Buffer.from(whole);
    damage(data, 2 + randomInt(random, data.length / pageSize - 2), random);
    await writeFile(join(directory, 'data.mdb'), data);
    const outcome = await outcomeOf(directory);
    assert.ok(['fine', 'Damaged', ...signals].includes(outcome), `${kind}: ${outcome}`);
    if (signals.includes(outcome)) killed++;
    outcomes[`${kind}: ${outcome}`] = (outcomes[`${kind}: ${outcome}`] ?? 0) + 1;
    await rm(directory, { recursive: true });
  }
  t.diagnostic(`${rounds} rounds, seed ${process.pid}: ${JSON.stringify(outcomes)}`);
  assert.ok(rounds >= 4 && killed <= 1 + rounds / 5, `${killed} of ${rounds} were ended by a signal`);
});
