/** Applying in all its forms: who owns what, what is pruned, and how one form follows another. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RunningCluster } from '../e2e/running-cluster.ts';
import { needsClients } from './clients.ts';
import { kubectlOf, type RealClient, startCluster } from './real-client.ts';

const map = (name: string, data: Record<string, string>, more: object = {}): string =>
  `${JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...more }, data })}\n---\n`;
const managers = (k: RealClient, name: string): string[] =>
  JSON.parse(k.ok(`get configmap ${name} -o json --show-managed-fields`)).metadata.managedFields.map(
    ({ manager, operation }: { manager: string; operation: string }) => `${manager} ${operation}`,
  );

describe('kubectl apply', { skip: needsClients() }, () => {
  let cluster: RunningCluster;
  const inNamespace = (name: string): RealClient => {
    const k = kubectlOf(cluster, '1.35', name);
    k.ok(`create namespace ${name}`);
    return k;
  };
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster.delete());

  test('removes what its manifest no longer has, and leaves alone what others have added', () => {
    const k = inNamespace('three-way');
    k.ok('apply -f -', { input: map('a', { mine: '1', passing: '1' }) });
    k.ok('patch configmap a --type=merge -p \'{"data":{"theirs":"1"}}\'');
    k.ok('apply -f -', { input: map('a', { mine: '2' }) });
    assert.deepEqual(JSON.parse(k.ok("get configmap a -o jsonpath='{.data}'")), { mine: '2', theirs: '1' });
    assert.match(k.ok('apply view-last-applied configmap/a'), /mine: "2"/);
    const unmanaged = k.run('apply -f -', { input: map('kube-root-ca.crt', {}) });
    assert.match(unmanaged.err, /Warning: resource configmaps\/kube-root-ca\.crt is missing the \S+last-applied-configuration annotation/);
  });

  test('prunes by label, and by an apply set', () => {
    const k = inNamespace('prune');
    const labels = { labels: { set: 'one' } };
    const both = map('a', { x: '1' }, labels) + map('b', { x: '1' }, labels);
    k.ok('apply -f -', { input: both });
    const list = '--prune -l set=one --prune-allowlist=core/v1/ConfigMap';
    assert.equal(k.ok(`apply -f - ${list}`, { input: map('a', { x: '1' }, labels) }), 'configmap/a unchanged\nconfigmap/b pruned\n');
    const env = { KUBECTL_APPLYSET: 'true' };
    k.ok('apply -f - --prune --applyset=mine', { input: both, env });
    const pruned = k.ok('apply -f - --prune --applyset=mine', { input: map('b', { x: '1' }, labels), env });
    assert.match(pruned, /configmap\/b \w+\nconfigmap\/a pruned\n/);
    assert.equal(k.ok('get configmaps -l applyset.kubernetes.io/part-of -o name'), 'configmap/b\n');
    assert.match(k.ok('get secret mine -o yaml'), /applyset\.kubernetes\.io\/contains-group-kinds: ConfigMap/);
  });

  test('server-side: one owner a field, a conflict for the other, force, sharing, and giving up', () => {
    const k = inNamespace('server-side');
    const apply = (manager: string, data: Record<string, string>, more = ''): string =>
      k.ok(`apply --server-side --field-manager=${manager} ${more} -f -`, { input: map('a', data) });
    const refused = (manager: string, data: Record<string, string>): string =>
      k.fails(`apply --server-side --field-manager=${manager} -f -`, { input: map('a', data) });
    apply('one', { x: '1', y: '1' });
    apply('two', { x: '1' });
    // Whoever states the same value owns it too; another value is a conflict with every owner.
    assert.match(
      refused('three', { x: '3', y: '3' }),
      /Apply failed with 3 conflicts: conflicts with "one":\n- \.data\.x\n- \.data\.y\nconflicts with "two":\n- \.data\.x/,
    );
    apply('three', { x: '3' }, '--force-conflicts');
    assert.match(refused('one', { x: '1' }), /Apply failed with 1 conflict: conflict with "three": \.data\.x/);
    // What its last owner no longer states goes.
    apply('one', { z: '1' });
    assert.deepEqual(JSON.parse(k.ok("get configmap a -o jsonpath='{.data}'")), { x: '3', z: '1' });
    // An update by other means is a conflict too, which names its manager and version.
    k.ok('patch configmap a --type=merge -p \'{"data":{"z":"patched"}}\'');
    assert.match(refused('one', { z: '1' }), /conflict with "kubectl-patch" using v1: \.data\.z/);
    assert.match(
      k.fails('diff --server-side --force-conflicts --field-manager=one -f -', { input: map('a', { z: '2' }) }),
      /-\s+z: patched\n\+\s+z: "2"/,
    );
    assert.match(k.fails('apply --server-side -f -', { input: map('a', {}).replace('"data":{}', '"dta":{}') }), /dta/);
  });

  test('a scale is owned through its subresource', () => {
    const k = inNamespace('scaled');
    const deployment = (replicas?: number): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: d }
spec:
  ${replicas === undefined ? '' : `replicas: ${replicas}`}
  selector: { matchLabels: { app: d } }
  template: { metadata: { labels: { app: d } }, spec: { containers: [{ name: c, image: any }] } }
`;
    k.ok('apply --server-side -f -', { input: deployment() });
    k.ok('scale deployment/d --replicas=2');
    k.ok('apply --server-side -f -', { input: deployment() });
    assert.equal(k.ok("get deployment d -o jsonpath='{.spec.replicas}'"), '2');
    const conflict = k.fails('apply --server-side -f -', { input: deployment(5) });
    assert.match(conflict, /conflict with "kubectl" with subresource "scale" using apps\/v1: \.spec\.replicas/);
  });

  test('from client-side to server-side and back', () => {
    const k = inNamespace('moving');
    k.ok('apply -f -', { input: map('a', { x: '1', y: '1' }) });
    assert.deepEqual(managers(k, 'a'), ['kubectl-client-side-apply Update']);
    k.ok('apply --server-side -f -', { input: map('a', { x: '2' }) });
    assert.deepEqual(JSON.parse(k.ok("get configmap a -o jsonpath='{.data}'")), { x: '2' });
    assert.deepEqual(managers(k, 'a'), ['kubectl-last-applied Apply', 'kubectl Apply']);
    k.ok('apply -f -', { input: map('a', { x: '3' }) });
    assert.equal(k.ok("get configmap a -o jsonpath='{.data.x}'"), '3');
  });

  test('a file with a fault in the middle: the rest is made, and each fault is told', () => {
    const k = inNamespace('faulty');
    const faulty = `${map('first', {})}${map('Not_A_Name', {})}{"apiVersion":"v1","kind":"Nonsense","metadata":{"name":"x"}}\n---\n# nothing\n---\n${map('last', {})}`;
    const said = k.fails('create -f -', { input: faulty });
    assert.match(said, /configmap\/first created\nconfigmap\/last created\n/);
    assert.match(said, /ConfigMap "Not_A_Name" is invalid: metadata\.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain/);
    assert.match(said, /no matches for kind "Nonsense" in version "v1"/);
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: ['l1', 'l2'].map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } })),
    };
    assert.equal(k.ok('apply -f -', { input: JSON.stringify(list) }), 'configmap/l1 created\nconfigmap/l2 created\n');
    const generated = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'g-' } };
    assert.match(k.ok('create -f -', { input: JSON.stringify(generated) }), /^configmap\/g-[a-z0-9]{5} created\n$/);
    assert.match(k.fails('apply -f -', { input: JSON.stringify(generated) }), /cannot use generate name with apply/);
  });

  test('YAML in its odder forms means what it means to Kubernetes', () => {
    const k = inNamespace('yaml');
    const odd = `
apiVersion: v1
kind: Pod
metadata:
  name: odd
  annotations: &shared { country: "no" }
  labels: *shared
spec:
  volumes: [{ name: v, configMap: { name: none, defaultMode: 0644, optional: yes } }]
  containers: [{ name: c, image: any, env: [{ name: A, value: "yes" }], resources: { limits: { cpu: 0.5, memory: 1e3 } } }]
`;
    k.ok('create -f -', { input: odd });
    const { metadata, spec } = JSON.parse(k.ok('get pod odd -o json'));
    assert.equal(metadata.labels.country, 'no');
    assert.deepEqual(spec.volumes[0].configMap, { name: 'none', defaultMode: 420, optional: true });
    assert.deepEqual(spec.containers[0].resources.limits, { cpu: '500m', memory: '1k' });
    const bare = odd.replace('name: odd', 'name: bare').replace('value: "yes"', 'value: yes');
    assert.match(
      k.fails('create -f -', { input: bare }),
      /cannot unmarshal bool into Go struct field EnvVar\.spec\.containers\.env\.value of type string/,
    );
    assert.match(
      k.fails('create -f -', { input: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: x\n' }),
      /found character that cannot start any token/,
    );
  });

  test('what is too big is refused at the limit that it breaks', () => {
    const k = inNamespace('big');
    const big = (bytes: number): string => map('big', { x: 'y'.repeat(bytes) });
    assert.match(
      k.fails('create -f -', { input: big(1_500_000) }),
      /The ConfigMap "big" is invalid: \[\]: Too long: may not be more than 1048576 bytes/,
    );
    assert.match(k.fails('create -f -', { input: big(3_500_000) }), /RequestEntityTooLarge.*Request entity too large: limit is 3145728/);
    k.ok('create -f -', { input: big(900_000) });
    assert.match(k.fails('apply -f -', { input: big(900_000) }), /metadata\.annotations: Too long: may not be more than 262144 bytes/);
    k.ok('apply --server-side --force-conflicts -f -', { input: big(900_001) });
    k.ok('replace -f -', { input: big(1000) });
  });

  test('replace and patch, with what each of them refuses', () => {
    const k = inNamespace('replace');
    k.ok('create -f -', { input: map('a', { x: '1' }, { labels: { l: '1' } }) });
    const uid = k.ok("get configmap a -o jsonpath='{.metadata.uid}'");
    k.ok('replace -f -', { input: map('a', { x: '2' }) });
    assert.equal(k.ok("get configmap a -o jsonpath='{.metadata.uid}{.metadata.labels}'"), uid);
    k.ok('replace --force -f -', { input: map('a', { x: '3' }) });
    assert.notEqual(k.ok("get configmap a -o jsonpath='{.metadata.uid}'"), uid);
    assert.match(k.fails('replace -f -', { input: map('b', {}) }), /NotFound.*configmaps "b" not found/);
    assert.match(k.fails('replace -f -', { input: map('a', {}, { resourceVersion: '1' }) }), /Conflict.*the object has been modified/);
    assert.equal(k.ok('patch configmap a -p \'{"data":{"x":"3"}}\''), 'configmap/a patched (no change)\n');
    assert.match(k.fails('patch configmap a --type=json -p \'[{"op":"test","path":"/data/x","value":"4"}]\''), /The request is invalid/);
    assert.match(
      k.fails('patch configmap a -p \'{"data":{"x":4}}\''),
      /The request is invalid: patch: Invalid value: "map\[data:map\[x:4\]\]": cannot convert int64 to string/,
    );
    // An editor that changes one word.
    k.ok('edit configmap a', { env: { EDITOR: 'sed -i "s/x: .*/x: four/"' } });
    assert.equal(k.ok("get configmap a -o jsonpath='{.data.x}'"), 'four');
  });
});
