import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestKubectl, type TestKubectl } from './testing.ts';

let k: TestKubectl;
before(async () => {
  k = await createTestKubectl();
});
after(() => k.close());

/** Each test works in a namespace of its own. */
async function fresh(
  name: string,
): Promise<(line: string | readonly string[], options?: Parameters<TestKubectl['run']>[1]) => ReturnType<TestKubectl['run']>> {
  await k.ok(`create namespace ${name}`);
  await k.ok(`create serviceaccount default -n ${name}`);
  return (line, options) => k.run(line, { namespace: name, ...options });
}

const pod = (name: string, extra = ''): string => `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  labels: {app: ${name}, tier: front}
spec:
  containers:
  - name: main
    image: gokube/host
    command: [sleep, "1000"]
${extra}`;

test('get prints tables, names, columns, templates, JSON and YAML', async () => {
  const run = await fresh('get');
  assert.deepEqual(await run('get pods'), { code: 0, stdout: '', stderr: 'No resources found in get namespace.\n' });
  assert.deepEqual(await run('get nodes'), { code: 0, stdout: '', stderr: 'No resources found\n' });
  const files = { 'a.yaml': `${pod('a')}---\n${pod('b')}` };
  assert.equal((await run('create -f a.yaml', { files })).stdout, 'pod/a created\npod/b created\n');
  const cases: [string, string][] = [
    [
      'get pods',
      'NAME   READY   STATUS    RESTARTS   AGE\na      0/1     Pending   0          0s\nb      0/1     Pending   0          0s\n',
    ],
    ['get po --no-headers', 'a     0/1   Pending   0     0s\nb     0/1   Pending   0     0s\n'],
    ['get pod/a', 'NAME   READY   STATUS    RESTARTS   AGE\na      0/1     Pending   0          0s\n'],
    [
      'get pods a -o wide',
      'NAME   READY   STATUS    RESTARTS   AGE   IP       NODE     NOMINATED NODE   READINESS GATES\na      0/1     Pending   0          0s    <none>   <none>   <none>           <none>\n',
    ],
    ['get pods --show-labels --no-headers -l app=a', 'a     0/1   Pending   0     0s    app=a,tier=front\n'],
    ['get pods -L app --no-headers -l app!=a', 'b     0/1   Pending   0     0s    b\n'],
    ['get pods -o name', 'pod/a\npod/b\n'],
    ['get pods -o jsonpath={.items[*].metadata.name}', 'a b'],
    ['get pod a -o jsonpath={.spec.containers[0].command}', '["sleep","1000"]'],
    [
      'get pods -o custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[*].image,NODE:.spec.nodeName',
      'NAME   IMAGE         NODE\na      gokube/host   <none>\nb      gokube/host   <none>\n',
    ],
    ['get pods --sort-by=.metadata.name -o name', 'pod/a\npod/b\n'],
    ['get pods --field-selector metadata.name=b -o name', 'pod/b\n'],
    ['get pods,sa -o name', 'pod/a\npod/b\nserviceaccount/default\n'],
    [
      'get pods -A --field-selector metadata.namespace=get --no-headers',
      'get   a     0/1   Pending   0     0s\nget   b     0/1   Pending   0     0s\n',
    ],
  ];
  for (const [line, stdout] of cases) assert.deepEqual(await run(line), { code: 0, stdout, stderr: '' }, line);
  const json = JSON.parse((await run('get pods -o json')).stdout) as { kind: string; items: { kind: string; metadata: object }[] };
  assert.deepEqual([json.kind, json.items.length, json.items[0]?.kind], ['List', 2, 'Pod']);
  assert.ok(!('managedFields' in (json.items[0]?.metadata ?? {})));
  assert.match((await run('get pod a -o yaml')).stdout, /^apiVersion: v1\nkind: Pod\nmetadata:\n {2}creationTimestamp: "?2026-/);
  assert.match((await run('get pod a -o json')).stdout, /^\{\n {4}"apiVersion": "v1",\n {4}"kind": "Pod",/);
});

test('get of several kinds prints a table each, with the kind before each name', async () => {
  const run = await fresh('kinds');
  await run('create -f a.yaml', { files: { 'a.yaml': pod('a') } });
  await run('create service clusterip web --tcp=80 --clusterip=10.96.7.7');
  assert.equal(
    (await run('get all')).stdout,
    'NAME    READY   STATUS    RESTARTS   AGE\npod/a   0/1     Pending   0          0s\n\n' +
      'NAME          TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE\nservice/web   ClusterIP   10.96.7.7    <none>        80/TCP    0s\n',
  );
});

test('what is not there, or not right, is an error in the words of kubectl', async () => {
  const run = await fresh('errors');
  await run('create -f a.yaml', { files: { 'a.yaml': pod('a') } });
  const cases: [string, string][] = [
    ['get pod nope', 'Error from server (NotFound): pods "nope" not found\n'],
    ['delete pod nope', 'Error from server (NotFound): pods "nope" not found\n'],
    ['delete -f gone.yaml', 'error: the path "gone.yaml" does not exist\n'],
    ['get podz', 'error: the server doesn\'t have a resource type "podz"\n\nDid you mean this?\n\tpod\n\tpods\n'],
    ['gte pods', 'error: unknown command "gte" for "kubectl"\n\nDid you mean this?\n\tget\n'],
    ['rollout stauts', 'error: unknown command "stauts" for "kubectl rollout"\n\nDid you mean this?\n\tstatus\n'],
    ['get pods --outptu=wide', "error: unknown flag: --outptu\n\nDid you mean this?\n\t--output\n\nSee 'kubectl get --help' for usage.\n"],
    [
      'get pods -o xml',
      'error: unable to match a printer suitable for the output format "xml", allowed formats are: custom-columns,custom-columns-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,wide,yaml\n',
    ],
    ['get pods a -A', 'error: a resource cannot be retrieved by name across all namespaces\n'],
    ['delete pods', 'error: resource(s) were provided, but no name was specified\n'],
    ['scale deployment web', 'error: required flag(s) "replicas" not set\n'],
    ['scale deployment web --replicas=-1', 'error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0\n'],
    ['label pod a', 'error: at least one label update is required\n'],
    ['exec a', 'error: you must specify at least one command for the container\n'],
    ['exec a ls', 'error: exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\n'],
    ['wait pod/a', "error: must specify --for\nSee 'kubectl wait -h' for help and examples\n"],
    ['top pods', 'error: Metrics API not available\n'],
    ['explain pod.spec.nonsense', 'error: field "spec.nonsense" does not exist\n'],
    ['run x', 'error: required flag(s) "image" not set\n'],
    ['create deployment x', 'error: required flag(s) "image" not set\n'],
    ['create secret gneric x', 'error: unknown command "gneric" for "kubectl create secret"\n\nDid you mean this?\n\tgeneric\n'],
    ['create namespace errors', 'Error from server (AlreadyExists): namespaces "errors" already exists\n'],
    ['patch pod a -p {', 'error: unable to parse "{": yaml: '],
    ['set image pod/a nope=x', 'error: unable to find container named "nope"\n'],
    ['rollout status pod/a', 'error: no status viewer has been implemented for Pod\n'],
  ];
  for (const [line, stderr] of cases) {
    const result = await run(line);
    assert.equal(result.code, 1, line);
    assert.ok(result.stderr.startsWith(stderr), `${line}\n  said: ${JSON.stringify(result.stderr)}\n  not:  ${JSON.stringify(stderr)}`);
    assert.equal(result.stdout, '', line);
  }
  assert.deepEqual(await run('delete pod nope --ignore-not-found'), { code: 0, stdout: '', stderr: '' });
  assert.deepEqual(await run('get pod nope --ignore-not-found'), { code: 0, stdout: '', stderr: '' });
  const both = await run('get pods a nope --no-headers');
  assert.deepEqual(both, {
    code: 1,
    stdout: 'a     0/1   Pending   0     0s\n',
    stderr: 'Error from server (NotFound): pods "nope" not found\n',
  });
});

test('broken manifests say what is wrong, and where', async () => {
  const run = await fresh('broken');
  const cases: [string, RegExp][] = [
    ['kind: Pod', /^error: error validating "m.yaml": error validating data: apiVersion not set;/],
    ['a: [', /^error: error parsing m.yaml: error converting YAML to JSON: yaml: line \d/],
    [
      'apiVersion: v1\nkind: Pode\nmetadata: {name: x}',
      /^error: resource mapping not found for name: "x" namespace: "" from "m.yaml": no matches for kind "Pode" in version "v1"\nensure CRDs are installed first/,
    ],
    [
      `${pod('x')}  nonsense: 1`,
      /^Error from server \(BadRequest\): error when creating "m.yaml": Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.nonsense"/,
    ],
    [pod('UPPER'), /^The Pod "UPPER" is invalid: ?(\n\* )?metadata.name: Invalid value: "UPPER"/],
  ];
  for (const [text, expected] of cases) {
    const result = await run('apply -f m.yaml', { files: { 'm.yaml': text } });
    assert.equal(result.code, 1, text);
    assert.match(result.stderr, expected);
  }
  assert.equal((await run('get pods -o name')).stdout, '', 'nothing was made');
});

test('apply makes, changes and leaves alone, and takes out what the file has no more', async () => {
  const run = await fresh('apply');
  const file = (image: string, env: string): string => pod('web').replace('gokube/host', image) + env;
  const deployment = (replicas: number, extra = ''): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: web${extra}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: "a:1"}]}
`;
  const apply = async (text: string, flags = ''): Promise<string> => {
    const { stdout, stderr, code } = await run(`apply -f -${flags}`, { input: text });
    assert.equal(code, 0, stderr);
    return stdout + stderr;
  };
  assert.equal(await apply(file('a:1', '')), 'pod/web created\n');
  assert.equal(await apply(file('a:1', '')), 'pod/web unchanged\n');
  assert.equal(await apply(file('a:2', '')), 'pod/web configured\n');
  assert.equal(await apply(deployment(1, ', annotations: {mine: a}')), 'deployment.apps/web created\n');
  assert.equal((await run('scale deployment web --replicas=4')).stdout, 'deployment.apps/web scaled\n');
  await run('annotate deployment web theirs=b');
  assert.equal(await apply(deployment(2)), 'deployment.apps/web configured\n');
  const shown = await run('get deployment web -o jsonpath={.spec.replicas}/{.metadata.annotations.mine}/{.metadata.annotations.theirs}');
  assert.equal(shown.stdout, '2//b');
  assert.equal(await apply(deployment(2)), 'deployment.apps/web unchanged\n');
  assert.equal(await apply(deployment(3), ' --dry-run=client'), 'deployment.apps/web configured (dry run)\n');
  assert.equal(await apply(deployment(3), ' --dry-run=server'), 'deployment.apps/web configured (server dry run)\n');
  assert.equal((await run('get deployment web -o jsonpath={.spec.replicas}')).stdout, '2');
});

test('apply of what was made otherwise warns, and takes it over', async () => {
  const run = await fresh('takeover');
  await run('create -f -', { input: pod('web') });
  const result = await run('apply -f -', { input: pod('web') });
  assert.equal(result.stdout, 'pod/web configured\n');
  assert.match(result.stderr, /^Warning: resource pods\/web is missing the kubectl.kubernetes.io\/last-applied-configuration annotation/);
  assert.deepEqual(await run('apply -f -', { input: pod('web') }), { code: 0, stdout: 'pod/web unchanged\n', stderr: '' });
});

test('server-side apply, its conflicts, and force', async () => {
  const run = await fresh('ssa');
  const map = (value: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {k: ${value}}\n`;
  assert.equal((await run('apply --server-side -f -', { input: map('one') })).stdout, 'configmap/m serverside-applied\n');
  const conflict = await run('apply --server-side --field-manager=other -f -', { input: map('two') });
  assert.equal(conflict.code, 1);
  assert.match(conflict.stderr, /^error: Apply failed with 1 conflict: conflict with "kubectl": \.data\.k\nPlease review the fields above/);
  assert.equal((await run('apply --server-side --force-conflicts --field-manager=other -f -', { input: map('two') })).code, 0);
  assert.equal((await run('get cm m -o jsonpath={.data.k}')).stdout, 'two');
  assert.match((await run('apply --server-side --dry-run=client -f -', { input: map('x') })).stderr, /did you mean --dry-run=server/);
});

