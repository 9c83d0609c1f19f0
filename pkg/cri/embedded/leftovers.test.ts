import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { needsContainers } from './testing/needs.ts';

const skip = needsContainers ?? false;
const child = fileURLToPath(new URL('./testing/leftovers-child.ts', import.meta.url));

/**
 * With a network and mounts of its own, so that what other programs do on this machine meanwhile is not seen; `alone`
 * also hides their processes.
 */
async function start(t: TestContext, mode: 'stop' | 'hang', directory: string, alone = false): Promise<ChildProcess> {
  // /run as well: what clusters of this machine tell each other there goes by process ids; and shared memory.
  const own = 'mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /dev/shm && exec "$@"';
  const argv = ['--net', '--mount', '--propagation', 'private', 'sh', '-c', own, 'sh'];
  argv.push(process.execPath, '--no-warnings', child, mode, directory);
  const process_ = spawn('unshare', alone ? ['--pid', '--fork', '--mount-proc', '--kill-child', ...argv] : argv, {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => process_.kill('SIGKILL'));
  return process_;
}

async function firstLine<T>(from: ChildProcess): Promise<T> {
  let text = '';
  for await (const chunk of from.stdout as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.includes('\n')) return JSON.parse(text) as T;
  }
  throw new Error('the cluster ended without a word');
}

async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'gokube-left-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test('after a stop nothing is left: no process, mount, interface, address, route, namespace, control group or rule', {
  skip,
}, async (t) => {
  const directory = await newDirectory(t);
  const { started, left, cgroups } = await firstLine<{ started: number; left: string[]; cgroups: string[] }>(
    await start(t, 'stop', directory, true),
  );
  assert.ok(started > 0, 'the snapshot sees what a cluster makes');
  assert.deepEqual(left, []);
  assert.deepEqual(cgroups, []);
  // The helper's compiled code is kept here, unless the environment names another place for it.
  const kept = readdirSync(join(directory, 'runtime')).filter((name) => name !== 'compile-cache');
  assert.deepEqual(kept.sort(), ['images', 'layers', 'toolkit']);
});

test('after kill -9 every container ends within a second, and the next start removes the rest', { skip }, async (t) => {
  const directory = await newDirectory(t);
  const cluster = await start(t, 'hang', directory);
  const { pids, helper, prefix } = await firstLine<{ pids: number[]; helper: number; prefix: string }>(cluster);
  assert.equal(pids.length, 6);
  for (const pid of pids) assert.ok(isRunning(pid));
  cluster.kill('SIGKILL');
  await once(cluster, 'exit');
  await within(1000, () => [helper, ...pids].every((pid) => !isRunning(pid)) && runningIn(prefix).length === 0);
  assert.ok(existsSync(join(directory, 'runtime/nodes')), 'folders are left for the next start');
  const { left, cgroups } = await firstLine<{ left: string[]; cgroups: string[] }>(await start(t, 'stop', directory));
  assert.deepEqual(
    left.filter((line) => !line.startsWith('process ')),
    [],
  );
  assert.deepEqual(cgroups, []);
  assert.equal(existsSync(join(directory, 'runtime/nodes')), false);
});

test('after kill -9 of the cluster and of its helper nothing runs on either', { skip }, async (t) => {
  const directory = await newDirectory(t);
  const cluster = await start(t, 'hang', directory);
  const { pids, helper, prefix } = await firstLine<{ pids: number[]; helper: number; prefix: string }>(cluster);
  process.kill(helper, 'SIGSTOP');
  cluster.kill('SIGKILL');
  await once(cluster, 'exit');
  process.kill(helper, 'SIGKILL');
  // A container in the machine's own pid namespace may leave children, which the next start's sweep finds.
  await within(1000, () => pids.every((pid) => !isRunning(pid)));
  await firstLine(await start(t, 'stop', directory));
  assert.deepEqual(runningIn(prefix), []);
});

function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Processes that are in a control group of the cluster. */
function runningIn(prefix: string): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && isRunning(Number(pid)) && read(`/proc/${pid}/cgroup`).includes(prefix));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

async function within(ms: number, check: () => boolean): Promise<void> {
  for (const end = Date.now() + ms; !check(); await sleep(10)) assert.ok(Date.now() < end, `not true within ${ms} ms`);
}
