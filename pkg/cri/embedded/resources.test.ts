import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { busyboxLayer, needsBusybox, ociArchive } from './testing/image-archives.ts';
import { needsContainers } from './testing/needs.ts';
import { archiveStream, TestMachine } from './testing/test-machine.ts';

const megabyte = 1024 * 1024;

suite('limits and signals of the embedded runtime', { skip: needsContainers ?? needsBusybox ?? false, concurrency: 4 }, () => {
  let machine: TestMachine;
  before(async () => {
    machine = await TestMachine.start();
  });
  after(async () => {
    await machine?.close();
  });

  test('what needs more memory than it may have is OOMKilled with 137', async () => {
    const { status } = await machine.sh('exec dd if=/dev/zero of=/dev/null bs=200M count=1', {
      resources: { memoryLimitBytes: 32 * megabyte },
    });
    assert.deepEqual([status.exitCode, status.reason], [137, 'OOMKilled']);
  });

  test('the limits are what was asked for, seen from inside, and can be changed', async () => {
    const resources = {
      cpuShares: 512,
      cpuQuota: 25_000,
      cpuPeriod: 50_000,
      memoryLimitBytes: 64 * megabyte,
      pidsLimit: 20,
      oomScoreAdj: 500,
    };
    const id = await machine.start(await machine.sandbox(), ['sleep', '1000'], { resources });
    const read = async (...files: string[]): Promise<string[]> =>
      (await machine.exec(id, 'sh', '-c', files.map((file) => `cat /sys/fs/cgroup/${file} 2>/dev/null`).join(';'))).trim().split('\n');
    const { version } = machine.machine.cgroups;
    const limits = (): Promise<string[]> =>
      version === 1
        ? read('cpu/cpu.shares', 'cpu/cpu.cfs_quota_us', 'cpu/cpu.cfs_period_us', 'memory/memory.limit_in_bytes', 'pids/pids.max')
        : read('cpu.weight', 'cpu.max', 'memory.max', 'pids.max');
    assert.deepEqual(await limits(), version === 1 ? ['512', '25000', '50000', '67108864', '20'] : ['20', '25000 50000', '67108864', '20']);
    assert.equal(await machine.exec(id, 'cat', '/proc/1/oom_score_adj'), '500\n');
    await machine.runtime.updateContainerResources(id, { memoryLimitBytes: 128 * megabyte, pidsLimit: 30 });
    assert.deepEqual((await limits()).slice(-2), ['134217728', '30']);
  });

  test('a fork bomb stops at the limit of processes, and the container can be stopped', async () => {
    // The shell that cannot fork any more gives up; what it has started stays.
    const bomb = 'sh -c "while :; do sleep 1000 & done"; exec sleep 1000';
    const id = await machine.start(await machine.sandbox(), ['sh', '-c', bomb], { resources: { pidsLimit: 16 } });
    await machine.eventually(async () => (await machine.runtime.containerStats(id)).pids >= 15);
    assert.ok((await machine.runtime.containerStats(id)).pids <= 16);
    await machine.runtime.stopContainer(id, 0);
  });

  test('a pod’s limit holds for the sum of its containers', async () => {
    const sandbox = await machine.sandbox({ resources: { memoryLimitBytes: 32 * megabyte } });
    const id = await machine.start(sandbox, ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=200M', 'count=1']);
    assert.deepEqual([(await machine.ended(id)).exitCode, (await machine.ended(id)).reason], [137, 'OOMKilled']);
  });

  test('use is counted: processor time, memory, processes', async () => {
    const id = await machine.start(await machine.sandbox(), ['sh', '-c', 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; sleep 1000']);
    const { cpuUsageNanos, pids, memoryWorkingSetBytes } = await machine.runtime.containerStats(id);
    await machine.eventually(async () => (await machine.runtime.containerStats(id)).cpuUsageNanos > 10_000_000);
    assert.ok(cpuUsageNanos >= 0 && memoryWorkingSetBytes > 0);
    assert.equal(pids, 1);
  });

  test('the stop signal is the pod’s, else the image’s, else SIGTERM', async () => {
    await machine.machine.images.load(
      archiveStream(await ociArchive({ name: 'quit:1', layers: [await busyboxLayer()], config: { StopSignal: 'SIGQUIT' } })),
    );
    const script =
      'trap "echo TERM; exit" TERM; trap "echo QUIT; exit" QUIT; trap "echo USR1; exit" USR1; echo ready; while :; do sleep 0.1; done';
    for (const [config, expected] of [
      [{}, 'TERM'],
      [{ image: 'quit:1' }, 'QUIT'],
      [{ image: 'quit:1', stopSignal: 'SIGUSR1' }, 'USR1'],
    ] as const) {
      const id = await machine.start(await machine.sandbox(), ['sh', '-c', script], config);
      const { logPath } = await machine.runtime.containerStatus(id);
      await machine.eventually(() => machine.log(logPath).stdout.includes('ready'));
      await machine.runtime.stopContainer(id, 10);
      assert.equal(machine.log(logPath).stdout, `ready\n${expected}\n`);
    }
  });

  test('fifty containers at once all run, and all go', async () => {
    const sandbox = await machine.sandbox();
    const ids = await Promise.all(Array.from({ length: 50 }, () => machine.start(sandbox, ['sleep', '1000'])));
    assert.equal((await machine.runtime.listContainers({ state: 'running', sandboxId: sandbox })).length, 50);
    const pids = await Promise.all(ids.map(async (id) => (await machine.runtime.containerStatus(id)).pid));
    await machine.runtime.removePodSandbox(sandbox);
    assert.deepEqual(await machine.runtime.listContainers({ sandboxId: sandbox }), []);
    for (const pid of pids) assert.throws(() => readFileSync(`/proc/${pid}/stat`), /ENOENT|ESRCH/);
  });
});

test('when the helper is killed its containers end, and a new helper takes over', {
  skip: needsContainers ?? needsBusybox ?? false,
}, async () => {
  const machine = await TestMachine.start();
  try {
    const sandbox = await machine.sandbox();
    const id = await machine.start(sandbox, ['sleep', '1000']);
    const { pid } = await machine.runtime.containerStatus(id);
    process.kill(machine.machine.helper.pid as number, 'SIGKILL');
    const status = await machine.ended(id);
    assert.equal(status.exitCode, 137);
    await machine.eventually(() => {
      try {
        return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
      } catch {
        return true;
      }
    });
    assert.equal((await machine.runtime.podSandboxStatus(sandbox)).state, 'notready');
    await machine.runtime.removePodSandbox(sandbox);
    assert.equal((await machine.sh('echo again')).stdout, 'again\n');
  } finally {
    await machine.close();
  }
});