test('files come from directories and lists, in order', async () => {
  const run = await fresh('files');
  const list = {
    apiVersion: 'v1',
    kind: 'List',
    items: ['l1', 'l2'].map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } })),
  };
  const files = {
    'dir/b.json': JSON.stringify(list),
    'dir/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n',
    'dir/notes.txt': 'no',
    'dir/sub/c.yml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n',
  };
  assert.equal((await run('apply -f dir', { files })).stdout, 'configmap/a created\nconfigmap/l1 created\nconfigmap/l2 created\n');
  assert.equal(
    (await run('apply -R -f dir/', { files })).stdout,
    'configmap/a unchanged\nconfigmap/l1 unchanged\nconfigmap/l2 unchanged\nconfigmap/c created\n',
  );
  assert.equal(
    (await run('delete -f dir', { files })).stdout,
    'configmap "a" deleted from files namespace\nconfigmap "l1" deleted from files namespace\nconfigmap "l2" deleted from files namespace\n',
  );
});

test('a namespace in the file and another on the command line do not go together', async () => {
  const run = await fresh('nsclash');
  const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: nsclash}\n';
  const result = await run('apply -n default -f -', { input: text });
  assert.match(
    result.stderr,
    /^error: the namespace from the provided object "nsclash" does not match the namespace "default". You must pass '--namespace=nsclash'/,
  );
});

