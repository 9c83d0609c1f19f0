import { join } from 'node:path';
import { LinuxNetwork } from '../../../network/linux/linux-network.ts';
import { EmbeddedMachine } from '../machine.ts';
import { cgroupsOf, machineSnapshot } from './machine-snapshot.ts';

/**
 * A cluster's machine part in a process of its own: a network of two nodes, two pods on each. `stop` ends it as it
 * should be and prints what was left; `hang` prints what runs and waits to be killed.
 */
const [, , mode, directory = ''] = process.argv;
const cluster = 'left';
const before = machineSnapshot();
const options = { cluster, directory: join(directory, 'runtime') };
const machine = await EmbeddedMachine.start(options);
const network = await LinuxNetwork.start({ ...options, run: (argv, runOptions) => machine.run(argv, runOptions) });
const atStart = machineSnapshot();
const pids: (number | undefined)[] = [];
for (const number of [1, 2]) {
  const node = await network.addNode(`node-${number}`);
  await node.setPodCIDR(`10.244.${number}.0/24`);
  const runtime = machine.runtime(node.node, node);
  for (const pid of ['container', 'pod', 'node'] as const) {
    const sandbox = await runtime.runPodSandbox({
      metadata: { name: pid, namespace: 'test', uid: pid, attempt: 0 },
      hostname: pid,
      logDirectory: join(directory, 'logs'),
      namespaces: { pid },
      portMappings: pid === 'pod' ? [{ protocol: 'TCP', containerPort: 80, hostPort: 8080 }] : [],
    });
    const container = await runtime.createContainer(sandbox, {
      metadata: { name: 'main', attempt: 0 },
      image: 'gokube/host',
      imageReference: 'gokube/host',
      command: ['sh', '-c', 'sleep 7777 & sleep 7777; exit'],
      env: [],
      mounts: [],
      logPath: `${number}-${pid}.log`,
      stdin: false,
      stdinOnce: false,
      tty: pid === 'pod',
    });
    await runtime.startContainer(container);
    pids.push((await runtime.containerStatus(container)).pid);
  }
}
if (mode === 'hang') {
  console.log(JSON.stringify({ pids, helper: machine.helper.pid, prefix: machine.prefix }));
  setInterval(() => {}, 1000);
} else {
  await Promise.all([...['node-1', 'node-2'].map((name) => network.removeNode(name))]).catch(() => {});
  await machine.close();
  await network.close();
  const after = machineSnapshot();
  console.log(
    JSON.stringify({
      started: atStart.size - before.size,
      left: [...after].filter((line) => !before.has(line)),
      cgroups: cgroupsOf(machine.prefix),
    }),
  );
}
