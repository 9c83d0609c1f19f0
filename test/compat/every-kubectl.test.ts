/** What everybody does every day, with each kubectl that is still about. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RunningCluster } from '../e2e/running-cluster.ts';
import { minors, needsClients } from './clients.ts';
import { kubectlOf, startCluster } from './real-client.ts';

const manifest = (image: string): string => `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { colour: blue }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{ name: web, image: "${image}", command: [sh, -c, "echo hello; sleep 3600"], ports: [{ containerPort: 80 }] }]
`;
const misspelt = `
apiVersion: v1
kind: Pod
metadata: { name: misspelt }
spec:
  nodeNmae: node-1
  containers: [{ name: c, image: any, imagee: none }]
`;
const applying = (colour: string): string =>
  `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"shared"},"data":{"colour":"${colour}"}}`;

describe('each kubectl', { skip: minors.map(needsClients).find(Boolean) ?? false }, () => {
  let cluster: RunningCluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster.delete());

  for (const minor of minors) {
    test(`kubectl ${minor}: apply, look, change, wait, delete`, async () => {
      const namespace = `story-${minor.replace('.', '-')}`;
      const k = kubectlOf(cluster, minor, namespace);
      k.ok(`create namespace ${namespace}`);

      // Apply and diff.
      assert.match(k.fails('diff -f -', { input: manifest('one') }), /^\+ {2}name: settings$/m);
      assert.equal(k.ok('apply -f -', { input: manifest('one') }), 'configmap/settings created\ndeployment.apps/web created\n');
      assert.equal(k.ok('apply -f -', { input: manifest('one') }), 'configmap/settings unchanged\ndeployment.apps/web unchanged\n');
      assert.equal(k.ok('diff -f -', { input: manifest('one') }), '');
      assert.match(k.fails('diff -f -', { input: manifest('two') }), /-\s+image: one\n\+\s+image: two\n/);
      k.ok('apply -f -', { input: manifest('two') });
      assert.match(k.ok('rollout status deployment/web --timeout=60s'), /successfully rolled out\n$/);
      assert.match(k.ok('rollout history deployment/web'), /^1 .*\n2 /m);
      k.ok('rollout undo deployment/web');
      k.ok("wait deployment/web --for=jsonpath='{.status.observedGeneration}'=3 --timeout=30s");
      k.ok('wait deployment/web --for=condition=Available --timeout=30s');
      k.ok('rollout status deployment/web --timeout=60s');

      // Every way of looking.
      assert.match(
        k.ok('get deployment web -o wide'),
        /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR\nweb +2\/2 +2 +2 +\S+ +web +one +app=web\n$/,
      );
      assert.equal(k.ok("get deployment web -o jsonpath='{.spec.template.spec.containers[*].image}'"), 'one');
      assert.equal(k.ok('get cm settings -o custom-columns=N:.metadata.name,C:.data.colour'), 'N          C\nsettings   blue\n');
      assert.equal(k.ok("get cm settings -o go-template='{{.data.colour}}'"), 'blue');
      assert.equal(JSON.parse(k.ok('get deployment web -o json')).kind, 'Deployment');
      assert.equal(k.ok('get pods -l app=web -o name --chunk-size=1').match(/^pod\/web-/gm)?.length, 2);
      assert.equal(k.ok('get pods --field-selector=status.phase=Running --no-headers').trim().split('\n').length, 2);
      assert.match(k.ok('get pods -A --show-labels'), /app=web,pod-template-hash=/);
      assert.match(k.ok('describe deployment web'), /NewReplicaSet: +web-\w+ \(2\/2 replicas created\)/);
      assert.match(k.fails('get pod nobody'), /Error from server \(NotFound\): pods "nobody" not found/);

      // The schema, as this version asks for it.
      assert.match(k.ok('explain deployment.spec.strategy.rollingUpdate'), /maxSurge\s+<.*>/);
      assert.match(k.ok('explain pod --recursive'), /ephemeralContainers\s+<\[\]EphemeralContainer>/);
      assert.match(k.ok('api-resources --api-group=apps'), /^deployments +deploy +apps\/v1 +true +Deployment$/m);
      assert.match(k.run('version').out, /v1\.36\.\d+\+gokube/);

      // What is misspelt is refused, warned of, or left out.
      const strict = k.fails('create -f -', { input: misspelt });
      assert.match(strict, /strict decoding error: unknown field "spec.containers\[0\].imagee", unknown field "spec.nodeNmae"/);
      const warned = k.run('create --validate=warn --dry-run=server -f -', { input: misspelt });
      assert.match(warned.err, /Warning: unknown field "spec.nodeNmae"/);
      assert.equal(warned.code, 0);
      assert.equal(k.run('create --validate=ignore --dry-run=server -f -', { input: misspelt }).err, '');

      // Watching while something happens.
      const watch = k.start('get configmaps --watch --output-watch-events');
      await watch.printed(/ADDED +settings/);
      k.ok('create configmap passing --from-literal=a=b');
      k.ok('patch configmap passing --type=merge -p \'{"data":{"a":"c"}}\'');
      k.ok('patch configmap passing --type=json -p \'[{"op":"add","path":"/data/b","value":"d"}]\'');
      k.ok('patch deployment web -p \'{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"A","value":"b"}]}]}}}}\'');
      k.ok('delete configmap passing');
      await watch.printed(/DELETED +passing/);
      const seen = (await watch.stop()).match(/^(\w+) +passing/gm)?.map((line) => line.split(' ')[0]);
      assert.deepEqual(seen, ['ADDED', 'MODIFIED', 'MODIFIED', 'DELETED']);

      // Server-side apply by two managers.
      k.ok('apply --server-side -f -', { input: applying('red') });
      const conflict = k.fails('apply --server-side --field-manager=other -f -', { input: applying('green') });
      assert.match(conflict, /Apply failed with 1 conflict: conflict with "kubectl": \.data\.colour/);
      k.ok('apply --server-side --field-manager=other --force-conflicts -f -', { input: applying('green') });
      assert.match(k.ok('get configmap shared -o yaml --show-managed-fields'), /manager: other/);

      // Containers, as far as they go without any.
      k.ok('rollout status deployment/web --timeout=60s');
      assert.match(k.ok('logs deployment/web'), /hello\n$/);
      assert.equal(k.ok('exec deployment/web -- echo across'), 'across\n');
      k.fails("exec deployment/web -- sh -c 'exit 3'", { code: 3 });

      // Away with it.
      k.ok('scale deployment/web --replicas=0');
      k.ok('wait pod -l app=web --for=delete --timeout=30s');
      k.ok('delete -f -', { input: manifest('one') });
      assert.equal(k.ok('get deployments,pods').trim(), '');
      k.ok(`delete namespace ${namespace} --timeout=30s`);
    });
  }
});