test('create makes objects from flags', async () => {
  const run = await fresh('create');
  const files = { 'app.conf': 'x=1\n', 'bin.dat': new Uint8Array([0xff, 0xfe]), 'e.env': '# c\nA=1\n\nB=two words\n' };
  const cases: [string, string][] = [
    ['create deployment web --image=a:1 --image=b --replicas=2', 'deployment.apps/web created\n'],
    ['create deployment one --image=a:1 --port=80', 'deployment.apps/one created\n'],
    [
      'create configmap m --from-literal=k=v --from-file=app.conf --from-file=renamed=app.conf --from-file=bin.dat --from-env-file=e.env',
      'configmap/m created\n',
    ],
    ['create secret generic s --from-literal=password=p', 'secret/s created\n'],
    ['create service clusterip web --tcp=80:8080', 'service/web created\n'],
    ['create service nodeport np --tcp=80 --node-port=30123', 'service/np created\n'],
    ['create service externalname ext --external-name=example.com', 'service/ext created\n'],
    ['create sa robot', 'serviceaccount/robot created\n'],
    ['create job once --image=a -- echo hi', 'job.batch/once created\n'],
    ['create deployment dry --image=a --dry-run=client', 'deployment.apps/dry created (dry run)\n'],
    ['expose deployment one --name=exposed', 'service/exposed exposed\n'],
    ['run p --image=a:1 --env=A=1 --port=80 --labels=x=y -- arg', 'pod/p created\n'],
    ['run c --image=a:1 --restart=Never --command -- sleep 1', 'pod/c created\n'],
  ];
  for (const [line, stdout] of cases) assert.deepEqual(await run(line, { files }), { code: 0, stdout, stderr: '' }, line);
  const show = async (line: string): Promise<string> => (await run(line)).stdout;
  assert.equal(await show('get deploy web -o jsonpath={.spec.template.spec.containers[*].name}:{.spec.replicas}'), 'a b:2');
  assert.equal(
    await show('get cm m -o jsonpath={.data}{.binaryData}'),
    '{"A":"1","B":"two words","app.conf":"x=1\\n","k":"v","renamed":"x=1\\n"}{"bin.dat":"//4="}',
  );
  assert.equal(await show('get secret s -o jsonpath={.data.password}'), 'cA==');
  assert.equal(
    await show('get svc web -o jsonpath={.spec.ports[0].name}:{.spec.ports[0].targetPort}:{.spec.selector.app}'),
    '80-8080:8080:web',
  );
  assert.equal(await show('get svc np -o jsonpath={.spec.ports[0].nodePort}'), '30123');
  assert.equal(await show('get svc exposed -o jsonpath={.spec.ports[0].port}:{.spec.selector.app}'), '80:one');
  assert.equal(
    await show('get pod p -o jsonpath={.spec.containers[0].args}{.spec.containers[0].env[0].value}{.metadata.labels.x}'),
    '["arg"]1y',
  );
  assert.equal(await show('get pod c -o jsonpath={.spec.containers[0].command}{.spec.restartPolicy}'), '["sleep","1"]Never');
  assert.equal(await show('get job once -o jsonpath={.spec.template.spec.containers[0].command}'), '["echo","hi"]');
});

