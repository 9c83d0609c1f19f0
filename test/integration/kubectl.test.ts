/** The small kubectl against a whole simulated cluster: what needs controllers, kubelets and containers. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { VirtualClock } from '../../pkg/clock/virtual-clock.ts';
import { Cluster } from '../../pkg/cluster/cluster.ts';
import { type Output, type RunOptions, runLine } from '../../pkg/kubectl/testing.ts';

let cluster: Cluster;
const clock = new VirtualClock();
before(async () => {
  cluster = await Cluster.start({ nodes: 3, clock, seed: 11 });
});
after(() => cluster.stop());

function kubectl(line: string | readonly string[], options?: RunOptions): Promise<Output> {
  return runLine(cluster.client, clock, typeof line === 'string' ? line.split(' ') : line, options);
}
async function ok(line: string | readonly string[], options?: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await kubectl(line, options);
  assert.equal(code, 0, `kubectl ${line}: ${stderr}`);
  return stdout;
}

test('a deployment is rolled out, changed, taken back, held and repeated', async () => {
  await ok('create deployment web --image=gokube/host:1 --replicas=3');
  assert.match(await ok('rollout status deployment/web'), /deployment "web" successfully rolled out\n$/);
  await ok('set image deployment/web host=gokube/host:2');
  await ok('annotate deployment web kubernetes.io/change-cause=second');
  assert.match(await ok('rollout status deployment/web'), /deployment "web" successfully rolled out\n$/);
  assert.equal(
    await ok('rollout history deployment/web'),
    'deployment.apps/web \nREVISION  CHANGE-CAUSE\n1         <none>\n2         second\n\n',
  );
  assert.match(
    await ok('rollout history deployment/web --revision=2'),
    /^deployment.apps\/web with revision #2\nPod Template:\n {2}Labels: +app=web\n[\s\S]*Image: +gokube\/host:2\n/,
  );
  assert.equal(await ok('rollout undo deployment/web'), 'deployment.apps/web rolled back\n');
  await ok('rollout status deployment/web');
  assert.equal(await ok('get deployment web -o jsonpath={.spec.template.spec.containers[0].image}'), 'gokube/host:1');
  assert.match(await ok('rollout undo deployment/web --to-revision=3'), /skipped rollback \(current template already matches revision 3\)/);
  assert.match(
    (await kubectl('rollout undo deployment/web --to-revision=9')).stderr,
    /^error: unable to find specified revision 9 in history\n$/,
  );
  assert.equal(await ok('rollout pause deployment/web'), 'deployment.apps/web paused\n');
  assert.match((await kubectl('rollout pause deployment/web')).stderr, /deployments.apps "web" is already paused/);
  assert.match((await kubectl('rollout undo deployment/web')).stderr, /cannot rollback a paused deployment/);
  assert.equal(await ok('rollout resume deployment/web'), 'deployment.apps/web resumed\n');
  const before = await ok('get pods -l app=web -o name');
  assert.equal(await ok('rollout restart deployment/web'), 'deployment.apps/web restarted\n');
  await ok('rollout status deployment/web');
  await cluster.run('1m');
  const now = await ok('get pods -l app=web -o name');
  assert.equal(now.split('\n').length, before.split('\n').length);
  assert.ok(now.split('\n').every((name) => name === '' || !before.includes(name)));
  assert.match(await ok('describe deployment web'), /\nNewReplicaSet: +web-\w+ \(3\/3 replicas created\)\nEvents:\n/);
});

test('a rollout that cannot succeed says how far it is, and that its time is up', async () => {
  await ok('create deployment stuck --image=gokube/host --replicas=2');
  await ok('rollout status deployment/stuck');
  const impossible = { spec: { progressDeadlineSeconds: 20, template: { spec: { nodeSelector: { no: 'where' } } } } };
  await ok(['patch', 'deployment', 'stuck', '-p', JSON.stringify(impossible)]);
  const result = await kubectl('rollout status deployment/stuck');
  assert.equal(result.code, 1);
  assert.match(result.stdout, /Waiting for deployment "stuck" rollout to finish: 1 out of 2 new replicas have been updated\.\.\.\n/);
  assert.equal(result.stderr, 'error: deployment "stuck" exceeded its progress deadline\n');
  await ok('delete deployment stuck');
});

test('logs of a pod, of a deployment, of all with a label', async () => {
  const pod = (name: string): string => `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  labels: {group: talkers}
spec:
  containers:
  - {name: main, image: gokube/host, command: [sh, -c, "echo one; echo two; sleep 1000"]}
  - {name: side, image: gokube/host, command: [sh, -c, "echo from the side; sleep 1000"]}
`;
  await ok('apply -f -', { input: `${pod('t1')}---\n${pod('t2')}` });
  await ok('wait --for=condition=Ready pod -l group=talkers');
  const first = await kubectl('logs t1');
  assert.deepEqual(first, { code: 0, stdout: 'one\ntwo\n', stderr: 'Defaulted container "main" out of: main, side\n' });
  assert.equal(await ok('logs t1 -c side'), 'from the side\n');
  assert.equal(await ok('logs pod/t1 -c main --tail=1'), 'two\n');
  assert.equal(await ok('logs t1 --all-containers'), 'one\ntwo\nfrom the side\n');
  assert.equal(
    await ok('logs -l group=talkers -c main --prefix'),
    '[pod/t1/main] one\n[pod/t1/main] two\n[pod/t2/main] one\n[pod/t2/main] two\n',
  );
  assert.match((await kubectl('logs t1 -c nope')).stderr, /^error: container nope is not valid for pod t1 out of: main, side\n$/);
  assert.match(
    (await kubectl('logs nope')).stderr,
    /^error: error from server \(NotFound\): pods "nope" not found in namespace "default"\n$/,
  );
  assert.match(
    (await kubectl('logs t1 -c main -p')).stderr,
    /^Error from server \(BadRequest\): previous terminated container "main" in pod "t1" not found\n$/,
  );

  const stop = new AbortController();
  clock.setTimer(5000, () => stop.abort(new Error('interrupted')));
  const followed = await kubectl('logs -f t1 -c main', { signal: stop.signal });
  assert.deepEqual([followed.code, followed.stdout], [130, 'one\ntwo\n']);
});

test('exec passes streams and the exit code', async () => {
  assert.equal(await ok(['exec', 't1', '-c', 'main', '--', 'echo', 'two words']), 'two words\n');
  assert.equal(await ok(['exec', '-i', 't1', '-c', 'main', '--', 'cat'], { input: 'through stdin' }), 'through stdin');
  const failed = await kubectl(['exec', 't1', '-c', 'main', '--', 'sh', '-c', 'exit 3']);
  assert.deepEqual(failed, { code: 3, stdout: '', stderr: 'command terminated with exit code 3\n' });
  const defaulted = await kubectl(['exec', 't1', '--', 'true']);
  assert.deepEqual(defaulted, { code: 0, stdout: '', stderr: 'Defaulted container "main" out of: main, side\n' });
  assert.match((await kubectl(['exec', 'deploy/nope', '--', 'ls'])).stderr, /deployments.apps "nope" not found/);
  const sizes: boolean[] = [];
  const terminal = {
    setRaw: (raw: boolean) => void sizes.push(raw),
    async *resizes() {
      yield { width: 80, height: 24 };
    },
  };
  const shell = await kubectl(['exec', '-it', 't1', '-c', 'main', '--', 'echo', 'hi'], { input: '', terminal });
  assert.equal(shell.code, 0);
  assert.match(shell.stdout, /^hi\r?\n$/);
  assert.deepEqual(sizes, [true, false], 'the terminal is as it was');
});

test('run joins the pod it made, ends with its exit code, and cleans up', async () => {
  const result = await kubectl(
    ['run', 'once', '--image=gokube/host', '--restart=Never', '-i', '--rm', '--command', '--', 'sh', '-c', 'echo done; exit 4'],
    { input: '' },
  );
  assert.deepEqual([result.code, result.stdout], [4, 'done\npod "once" deleted from default namespace\n']);
  await cluster.run('1m');
  assert.equal(await ok('get pod once --ignore-not-found'), '');
});

test('a node is drained: pods move, and what nobody would make anew is named first', async () => {
  const node = await ok('get pod t1 -o jsonpath={.spec.nodeName}');
  const refused = await kubectl(['drain', node]);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /^error: unable to drain node "node-\d" due to error: cannot delete Pods that declare no controller \(use --force to override\): default\/t\d/,
  );
  const drained = await ok(['drain', node, '--force', '--grace-period=1']);
  assert.match(drained, /already cordoned\nevicting pod default\//);
  assert.match(drained, /\npod\/t1 evicted\n/);
  assert.match(drained, new RegExp(`node/${node} drained\\n$`));
  await cluster.run('10s');
  assert.equal(await ok(['get', 'pods', '-A', '--field-selector', `spec.nodeName=${node}`, '-o', 'name']), '');
  assert.match(await ok('get nodes'), new RegExp(`${node} +Ready,SchedulingDisabled`));
  assert.equal(await ok(['uncordon', node]), `node/${node} uncordoned\n`);
  await ok('rollout status deployment/web');
});

test('an exposed deployment has its end points in the description', async () => {
  assert.equal(await ok('expose deployment web --port=80 --target-port=8080'), 'service/web exposed\n');
  await cluster.run('2s');
  assert.match(await ok('describe service web'), /\nEndpoints: +10\.244\.\d+\.\d+:8080,10\.244\.\d+\.\d+:8080,10\.244\.\d+\.\d+:8080\n/);
});

test('what is deleted takes what it owns with it', async () => {
  assert.equal(
    await ok('delete deployment/web service/web'),
    'deployment.apps "web" deleted from default namespace\nservice "web" deleted from default namespace\n',
  );
  await cluster.run('1m');
  assert.equal(await ok('get pods,replicasets -l app=web -o name'), '');
  await ok('create namespace going');
  await ok('create configmap x -n going --from-literal=a=b');
  assert.equal(await ok('delete namespace going'), 'namespace "going" deleted\n');
  assert.equal((await kubectl('get namespace going')).code, 1);
});
