import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { CgroupsV1, CgroupsV2, detectCgroups, weightOfShares } from './cgroups.ts';

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gokube-cgroup-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

const resources = { cpuShares: 1024, cpuQuota: 50_000, memoryLimitBytes: 64 << 20, pidsLimit: 10 };

test('cgroup v2: controllers are handed down at every level, and the limits are written in its units', async (t) => {
  const root = await newFolder(t);
  writeFileSync(join(root, 'cgroup.subtree_control'), 'cpu io\n');
  mkdirSync(join(root, 'gokube/node/pod/main'), { recursive: true });
  for (const file of ['memory.swap.max', 'memory.oom.group']) writeFileSync(join(root, 'gokube/node/pod/main', file), '');
  writeFileSync(join(root, 'gokube/cgroup.subtree_control'), 'cpu memory pids\n');
  writeFileSync(join(root, 'gokube/node/cgroup.subtree_control'), '');
  writeFileSync(join(root, 'gokube/node/pod/cgroup.subtree_control'), '');
  const cgroups = new CgroupsV2(root);
  cgroups.create('gokube/node/pod/main', resources);
  const read = (path: string): string => readFileSync(join(root, path), 'utf8');
  assert.equal(read('cgroup.subtree_control'), '+memory +pids');
  assert.equal(read('gokube/cgroup.subtree_control'), 'cpu memory pids\n');
  assert.equal(read('gokube/node/cgroup.subtree_control'), '+cpu +memory +pids');
  assert.equal(read('gokube/node/pod/cgroup.subtree_control'), '+cpu +memory +pids');
  const own = (file: string): string => read(`gokube/node/pod/main/${file}`);
  assert.deepEqual([own('cpu.weight'), own('cpu.max'), own('memory.max'), own('pids.max')], ['39', '50000 100000', '67108864', '10']);
  cgroups.update('gokube/node/pod/main', { cpuQuota: -1, pidsLimit: 0 });
  assert.deepEqual([own('cpu.max'), own('pids.max')], ['max 100000', 'max']);
  assert.deepEqual(cgroups.procs('gokube/node/pod/main'), [join(root, 'gokube/node/pod/main/cgroup.procs')]);
});

test('cgroup v2: use and out-of-memory kills are read from its files', async (t) => {
  const root = await newFolder(t);
  mkdirSync(join(root, 'c'));
  for (const [file, text] of Object.entries({
    'cpu.stat': 'usage_usec 1500\nuser_usec 1000\n',
    'memory.current': '9000\n',
    'memory.stat': 'anon 1\ninactive_file 4000\n',
    'pids.current': '3\n',
    'memory.events': 'low 0\noom 2\noom_kill 1\n',
  }))
    writeFileSync(join(root, 'c', file), text);
  const cgroups = new CgroupsV2(root);
  assert.deepEqual(cgroups.stats('c'), { cpuUsageNanos: 1_500_000, memoryWorkingSetBytes: 5000, pids: 3 });
  assert.equal(cgroups.oomKills('c'), 1);
  assert.equal(cgroups.oomKills('gone'), 0);
});

test('cgroup v1: each controller in its hierarchy, with cpu and cpuacct in one or two', async (t) => {
  const root = await newFolder(t);
  const at = (name: string): string => join(root, name);
  const cgroups = new CgroupsV1(
    new Map([
      ['cpu', at('cpu,cpuacct')],
      ['cpuacct', at('cpu,cpuacct')],
      ['memory', at('memory')],
      ['pids', at('pids')],
    ]),
  );
  cgroups.create('g/c', resources);
  const read = (path: string): string => readFileSync(join(root, path), 'utf8');
  assert.equal(read('cpu,cpuacct/g/c/cpu.shares'), '1024');
  assert.equal(read('cpu,cpuacct/g/c/cpu.cfs_quota_us'), '50000');
  assert.equal(read('memory/g/c/memory.limit_in_bytes'), '67108864');
  assert.equal(read('pids/g/c/pids.max'), '10');
  assert.equal(cgroups.procs('g/c').length, 3);
});

test('what is mounted decides: version 1 where it has memory, version 2 elsewhere, none otherwise', async (t) => {
  const unified = await newFolder(t);
  writeFileSync(join(unified, 'cgroup.controllers'), 'cpuset cpu io memory pids\n');
  const v2 = `30 20 0:26 / ${unified} rw - cgroup2 cgroup2 rw,nsdelegate\n`;
  const v1 =
    '31 20 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n32 20 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n';
  assert.equal(detectCgroups(v2)?.version, 2);
  assert.equal(detectCgroups(v1 + v2)?.version, 1);
  assert.equal(detectCgroups('21 1 0:20 / /sys rw - sysfs sysfs rw\n'), undefined);
  writeFileSync(join(unified, 'cgroup.controllers'), '');
  assert.equal(detectCgroups(v2), undefined);
});

test('weights keep the order of shares and stay in range', () => {
  assert.deepEqual([2, 1024, 262_144].map(weightOfShares), [1, 39, 10_000]);
  fc.assert(
    fc.property(fc.nat(300_000), fc.nat(300_000), (a, b) => {
      const [low, high] = [weightOfShares(Math.min(a, b)), weightOfShares(Math.max(a, b))];
      return low <= high && low >= 1 && high <= 10_000;
    }),
  );
});