test('labels and annotations are set, kept and taken away', async () => {
  const run = await fresh('labels');
  await run('create -f -', { input: pod('web') });
  const cases: [string, number, string, string?][] = [
    ['label pod web a=1', 0, 'pod/web labeled\n'],
    ['label pod web a=1', 0, 'pod/web not labeled\n'],
    ['label pod web a=2', 1, '', "error: 'a' already has a value (1), and --overwrite is false\n"],
    ['label pod web a=2 --overwrite', 0, 'pod/web labeled\n'],
    ['label pods -l a=2 a-', 0, 'pod/web unlabeled\n'],
    ['label pod web a-', 0, 'label "a" not found.\npod/web not labeled\n'],
    ['label pods --all b=x', 0, 'pod/web labeled\n'],
    ['label pod/web --list', 0, 'app=web\nb=x\ntier=front\n'],
    ['annotate pod web note=hello', 0, 'pod/web annotated\n'],
    ['annotate pod web note-', 0, 'pod/web annotated\n'],
    ['label pod web =x', 1, '', 'error: unknown label spec: =x\n'],
  ];
  for (const [line, code, stdout, stderr = ''] of cases) assert.deepEqual(await run(line), { code, stdout, stderr }, line);
});

test('patches of three kinds', async () => {
  const run = await fresh('patch');
  await run('create deployment web --image=a:1');
  const image = async (): Promise<string> => (await run('get deploy web -o jsonpath={.spec.template.spec.containers[*].image}')).stdout;
  const strategic = { spec: { template: { spec: { containers: [{ name: 'side', image: 's:1' }] } } } };
  assert.equal((await run(['patch', 'deployment', 'web', '-p', JSON.stringify(strategic)])).stdout, 'deployment.apps/web patched\n');
  assert.deepEqual((await image()).split(' ').sort(), ['a:1', 's:1']);
  assert.equal(
    (await run(['patch', 'deployment', 'web', '-p', JSON.stringify(strategic)])).stdout,
    'deployment.apps/web patched (no change)\n',
  );
  const json = [{ op: 'replace', path: '/spec/replicas', value: 7 }];
  assert.equal((await run(['patch', 'deploy/web', '--type=json', '-p', JSON.stringify(json)])).stdout, 'deployment.apps/web patched\n');
  const merge = 'spec:\n  replicas: 8\n';
  assert.equal((await run('patch deploy web --type=merge --patch-file=p.yaml', { files: { 'p.yaml': merge } })).code, 0);
  assert.equal((await run('get deploy web -o jsonpath={.spec.replicas}')).stdout, '8');
  assert.equal((await run('set image deploy/web *=z:9')).stdout, 'deployment.apps/web image updated\n');
  assert.equal(await image(), 'z:9 z:9');
  assert.equal((await run('set env deploy/web A=1 B=2')).stdout, 'deployment.apps/web env updated\n');
  assert.equal((await run('set env deploy/web A-')).stdout, 'deployment.apps/web env updated\n');
  assert.match((await run('set env deploy/web --list')).stdout, /container a\nB=2\n/);
});

