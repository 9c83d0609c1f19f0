/** What clients do with real containers: copy files, attach, forward ports, go through the API server, debug, run hooks. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { needsContainers } from '../../pkg/cri/embedded/testing/needs.ts';
import { needsClients, realClient } from '../compat/clients.ts';
import { kubectlOf, RealClient } from '../compat/real-client.ts';
import { RunningCluster } from './running-cluster.ts';

const skip = needsContainers ?? (needsClients('1.35') || needsClients('1.27'));

const manifest = `
apiVersion: v1
kind: Pod
metadata: { name: p, labels: { app: p } }
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - { name: c, image: gokube/host, stdin: true, command: [sh, -c, 'echo started; while read line; do echo "got $line"; done; sleep infinity'] }
    - name: web
      image: gokube/host
      command: [/opt/gokube/bin/node, -e, 'require("http").createServer((q, a) => a.end("hello " + q.url)).listen(8080)']
      ports: [{ name: http, containerPort: 8080 }]
      readinessProbe: { httpGet: { path: /, port: http }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: s }
spec: { selector: { app: p }, ports: [{ port: 80, targetPort: http }] }
`;

describe('clients and real containers', { skip, timeout: 300_000 }, () => {
  let cluster: RunningCluster;
  let k: RealClient;
  let older: RealClient;
  before(async () => {
    cluster = await RunningCluster.create();
    await cluster.up('--nodes', '1');
    k = kubectlOf(cluster);
    older = kubectlOf(cluster, '1.27');
    k.ok('apply -f -', { input: manifest });
    k.ok('wait pod/p --for=condition=Ready --timeout=60s');
  });
  after(() => cluster.delete());

  test('files and folders are copied there and back, by old and new kubectls', () => {
    const bytes = randomBytes(3_000_000);
    writeFileSync(join(cluster.directory, 'big'), bytes);
    mkdirSync(join(cluster.directory, 'folder/below'), { recursive: true });
    writeFileSync(join(cluster.directory, 'folder/below/file'), 'content');
    for (const [name, kubectl] of [
      ['new', k],
      ['old', older],
    ] as const) {
      kubectl.ok(`cp big p:/tmp/${name} -c c`);
      kubectl.ok(`cp p:/tmp/${name} ${name} -c c`);
      assert.ok(bytes.equals(readFileSync(join(cluster.directory, name))));
    }
    k.ok('cp folder p:/tmp/folder -c c');
    assert.equal(k.ok('exec p -c c -- cat /tmp/folder/below/file'), 'content');
    assert.match(k.fails('cp big p:/nowhere/big -c c', { code: 2 }), /nowhere.*Cannot open/);
  });

  test('who attaches talks with the process itself, and is heard in its log', async () => {
    for (const [word, kubectl] of [
      ['one', k],
      ['two', older],
    ] as const) {
      const attached = kubectl.start('attach -i p -c c');
      attached.type(`${word}\n`);
      await attached.printed(new RegExp(`got ${word}`));
      await attached.stop();
    }
    assert.equal(k.ok('logs p -c c'), 'started\ngot one\ngot two\n');
    assert.match(k.ok('logs -l app=p --prefix --all-containers --tail=1'), /^\[pod\/p\/c\] got two$/m);
  });

  test('ports are forwarded; one that nobody listens at says so', async () => {
    for (const [kubectl, target] of [
      [k, 'pod/p :8080'],
      [older, 'pod/p :8080'],
      [k, 'service/s :80'],
    ] as const) {
      const forward = kubectl.start(`port-forward ${target}`);
      const port = await forwardedPort(forward);
      for (const path of ['/a', '/b']) assert.equal(await (await fetch(`http://127.0.0.1:${port}${path}`)).text(), `hello ${path}`);
      await forward.stop();
    }
    const nobody = k.start('port-forward pod/p :9999');
    const port = await forwardedPort(nobody);
    await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
    await nobody.printed(/an error occurred forwarding \d+ -> 9999: error forwarding port 9999: .*refused/);
    await nobody.stop();
  });

  test('the API server is a way to pods, services and nodes', () => {
    const through = (path: string): string => k.ok(`get --raw ${path}`);
    assert.equal(through('/api/v1/namespaces/default/pods/p:8080/proxy/x/y?z=1'), 'hello /x/y?z=1');
    assert.equal(through('/api/v1/namespaces/default/pods/p:http/proxy/'), 'hello /');
    assert.equal(through('/api/v1/namespaces/default/services/s/proxy/x'), 'hello /x');
    assert.equal(through('/api/v1/namespaces/default/services/http:s:80/proxy/x'), 'hello /x');
    assert.equal(through('/api/v1/nodes/node-1/proxy/healthz'), 'ok');
    assert.match(k.fails('get --raw /api/v1/namespaces/default/pods/p:9999/proxy/'), /error dialing backend|connection refused/i);
  });

  test('exec hands on both streams and the exit code; a pod may be run, and a node looked at', () => {
    const { code, out, err } = k.run("exec p -c c -- sh -c 'echo out; echo err >&2; exit 7'");
    assert.deepEqual([code, out], [7, 'out\n']);
    assert.match(err, /^err\n/);
    assert.equal(k.ok('exec -i p -c c -- cat', { input: 'typed' }), 'typed');
    assert.match(k.fails('exec p -c c -- no-such-program'), /no-such-program.*not found/);
    const said = k.ok("run r --image=gokube/host --rm -i --restart=Never --command -- sh -c 'read x; echo you said $x'", {
      input: 'hello\n',
    });
    assert.match(said, /you said hello/);
    k.ok('debug p --image=gokube/host -c dbg -- sh -c :');
    k.ok("wait pod/p --for=jsonpath='{.status.ephemeralContainerStatuses[0].state.terminated.exitCode}'=0 --timeout=30s");
    k.ok("debug node/node-1 --image=gokube/host -- sh -c 'test -d /host/usr'");
    k.ok("wait pod -l app.kubernetes.io/managed-by=kubectl-debug --for=jsonpath='{.status.phase}'=Succeeded --timeout=30s");
  });

  test("a chart's hooks run as pods and jobs", () => {
    const helm = new RealClient(cluster, realClient('helm') as string);
    const chart = join(import.meta.dirname, '../compat/charts/notes');
    const images = '--set image=gokube/host --set cache.image=gokube/host';
    helm.ok(`install notes ${chart} ${images} --wait --timeout 60s`);
    assert.match(helm.ok('test notes --logs'), /the notes are there/);
    assert.match(helm.fails(`upgrade notes ${chart} ${images} --set migration=3 --timeout 60s`), /pre-upgrade hooks failed/);
    helm.ok('rollback notes 1 --wait --timeout 60s');
    helm.ok('uninstall notes --wait --timeout 60s');
  });
});

/** kubectl chooses a free port and says which. */
async function forwardedPort(forward: { printed(what: RegExp): Promise<RegExpMatchArray> }): Promise<string> {
  return (await forward.printed(/Forwarding from 127\.0\.0\.1:(\d+) ->/))[1] as string;
}
