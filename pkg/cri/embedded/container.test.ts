import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { isRuntimeError } from '../cri.ts';
import { busyboxLayer, needsBusybox, ociArchive, tarOf } from './testing/image-archives.ts';
import { needsContainers } from './testing/needs.ts';
import { archiveStream, TestMachine } from './testing/test-machine.ts';

suite('containers of the embedded runtime', { skip: needsContainers ?? needsBusybox ?? false, concurrency: 4 }, () => {
  let machine: TestMachine;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gokube-container-'));
    machine = await TestMachine.start();
  });
  after(async () => {
    await machine?.close();
    await rm(folder, { recursive: true });
  });

  test('a container is alone: PID 1, its own host name, its own processes, its own root', async () => {
    const { stdout } = await machine.sh('echo $$; hostname; ps -o pid,comm | wc -l; ls /; mount | head -1');
    const [pid, hostname, processes, ...rest] = stdout.trim().split('\n');
    assert.equal(pid, '1');
    assert.match(hostname ?? '', /^pod-\d+$/);
    assert.ok(Number(processes) <= 4);
    assert.deepEqual(rest.slice(0, -1), ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp']);
    assert.match(rest.at(-1) ?? '', /^overlay on \/ type overlay/);
  });

  test('the exit code is the program’s; after signal n it is 128 + n', async () => {
    assert.equal((await machine.sh('exit 42')).exitCode, 42);
    assert.equal((await machine.sh('sh -c "kill -9 \\$\\$"; exit $?')).exitCode, 137);
    const sandbox = await machine.sandbox();
    const id = await machine.start(sandbox, ['sleep', '1000']);
    process.kill((await machine.runtime.containerStatus(id)).pid as number, 'SIGKILL');
    const status = await machine.ended(id);
    assert.equal(status.exitCode, 137);
    assert.equal(status.reason, 'Error');
  });

  test('what cannot be started says why in the words that users of other runtimes know', async () => {
    const sandbox = await machine.sandbox();
    const failures: [string[], string][] = [
      [['foo'], 'exec: "foo": executable file not found in $PATH'],
      [['/no/such'], 'exec: "/no/such": stat /no/such: no such file or directory'],
      [['/etc/passwd'], 'exec: "/etc/passwd": permission denied'],
      [['/etc'], 'exec: "/etc": is a directory'],
      [['/broken'], 'exec /broken: exec format error'],
      [['/script'], 'exec /script: no such file or directory'],
    ];
    const layer = await tarOf([
      { name: 'broken', mode: 0o755, content: '\0\0\0\0' },
      { name: 'script', mode: 0o755, content: '#!/no/interpreter\n' },
    ]);
    await machine.machine.images.load(archiveStream(await ociArchive({ name: 'broken:1', layers: [await busyboxLayer(), layer] })));
    for (const [command, message] of failures) {
      const id = await machine.create(sandbox, command, { image: 'broken:1' });
      await assert.rejects(machine.runtime.startContainer(id), (error: unknown) => {
        assert.ok(isRuntimeError(error, 'StartFailed'));
        assert.equal(error.message, message);
        return true;
      });
      const { state, exitCode, reason, message: told } = await machine.runtime.containerStatus(id);
      assert.deepEqual({ state, exitCode, reason, told }, { state: 'exited', exitCode: 128, reason: 'StartError', told: message });
    }
  });

  test('command, arguments, environment, working directory: the pod’s over the image’s', async () => {
    const config = { Entrypoint: ['/bin/echo', 'image'], Cmd: ['default'], Env: ['FROM=image', 'KEPT=yes'], WorkingDir: '/made/on/demand' };
    await machine.machine.images.load(archiveStream(await ociArchive({ name: 'config:1', layers: [await busyboxLayer()], config })));
    const sandbox = await machine.sandbox();
    const run = async (extra: object): Promise<string> => {
      const id = await machine.create(sandbox, undefined as never, { image: 'config:1', ...extra });
      await machine.runtime.startContainer(id);
      return machine.log((await machine.ended(id)).logPath).stdout;
    };
    assert.equal(await run({}), 'image default\n');
    assert.equal(await run({ args: ['given', "it's $HOME"] }), "image given it's $HOME\n");
    assert.equal(await run({ command: ['echo', 'own'] }), 'own\n');
    const env = [
      { name: 'FROM', value: 'pod' },
      { name: 'odd.name-1', value: 'a\nb=c' },
    ];
    assert.equal(await run({ command: ['sh', '-c', 'pwd; echo $KEPT $FROM $HOME'], env }), '/made/on/demand\nyes pod /root\n');
    assert.match(await run({ command: ['env'], env }), /^odd\.name-1=a\nb=c$/m);
  });

  test('capabilities are Kubernetes’ default set, changed by add, drop and ALL', async () => {
    const bounding = async (security: object): Promise<string> => {
      const { stdout } = await machine.sh('grep -E "CapEff|CapBnd|NoNewPrivs" /proc/self/status', { security });
      return stdout.replace(/\s+/g, ' ').trim();
    };
    assert.equal(await bounding({}), 'CapEff: 00000000a80425fb CapBnd: 00000000a80425fb NoNewPrivs: 0');
    assert.equal(await bounding({ dropCapabilities: ['ALL'] }), 'CapEff: 0000000000000000 CapBnd: 0000000000000000 NoNewPrivs: 0');
    assert.equal(
      await bounding({ dropCapabilities: ['ALL'], addCapabilities: ['NET_BIND_SERVICE'] }),
      'CapEff: 0000000000000400 CapBnd: 0000000000000400 NoNewPrivs: 0',
    );
    assert.equal(
      await bounding({ addCapabilities: ['CAP_SYS_TIME'], dropCapabilities: ['chown'] }),
      'CapEff: 00000000aa0425fa CapBnd: 00000000aa0425fa NoNewPrivs: 0',
    );
    assert.equal(
      await bounding({ runAsUser: 1000, noNewPrivileges: true }),
      'CapEff: 0000000000000000 CapBnd: 00000000a80425fb NoNewPrivs: 1',
    );
    const all = /^CapBnd:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    assert.equal(await bounding({ privileged: true }), `CapEff: ${all} CapBnd: ${all} NoNewPrivs: 0`);
    const sandbox = await machine.sandbox();
    await assert.rejects(machine.create(sandbox, ['true'], { security: { addCapabilities: ['FLY'] } }), /unknown capability "FLY"/);
  });

  test('users and groups: by number, by the image’s names, with the groups of /etc/group', async () => {
    const id = async (security: object): Promise<string> => (await machine.sh('id; echo $HOME', { security })).stdout.trim();
    assert.equal(await id({}), 'uid=0(root) gid=0(root)\n/root');
    assert.equal(await id({ runAsUsername: 'alice' }), 'uid=1000(alice) gid=1001(alice) groups=29(audio),44(video)\n/home/alice');
    assert.equal(await id({ runAsUser: 1000 }), 'uid=1000(alice) gid=1001(alice) groups=29(audio),44(video)\n/home/alice');
    assert.equal(await id({ runAsUser: 4711, runAsGroup: 12, supplementalGroups: [7, 8] }), 'uid=4711 gid=12 groups=7,8\n/');
    const sandbox = await machine.sandbox();
    const bob = await machine.create(sandbox, ['true'], { security: { runAsUsername: 'bob' } });
    await assert.rejects(machine.runtime.startContainer(bob), /unable to find user bob: no matching entries in passwd file/);
  });

  test('a user who is not root can write to /dev/stdout and /dev/stderr', async () => {
    const { stdout, stderr } = await machine.sh('echo out >/dev/stdout; echo err >/dev/stderr', { security: { runAsUser: 1000 } });
    assert.deepEqual({ stdout, stderr }, { stdout: 'out\n', stderr: 'err\n' });
  });

  test('the kernel’s dangerous files are masked or read-only; a privileged container has them', async () => {
    const look =
      'echo x 2>&1 >/proc/sys/kernel/panic || echo readonly; wc -c </proc/keys; ls /sys/firmware | wc -l; echo x 2>&1 >/sys/kernel/x || echo readonly';
    const { stdout } = await machine.sh(look);
    assert.match(stdout, /Read-only file system\nreadonly\n0\n0\n.*Read-only file system\nreadonly\n/s);
    const { stdout: privileged } = await machine.sh('mount | grep -c "/proc/sys"; ls /dev | wc -l', { security: { privileged: true } });
    assert.equal(privileged.split('\n')[0], '0');
    const { stdout: asked } = await machine.sh('wc -c </proc/cpuinfo; ls /proc/irq | wc -l', {
      security: { maskedPaths: ['/proc/cpuinfo', '/proc/irq'], readonlyPaths: [] },
    });
    assert.equal(asked, '0\n0\n');
  });

  test('no device of the machine can be reached, whoever makes the node', async () => {
    const { stdout } = await machine.sh(
      'for f in /disk /tmp/disk /dev/disk /data/disk; do mknod $f b 254 0 && { head -c1 $f >/dev/null 2>&1 && echo open $f; }; done; echo x >/dev/null && echo null works',
      {
        mounts: [{ containerPath: '/data', hostPath: join(folder, 'nodev'), readonly: false }],
      },
    );
    assert.equal(stdout, 'null works\n');
  });

  test('a read-only root refuses writes; volumes, /dev/shm and /dev take them', async () => {
    const { stdout, stderr } = await machine.sh('echo 1 >/x; echo 2 >/etc/x; echo 3 >/vol/x && echo 4 >/dev/shm/x && echo fine', {
      security: { readOnlyRootFilesystem: true },
      mounts: [{ containerPath: '/vol', hostPath: join(folder, 'rw'), readonly: false }],
    });
    assert.equal(stdout, 'fine\n');
    assert.equal(stderr.match(/Read-only file system/g)?.length, 2);
    assert.equal(readFileSync(join(folder, 'rw/x'), 'utf8'), '3\n');
  });

  test('volumes: folders and files, read-only or not, one below the other, with odd names', async () => {
    await mkdir(join(folder, 'outer'));
    await mkdir(join(folder, 'inner #1\t"x"'));
    await writeFile(join(folder, 'single'), 'file');
    await writeFile(join(folder, 'inner #1\t"x"/f'), 'inner');
    const { stdout, stderr } = await machine.sh('cat /deep/new/file /a/b/f /a/c; echo; echo x >/a/top; echo y >/deep/new/file; ls /a', {
      mounts: [
        { containerPath: '/a/b/', hostPath: join(folder, 'inner #1\t"x"'), readonly: true },
        { containerPath: '/deep/new/file', hostPath: join(folder, 'single'), readonly: true },
        { containerPath: '/a/c', hostPath: join(folder, 'single'), readonly: false },
        { containerPath: '/a', hostPath: join(folder, 'outer'), readonly: false },
      ],
    });
    assert.equal(stdout, 'fileinnerfile\nb\nc\ntop\n');
    assert.match(stderr, /file: Read-only file system/);
    assert.deepEqual(readdirSync(join(folder, 'outer')).sort(), ['b', 'c', 'top']);
  });

  test('links in an image lead nowhere but into the container', async () => {
    const victim = join(folder, 'victim');
    await mkdir(victim);
    const up = '../../../../../../../../../../..';
    const layer = await tarOf([
      { name: 'vol', type: 'symlink', linkname: `${up}${victim}/made` },
      { name: 'file', type: 'symlink', linkname: `/dev/.gokube/old${victim}/made-file` },
      { name: 'machine', type: 'symlink', linkname: `/proc/${process.pid}/root${folder}` },
      { name: 'mnt', type: 'symlink', linkname: `/proc/${process.pid}/root${victim}/made-mnt` },
      { name: 'wd', type: 'symlink', linkname: `/proc/${process.pid}/root${victim}/made-wd` },
    ]);
    await machine.machine.images.load(archiveStream(await ociArchive({ name: 'links:1', layers: [await busyboxLayer(), layer] })));
    await writeFile(join(folder, 'source'), 'source');
    for (const pid of ['container', 'node'] as const) {
      const sandbox = await machine.sandbox();
      for (const extra of [
        { mounts: [{ containerPath: '/vol', hostPath: folder, readonly: true }] },
        { mounts: [{ containerPath: '/file', hostPath: join(folder, 'source'), readonly: true }] },
        { mounts: [{ containerPath: '/mnt', hostPath: folder, readonly: true }] },
        { mounts: [{ containerPath: '/mnt/file', hostPath: join(folder, 'source'), readonly: true }] },
        { workingDir: '/wd' },
      ]) {
        const id = await machine.create(sandbox, ['sleep', '0.1'], { image: 'links:1', security: { pid }, ...extra });
        // Some are refused, some work inside: both are right as long as nothing happens outside.
        await machine.runtime.startContainer(id).catch(() => {});
      }
      assert.deepEqual(readdirSync(victim), [], `pid ${pid}`);
      const out = await machine.create(sandbox, ['cat', 'source'], { image: 'links:1', security: { pid }, workingDir: '/machine' });
      await assert.rejects(
        machine.runtime.startContainer(out),
        /(leads out of the container|can't (cd|create)|No such file|cannot create)/,
      );
    }
  });

  test('an image cannot have its code run by the programs that set the container up', async () => {
    const evil = '#!/bin/sh\necho evil >/evil\n';
    const layer = await tarOf([
      { name: 'etc/ld.so.preload', content: '/lib/evil.so\n' },
      { name: 'lib/evil.so', mode: 0o755, content: 'not even a library' },
      ...['mount.tmpfs', 'mount.proc', 'mount.none', 'umount.overlay', 'mount.devpts'].map((name) => ({
        name: `sbin/${name}`,
        mode: 0o755,
        content: evil,
      })),
      { name: 'etc/fstab', content: 'tmpfs / tmpfs defaults 0 0\n' },
      { name: 'dev', type: 'symlink' as const, linkname: '/tmp' },
      { name: 'proc', type: 'symlink' as const, linkname: '/tmp' },
    ]);
    await machine.machine.images.load(archiveStream(await ociArchive({ name: 'evil:1', layers: [await busyboxLayer(), layer] })));
    const env = [
      { name: 'LD_PRELOAD', value: '/lib/evil.so' },
      { name: 'LD_LIBRARY_PATH', value: '/lib' },
    ];
    const sandbox = await machine.sandbox();
    const id = await machine.start(sandbox, ['sh', '-c', 'ls -d /evil; grep -c proc /proc/mounts; sleep 100'], {
      image: 'evil:1',
      env,
      security: { readOnlyRootFilesystem: true },
    });
    assert.match(await machine.exec(id, 'ls', '-d', '/evil'), /No such file/);
    const attack = 'mv /dev /dev2 || mv /dev/.gokube /dev/x || echo x >/dev/.gokube/sh || rm /dev/.gokube/env || echo refused';
    assert.match(await machine.exec(id, 'sh', '-c', attack), /refused\n/);
    assert.ok(existsSync(join(machine.machine.toolkit.folder, 'sh')));
  });

  test('resolv.conf, hosts and hostname come from the pod; a mount of the pod’s goes before', async () => {
    const dns = { servers: ['10.96.0.10'], searches: ['default.svc.cluster.local', 'cluster.local'], options: ['ndots:5'] };
    const { stdout } = await machine.sh('cat /etc/resolv.conf /etc/hostname; grep -c localhost /etc/hosts', {}, { dns, hostname: 'web-0' });
    assert.equal(stdout, 'search default.svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\nweb-0\n2\n');
    await writeFile(join(folder, 'hosts'), '# Kubernetes-managed hosts file.\n');
    const mounts = [{ containerPath: '/etc/hosts', hostPath: join(folder, 'hosts'), readonly: false }];
    assert.equal((await machine.sh('cat /etc/hosts', { mounts })).stdout, '# Kubernetes-managed hosts file.\n');
  });

  test('containers of a pod share network, host name, IPC and shared memory, and not their processes or files', async () => {
    const sandbox = await machine.sandbox();
    const one = await machine.start(sandbox, ['sh', '-c', 'echo shared >/dev/shm/x; nc -l -p 8080 -e echo hello & sleep 1000']);
    const two = await machine.start(sandbox, ['sleep', '1000']);
    const spaces = async (id: string): Promise<string[]> =>
      (await machine.exec(id, 'sh', '-c', 'for n in net uts ipc pid mnt; do readlink /proc/self/ns/$n; done')).trim().split('\n');
    const [a, b] = [await spaces(one), await spaces(two)];
    assert.deepEqual(a.slice(0, 3), b.slice(0, 3));
    assert.notEqual(a[3], b[3]);
    assert.notEqual(a[4], b[4]);
    assert.equal(await machine.exec(two, 'cat', '/dev/shm/x'), 'shared\n');
    assert.doesNotMatch(await machine.exec(two, 'ps'), /nc -l/);
  });

  test('a pod that shares its processes: PID 1 takes in orphans, signals reach a neighbour, its root shows nothing', async () => {
    const sandbox = await machine.sandbox({ namespaces: { pid: 'pod' } });
    const one = await machine.start(sandbox, ['sh', '-c', 'sleep 1001; exit 5']);
    const two = await machine.start(sandbox, ['sh', '-c', '(sleep 0.01 &) ; sleep 1002']);
    // A container that was started may not have come to its command yet.
    const processes = async (): Promise<string> => await machine.exec(two, 'ps', '-o', 'pid,args');
    const sleeper = /^ *(\d+) sleep 1001$/m;
    await machine.eventually(async () => sleeper.test(await processes()) && / sleep 1002$/m.test(await processes()));
    await machine.eventually(async () => !/\[sleep\]/.test(await processes()) && !/sleep 0.01$/m.test(await processes()));
    assert.match(await machine.exec(two, 'ls', '/proc/1/root/'), /Permission denied/);
    await machine.exec(two, 'kill', sleeper.exec(await processes())?.[1] ?? 'the process that one waits for');
    const status = await machine.ended(one);
    assert.equal(status.exitCode, 5);
    await machine.runtime.stopContainer(two, 0);
    assert.equal((await machine.ended(two)).exitCode, 137);
    await machine.runtime.removePodSandbox(sandbox);
  });

  test('hostPID shows the machine’s processes, hostIPC its shared memory', async () => {
    const { stdout } = await machine.sh(
      `ps -o pid | grep -c "^ *${process.pid}$"; echo $$`,
      { security: { pid: 'node' } },
      { namespaces: { ipc: 'node' } },
    );
    const [seen, own] = stdout.trim().split('\n');
    assert.equal(seen, '1');
    assert.ok(Number(own) > 1);
  });

  test('hostPID: what a container started ends with it', async () => {
    const sandbox = await machine.sandbox({ namespaces: { pid: 'node' } });
    const id = await machine.start(sandbox, ['sh', '-c', 'sleep 4321 & sleep 4321; exit']);
    const pid = (await machine.runtime.containerStatus(id)).pid as number;
    await machine.eventually(() => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').length === 2);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    await machine.runtime.stopContainer(id, 0);
    await machine.eventually(() => children.every((child) => !existsSync(`/proc/${child}`)));
  });

  test('hostNetwork is the node’s network, with a host name of the pod’s own', async (t) => {
    const name = `gkhn${process.pid}`;
    await machine.machine.run(['ip', 'netns', 'add', name]);
    t.after(() => machine.machine.run(['ip', 'netns', 'del', name]));
    const attached: string[] = [];
    const network = {
      netns: `/run/netns/${name}`,
      attachPod: async (id: string) => {
        attached.push(id);
        return ['10.0.0.1'];
      },
      detachPod: async () => {},
    };
    const runtime = machine.machine.runtime('node-2', network);
    const sandbox = await runtime.runPodSandbox({
      metadata: { name: 'h', namespace: 'test', uid: 'h', attempt: 0 },
      hostname: 'node-2',
      logDirectory: join(folder, 'logs'),
      namespaces: { network: 'node' },
    });
    assert.deepEqual((await runtime.podSandboxStatus(sandbox)).ips, []);
    assert.deepEqual(attached, []);
    const id = await runtime.createContainer(sandbox, {
      ...{ metadata: { name: 'main', attempt: 0 }, image: 'busybox:test', imageReference: 'busybox:test', command: ['sleep', '1000'] },
      ...{ env: [], mounts: [], logPath: 'main.log', stdin: false, stdinOnce: false, tty: false },
    });
    await runtime.startContainer(id);
    const { stdout } = await runtime.execSync(id, ['stat', '-L', '-c', '%i', '/proc/self/ns/net'], 10);
    assert.equal(new TextDecoder().decode(stdout).trim(), String(statSync(`/run/netns/${name}`).ino));
    assert.equal(new TextDecoder().decode((await runtime.execSync(id, ['hostname'], 10)).stdout), 'node-2\n');
    await runtime.close();
    await assert.rejects(
      runtime.runPodSandbox({ metadata: { name: 'x', namespace: 'x', uid: 'x', attempt: 0 }, hostname: 'x', logDirectory: folder }),
      /closed/,
    );
  });

  test('sysctls of the pod’s namespaces are set, others refused', async () => {
    const { stdout } = await machine.sh(
      'cat /proc/sys/net/core/somaxconn /proc/sys/kernel/shm_rmid_forced',
      {},
      { sysctls: { 'net.core.somaxconn': '777', 'kernel.shm_rmid_forced': '1' } },
    );
    assert.equal(stdout, '777\n1\n');
    for (const name of ['kernel.panic', 'vm.swappiness', 'net../../kernel.panic'])
      await assert.rejects(machine.sandbox({ sysctls: { [name]: '1' } }), /does not belong/);
  });

  test('a folder of the machine behind a symbolic link is mounted where the link leads', async () => {
    await mkdir(join(folder, 'real'));
    await writeFile(join(folder, 'real/f'), 'real');
    await symlink(join(folder, 'real'), join(folder, 'link'));
    const mounts = [{ containerPath: '/v', hostPath: join(folder, 'link'), readonly: true }];
    assert.equal((await machine.sh('cat /v/f', { mounts })).stdout, 'real\n');
  });

  test('gokube/host is the machine, without its secrets, and what is written stays in the container', async () => {
    const probe = `__gokube_probe_${process.pid}`;
    const { stdout } = await machine.sh(
      `ls -A /root /home /tmp ${machine.directory} 2>/dev/null | grep -v : ; cat /etc/shadow /etc/gshadow; ls -d /usr/bin/env; echo x >/${probe} && echo written; /opt/gokube/bin/node --version; echo ~`,
      { image: 'gokube/host:any' },
    );
    assert.equal(stdout.trim(), `/usr/bin/env\nwritten\n${process.version}\n/root`);
    assert.equal(existsSync(`/${probe}`), false);
  });
});
