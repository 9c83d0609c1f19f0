/** The story of a new user, with real containers on three nodes and the real kubectl. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { after, before, describe, test } from 'node:test';
import { needsContainers } from '../../pkg/cri/embedded/testing/needs.ts';
import { needsClients } from '../compat/clients.ts';
import { eventually, RunningCluster, run } from './running-cluster.ts';

const skip = needsContainers ?? needsClients();
const patient = [
  '--node-monitor-grace-period',
  '8s',
  '--default-not-ready-toleration-seconds',
  '2',
  '--default-unreachable-toleration-seconds',
  '2',
];

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      topologySpreadConstraints:
        - { maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: { matchLabels: { app: web } } }
      containers:
        - name: web
          image: gokube/host
          command: [${JSON.stringify('/opt/gokube/bin/node')}, -e, 'require("http").createServer((q, a) => a.end(require("os").hostname() + "\\n")).listen(8080)']
          readinessProbe: { httpGet: { path: /, port: 8080 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: NodePort, selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: client }
spec:
  terminationGracePeriodSeconds: 0
  # Nobody makes it again when its node dies: it waits for the node's return.
  tolerations: [{ operator: Exists, effect: NoExecute }]
  containers: [{ name: client, image: gokube/host, command: [sleep, infinity] }]
`;

/** Asks an address \`count\` times with a program that every image here has; counts who answered. */
const asker = `
const [url, count] = process.argv.slice(1);
(async () => {
  const seen = {};
  for (let i = 0; i < Number(count); i++) {
    let who;
    try { who = (await (await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(3000) })).text()).trim(); } catch (error) { who = 'FAILED ' + (error.cause?.code ?? error.name); }
    seen[who] = (seen[who] ?? 0) + 1;
  }
  console.log(JSON.stringify(seen));
})();`;