test('scale asks for what is there first, when told to', async () => {
  const run = await fresh('scale');
  await run('create deployment web --image=a');
  assert.equal((await run('scale --replicas=3 deployment/web')).stdout, 'deployment.apps/web scaled\n');
  assert.deepEqual(await run('scale --replicas=5 --current-replicas=2 deploy web'), {
    code: 1,
    stdout: '',
    stderr: 'error: Expected replicas to be 2, was 3\n',
  });
  assert.match((await run('scale --replicas=1 cm/kube-root')).stderr, /NotFound/);
});

test('delete waits until it is gone, by name, label, file or all', async () => {
  const run = await fresh('delete');
  for (const name of ['a', 'b', 'c']) await run('create -f -', { input: pod(name) });
  assert.equal((await run('delete pod a')).stdout, 'pod "a" deleted from delete namespace\n');
  assert.equal((await run('delete pods -l app=b')).stdout, 'pod "b" deleted from delete namespace\n');
  assert.equal((await run('delete pods -l app=nope')).stdout, 'No resources found\n');
  const forced = await run('delete pod c --grace-period=0 --force');
  assert.equal(forced.stdout, 'pod "c" force deleted from delete namespace\n');
  assert.match(forced.stderr, /^Warning: Immediate deletion does not wait/);
  await run('create cm x --from-literal=a=b');
  await run(['patch', 'cm', 'x', '--type=merge', '-p', '{"metadata":{"finalizers":["example.com/hold"]}}']);
  const held = await run('delete cm x --timeout=2s');
  assert.deepEqual(held, {
    code: 1,
    stdout: 'configmap "x" deleted from delete namespace\n',
    stderr: 'error: timed out waiting for the condition on configmaps/x\n',
  });
  assert.equal((await run('delete cm x --wait=false -o name')).stdout, 'configmap/x\n');
  await run(['patch', 'cm', 'x', '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
  assert.equal((await run('get cm x --ignore-not-found')).stdout, '');
});

test('wait looks at conditions, fields, and whether it is there', async () => {
  const run = await fresh('wait');
  await run('create -f -', { input: pod('web') });
  const status = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
  assert.deepEqual(await run('wait --for=condition=Ready pod/web --timeout=1s'), {
    code: 1,
    stdout: '',
    stderr: 'error: timed out waiting for the condition on pods/web\n',
  });
  const waiting = run('wait --for=condition=Ready pod/web --timeout=30s');
  k.clock.setTimer(
    5000,
    () =>
      void k.client
        .resource({ group: '', version: 'v1', resource: 'pods', kind: 'Pod', namespaced: true })
        .patch('web', { type: 'merge', body: status }, { namespace: 'wait', subresource: 'status' }),
  );
  assert.deepEqual(await waiting, { code: 0, stdout: 'pod/web condition met\n', stderr: '' });
  const met: string[] = [
    '--for=jsonpath={.status.phase}=Running pod/web',
    '--for=jsonpath={.status.phase} pod/web',
    '--for=create pod/web',
    '--for=condition=Ready pods --all',
    '--for=delete pod/never',
  ];
  for (const rest of met) assert.equal((await run(`wait ${rest} --timeout=1s`)).code, 0, rest);
  assert.match((await run('wait --for=nonsense pod/web')).stderr, /unrecognized condition: "nonsense"/);
  assert.match((await run('wait --for=condition=Ready pod/never')).stderr, /pods "never" not found/);
});

test('a watch shows the list, then changes, in line', async () => {
  const run = await fresh('watch');
  await run('create cm a --from-literal=k=v');
  const stop = new AbortController();
  const watching = run('get cm -w', { signal: stop.signal });
  k.clock.setTimer(1000, () => {
    void k.client
      .resource({ group: '', version: 'v1', resource: 'configmaps', kind: 'ConfigMap', namespaced: true })
      .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'bb' } }, { namespace: 'watch' });
  });
  k.clock.setTimer(2000, () => stop.abort(new Error('interrupted')));
  const result = await watching;
  assert.deepEqual(result, { code: 130, stdout: 'NAME   DATA   AGE\na      1      0s\nbb     0      0s\n', stderr: '' });
  const events = new AbortController();
  k.clock.setTimer(10, () => events.abort(new Error('interrupted')));
  const json = await run('get cm a -w --output-watch-events -o name', { signal: events.signal });
  assert.equal(json.stdout, 'ADDED     configmap/a\n');
  assert.match((await run('get cm,pods -w')).stderr, /you may only watch a single resource or type of resource at a time/);
});

test('nodes are cordoned and tainted', async () => {
  await k.ok('create -f -', { input: 'apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n' });
  const cases: [string, number, string, string?][] = [
    ['cordon n1', 0, 'node/n1 cordoned\n'],
    ['cordon n1', 0, 'node/n1 already cordoned\n'],
    ['uncordon n1', 0, 'node/n1 uncordoned\n'],
    ['taint nodes n1 a=b:NoSchedule', 0, 'node/n1 tainted\n'],
    ['taint node n1 a=c:NoSchedule', 1, '', 'error: node n1 already has a taint(s) with same effect(s) and --overwrite is false\n'],
    ['taint node n1 a=c:NoSchedule --overwrite', 0, 'node/n1 tainted\n'],
    ['taint node n1 a-', 0, 'node/n1 untainted\n'],
    ['taint node n1 a-', 1, '', 'error: taint "a" not found\n'],
    ['taint node n1 a=b:Sometimes', 1, '', 'error: invalid taint effect: Sometimes, unsupported taint effect\n'],
    ['drain nope', 1, '', 'Error from server (NotFound): nodes "nope" not found\n'],
  ];
  for (const [line, code, stdout, stderr = ''] of cases) assert.deepEqual(await k.run(line), { code, stdout, stderr }, line);
});