describe('a cluster on this machine', { skip, timeout: 600_000 }, () => {
  let cluster: RunningCluster;
  before(async () => {
    cluster = await RunningCluster.create();
    await cluster.up(...patient);
  });
  after(() => cluster.delete());

  const running = (): { name: string; node: string }[] =>
    JSON.parse(cluster.ok('get', 'pods', '-l', 'app=web', '-o', 'json'))
      .items.filter(
        (pod: { metadata: { deletionTimestamp?: string }; status: { conditions?: { type: string; status: string }[] } }) =>
          pod.metadata.deletionTimestamp === undefined &&
          pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
      )
      .map((pod: { metadata: { name: string }; spec: { nodeName: string } }) => ({ name: pod.metadata.name, node: pod.spec.nodeName }));
  const replicas = (count: number): void => {
    cluster.ok('scale', 'deployment/web', `--replicas=${count}`);
  };

  test('has three ready nodes, seen with kubectl and without', () => {
    assert.match(cluster.ok('get', 'nodes'), /(node-\d\s+Ready.*\n){3}/);
    const { code, out } = cluster.gokube('kubectl', 'get', 'nodes');
    assert.equal(code, 0);
    assert.match(out, /(node-\d\s+Ready.*\n){3}/);
    assert.equal(cluster.gokube('status').code, 0);
  });

  test('spreads 300 requests over all pods, to the cluster IP from the host and a pod, to the node port, and by name', async () => {
    cluster.apply(web);
    cluster.ok('rollout', 'status', 'deployment/web', '--timeout=60s');
    cluster.ok('wait', '--for=condition=Ready', 'pod/client', '--timeout=30s');
    const names = running()
      .map(({ name }) => name)
      .sort();
    assert.equal(names.length, 3);
    const service = JSON.parse(cluster.ok('get', 'service', 'web', '-o', 'json'));
    const { clusterIP, ports } = service.spec;
    const check = (out: string, how: string): void => assert.deepEqual(Object.keys(JSON.parse(out)).sort(), names, `${how}: ${out}`);
    // A moment for the rules to reach every node.
    await eventually('the service to answer', 5, () =>
      run(process.execPath, ['-e', asker, `http://${clusterIP}`, '1']).out.includes('web-'),
    );
    check(run(process.execPath, ['-e', asker, `http://${clusterIP}`, '300']).out, 'cluster IP from the host');
    check(run(process.execPath, ['-e', asker, `http://127.0.0.1:${ports[0].nodePort}`, '300']).out, 'node port at 127.0.0.1');
    for (const address of [clusterIP, 'web', 'web.default.svc.cluster.local']) {
      check(cluster.ok('exec', 'client', '--', '/opt/gokube/bin/node', '-e', asker, `http://${address}`, '300'), `${address} from a pod`);
    }
  });

  test('logs, exec with exit codes, labels, patches, updates and their undoing', () => {
    assert.equal(cluster.kubectl('exec', 'client', '--', 'sh', '-c', 'exit 7').code, 7);
    cluster.ok('label', 'pod', 'client', 'tier=test');
    cluster.ok('annotate', 'pod', 'client', 'note=yes');
    cluster.ok('patch', 'deployment', 'web', '-p', '{"spec":{"template":{"metadata":{"annotations":{"round":"2"}}}}}');
    cluster.ok('rollout', 'status', 'deployment/web', '--timeout=60s');
    assert.match(cluster.ok('rollout', 'history', 'deployment/web'), /\n2 /);
    cluster.ok('rollout', 'undo', 'deployment/web');
    cluster.ok('rollout', 'status', 'deployment/web', '--timeout=60s');
    assert.match(cluster.ok('describe', 'pod', 'client'), /Normal\s+Started/);
    assert.match(cluster.ok('explain', 'deployment.spec.strategy'), /RollingUpdate/);
    assert.equal(cluster.ok('get', 'pods', '-l', 'tier=test', '-o', 'name').trim(), 'pod/client');
  });

  test('starts a container again that was killed from outside', async () => {
    const [pod] = running();
    const id = cluster
      .ok('get', 'pod', pod?.name as string, '-o', 'jsonpath={.status.containerStatuses[0].containerID}')
      .replace(/^.*:\/\//, '');
    const pid = processesOf(id)[0];
    assert.ok(pid, `no process found of container ${id}`);
    process.kill(pid, 'SIGKILL');
    await eventually(
      'a restart',
      20,
      () => cluster.ok('get', 'pod', pod?.name as string, '-o', 'jsonpath={.status.containerStatuses[0].restartCount}') === '1',
    );
  });

  test('runs a dead node’s pods elsewhere within 15 s, and takes the node back', async () => {
    await eventually('three pods', 30, () => running().length === 3);
    const { node } = running()[0] as { node: string };
    assert.equal(cluster.gokube('node', 'kill', node).code, 0);
    await eventually(
      'all pods elsewhere',
      15,
      () => running().filter((pod) => pod.node !== node).length === 3 || JSON.stringify(running()),
    );
    assert.equal(cluster.gokube('status').code, 1);
    cluster.gokube('node', 'start', node);
    await eventually('the node to be back', 20, () => cluster.gokube('status').code === 0);
  });

  test('runs a cut-off node’s pods elsewhere, and no pod twice after it is joined again', async () => {
    const { node } = running()[0] as { node: string };
    cluster.gokube('node', 'partition', node);
    await eventually(
      'all pods elsewhere',
      20,
      () => running().filter((pod) => pod.node !== node).length === 3 || JSON.stringify(running()),
    );
    cluster.gokube('node', 'heal', node);
    await eventually('the node to be back', 20, () => cluster.gokube('status').code === 0);
    const live = (): string[] =>
      JSON.parse(cluster.ok('get', 'pods', '-l', 'app=web', '-o', 'json')).items.map(
        (pod: { metadata: { uid: string } }) => pod.metadata.uid,
      );
    await eventually('just three pods', 40, () => live().length === 3 || live().join());
    await eventually(
      'no process of another pod',
      10,
      () => containerProcesses().filter((text) => text.includes('createServer')).length === 3,
    );
  });

  test('scales to 0, to 50 and back, and leaves nothing when the deployment is deleted', async () => {
    replicas(0);
    await eventually('no pods', 40, () => cluster.ok('get', 'pods', '-l', 'app=web', '-o', 'name') === '');
    replicas(50);
    await eventually('50 pods', 90, () => running().length === 50 || String(running().length));
    replicas(3);
    await eventually('3 pods', 60, () => cluster.ok('get', 'pods', '-l', 'app=web', '-o', 'name').trim().split('\n').length === 3);
    cluster.ok('delete', 'deployment', 'web', '--cascade=foreground', '--timeout=60s');
    assert.equal(cluster.ok('get', 'deployments,replicasets,pods', '-l', 'app=web', '-o', 'name'), '');
    await eventually('no process left', 10, () => containerProcesses().filter((text) => text.includes('createServer')).length === 0);
  });

  test('loses no acknowledged object to kill -9, and its pods run again', async () => {
    const acknowledged: string[] = [];
    const creating = (async () => {
      for (let i = 0; i < 200; i++) {
        const { code } = cluster.kubectl('create', 'configmap', `kept-${i}`, `--from-literal=i=${i}`);
        if (code !== 0) return;
        acknowledged.push(`configmap/kept-${i}`);
        await new Promise((done) => setImmediate(done));
        if (i === 20) await cluster.kill();
      }
    })();
    await creating;
    assert.ok(acknowledged.length >= 20);
    await eventually('all containers to end', 3, () => containerProcesses().length === 0 || containerProcesses().join('\n'));
    await cluster.up(...patient);
    const there = new Set(cluster.ok('get', 'configmaps', '-o', 'name').split('\n'));
    assert.deepEqual(
      acknowledged.filter((name) => !there.has(name)),
      [],
    );
    await eventually('the client pod to run again', 30, () => cluster.kubectl('exec', 'client', '--', 'true').code === 0);
  });

  test('leaves nothing on the machine after Ctrl-C', async () => {
    await cluster.stop();
    assert.deepEqual(containerProcesses(), []);
    assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(cluster.directory));
    assert.doesNotMatch(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }), new RegExp(cluster.name));
    assert.doesNotMatch(run('nft', ['list', 'tables']).out, new RegExp(cluster.name));
  });

  /** Processes inside this cluster's containers: those whose control group bears the cluster's name. */
  function containerProcesses(): string[] {
    return pids().flatMap((pid) => {
      const text = read(`/proc/${pid}/cgroup`);
      return text.includes(`gokube-${cluster.name}-`) ? [read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')] : [];
    });
  }

  function processesOf(container: string): number[] {
    return pids().filter((pid) => read(`/proc/${pid}/cgroup`).includes(container) && read(`/proc/${pid}/cmdline`).includes('createServer'));
  }
});

function pids(): number[] {
  return execFileSync('ls', ['/proc'], { encoding: 'utf8' })
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // It has ended meanwhile.
  }
}