test('discovery is shown', async () => {
  const all = await k.ok('api-resources');
  assert.match(all, /^NAME +SHORTNAMES +APIVERSION +NAMESPACED +KIND\n/);
  assert.match(all, /\npods +po +v1 +true +Pod\n/);
  assert.match(all, /\ndeployments +deploy +apps\/v1 +true +Deployment\n/);
  assert.match(await k.ok('api-resources --api-group=apps -o name'), /^controllerrevisions\.apps\ndaemonsets\.apps\ndeployments\.apps\n/);
  assert.ok(!(await k.ok('api-resources --namespaced=false -o name')).includes('pods\n'));
  assert.match(await k.ok('api-versions'), /(^|\n)apps\/v1\n/);
  assert.match(await k.ok('version'), /^Client Version: v1\.36\.0\+gokube\nServer Version: v1\.36\.0\+gokube\n$/);
  assert.match(
    await k.ok('explain deployments.apps.spec.replicas'),
    /^GROUP: {6}apps\nKIND: {7}Deployment\nVERSION: {4}v1\n\nFIELD: replicas <integer>\n\n\nDESCRIPTION:\n/,
  );
  assert.match(await k.ok('explain pod --recursive'), /\n {4}containers\t<\[\]Container> -required-\n {6}args\t<\[\]string>\n/);
});

test('help is for commands and for all', async () => {
  assert.match(await k.ok([]), /^A small kubectl\. Commands:\n\n {2}create/);
  assert.match(await k.ok('help rollout'), /Available Commands:\n {2}history/);
  assert.match(await k.ok('rollout status --help'), /Usage:\n {2}kubectl rollout status \(TYPE NAME \| TYPE\/NAME\) \[flags\]\n$/);
  assert.equal((await k.run('rollout')).code, 1);
});

test('colour is for terminals that want it', async () => {
  const plain = await k.run('get nope');
  assert.ok(!plain.stderr.includes('\u001b'));
  const coloured = await k.run('get nope', { isTerminal: true });
  assert.ok(coloured.stderr.startsWith('\u001b[31merror:\u001b[0m the server'));
  const without = await k.run('get nope', { isTerminal: true, env: { NO_COLOR: '1' } });
  assert.ok(!without.stderr.includes('\u001b'));
});

test('describe shows everything about an object', async () => {
  const run = await fresh('describe');
  const text = pod(
    'web',
    `    ports: [{containerPort: 8080}]
    env:
    - {name: PLAIN, value: x}
    - {name: FIELD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: SECRET, valueFrom: {secretKeyRef: {name: s, key: password}}}
    resources: {requests: {cpu: 100m}, limits: {memory: 64Mi}}
    livenessProbe: {httpGet: {path: /healthz, port: 8080}}
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, emptyDir: {}}]
  automountServiceAccountToken: false
`,
  );
  await run('create -f -', { input: text });
  const { stdout } = await run('describe pod web');
  const expected = `Name:             web
Namespace:        describe
Priority:         0
Service Account:  default
Node:             <none>
Labels:           app=web
                  tier=front
Annotations:      <none>
Status:           Pending
IP:               
IPs:              <none>
Containers:
  main:
    Container ID:  
    Image:         gokube/host
    Image ID:      
    Port:          8080/TCP
    Host Port:     0/TCP
    Command:
      sleep
      1000
    Limits:
      memory:  64Mi
    Requests:
      cpu:     100m
      memory:  64Mi
    Liveness:  http-get http://:8080/healthz delay=0s timeout=1s period=10s #success=1 #failure=3
    Environment:
      PLAIN:   x
      FIELD:   web (v1:metadata.name)
      SECRET:  <set to the key 'password' in secret 's'>  Optional: false
    Mounts:
      /data from data (rw)
Volumes:
  data:
    Type:        EmptyDir (a temporary directory that shares a pod's lifetime)
    Medium:      
    SizeLimit:   <unset>
QoS Class:       Burstable
Node-Selectors:  <none>
Tolerations:     node.kubernetes.io/not-ready:NoExecute op=Exists for 300s
                 node.kubernetes.io/unreachable:NoExecute op=Exists for 300s
Events:          <none>
`;
  assert.equal(stdout, expected);
  await run('create secret generic s --from-literal=password=hidden');
  const secret = (await run('describe secret s')).stdout;
  assert.ok(secret.includes('password:  6 bytes') && !secret.includes('hidden') && !secret.includes('aGlkZGVu'), secret);
  await run('create -f -', {
    input: 'apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: l}\nspec: {holderIdentity: me, leaseDurationSeconds: 5}\n',
  });
  assert.match(
    (await run('describe lease l')).stdout,
    /\nKind:\s+Lease\n[\s\S]*\nSpec:\n {2}Holder Identity: +me\n {2}Lease Duration Seconds: +5\n/,
  );
  assert.match((await run('describe pod we')).stdout, /^Name: +web\n/, 'a prefix will do');
  assert.match((await run('describe pod nope')).stderr, /pods "nope" not found/);
});

test('events stand at the end of a description', async () => {
  const run = await fresh('events');
  await run('create -f -', { input: pod('web') });
  const { stdout: uid } = await run('get pod web -o jsonpath={.metadata.uid}');
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'e', namespace: 'events' },
    involvedObject: { kind: 'Pod', namespace: 'events', name: 'web', uid },
    type: 'Warning',
    reason: 'FailedScheduling',
    message: 'no nodes available to schedule pods',
    source: { component: 'default-scheduler' },
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
    count: 3,
  };
  await run('create -f -', { input: JSON.stringify(event) });
  assert.match(
    (await run('describe pod web')).stdout,
    /Events:\n {2}Type +Reason +Age +From +Message\n {2}---- +------ +---- +---- +-------\n {2}Warning +FailedScheduling +\w+ \(x3 over \w+\) +default-scheduler +no nodes available to schedule pods\n$/,
  );
  assert.match((await run('events --for pod/web --types=Warning')).stdout, /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n.*Pod\/web/);
});
