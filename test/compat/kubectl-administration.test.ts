/** Making, changing and moving things with kubectl's own commands, and what the server answers to administrators. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { RunningCluster } from '../e2e/running-cluster.ts';
import { needsClients } from './clients.ts';
import { kubectlOf, type RealClient, startCluster } from './real-client.ts';

describe('kubectl', { skip: needsClients() }, () => {
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

  test('makes one of everything that it can make, and the server prints it in its columns', () => {
    const k = inNamespace('making');
    for (const line of [
      'deployment d --image=any --replicas=1 --port=80',
      'job j --image=busybox -- true',
      "cronjob c --image=busybox --schedule='*/5 * * * *' -- true",
      'job from-cron --from=cronjob/c',
      'configmap cm --from-literal=a=b',
      'secret generic s --from-literal=a=b',
      'secret docker-registry r --docker-username=u --docker-password=p',
      'serviceaccount sa',
      'quota q --hard=pods=30,requests.cpu=2',
      'role r --verb=get,list --resource=pods,deployments.apps/scale',
      'rolebinding rb --role=r --user=jane --group=all --serviceaccount=making:sa',
      'clusterrole making --verb=get --non-resource-url=/logs/*',
      'clusterrolebinding making --clusterrole=making --group=g',
      'poddisruptionbudget p --selector=app=d --min-available=1',
      'priorityclass making --value=100 --description=hello',
      "ingress i --class=nginx --rule='example.com/path*=svc:80,tls=s'",
      'service clusterip clusterip --tcp=80:8080',
      'service nodeport nodeport --tcp=80',
      'service loadbalancer loadbalancer --tcp=80',
      'service externalname externalname --external-name=example.com',
    ])
      assert.match(k.ok(`create ${line}`), / created\n$/);
    k.ok('expose deployment d --port=80 --target-port=8080 --name=exposed');
    k.ok('autoscale deployment d --min=1 --max=3 --cpu=50%');
    k.ok('run pod --image=any --labels=a=b --port=80 --expose');
    k.ok('rollout status deployment/d --timeout=30s');
    k.ok('wait job/j job/from-cron --for=condition=Complete --timeout=30s');
    const columns = (resource: string): string[] => (k.ok(`get ${resource} -o wide`).split('\n')[0] as string).trim().split(/ {2,}/);
    assert.deepEqual(columns('pods'), ['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE', 'IP', 'NODE', 'NOMINATED NODE', 'READINESS GATES']);
    assert.deepEqual(columns('services'), ['NAME', 'TYPE', 'CLUSTER-IP', 'EXTERNAL-IP', 'PORT(S)', 'AGE', 'SELECTOR']);
    assert.deepEqual(columns('jobs'), ['NAME', 'STATUS', 'COMPLETIONS', 'DURATION', 'AGE', 'CONTAINERS', 'IMAGES', 'SELECTOR']);
    assert.deepEqual(columns('hpa'), ['NAME', 'REFERENCE', 'TARGETS', 'MINPODS', 'MAXPODS', 'REPLICAS', 'AGE']);
    assert.deepEqual(columns('ingresses'), ['NAME', 'CLASS', 'HOSTS', 'ADDRESS', 'PORTS', 'AGE']);
    assert.deepEqual(columns('rolebindings'), ['NAME', 'ROLE', 'AGE', 'USERS', 'GROUPS', 'SERVICEACCOUNTS']);
    assert.match(
      k.ok('get service loadbalancer externalname'),
      /LoadBalancer +\S+ +<pending> +80:3\d{4}\/TCP[\s\S]*ExternalName +<none> +example.com +<none>/,
    );
    assert.match(k.ok('get hpa d'), /Deployment\/d +cpu: <unknown>\/50% +1 +3/);
    assert.match(k.ok('get horizontalpodautoscalers.v1.autoscaling d -o yaml'), /targetCPUUtilizationPercentage: 50/);
    assert.match(k.ok('get ingress i'), /nginx +example.com +80, 443/);
    // A job is found by the label that the server gave it: these are its own pods' logs.
    assert.doesNotMatch(k.run('logs job/j').err, /Found/);
    for (const resource of ['all', 'configmap/cm', 'ingress/i', 'pdb/p', 'rolebinding/rb', 'quota/q']) k.ok(`describe ${resource}`);
    k.ok('delete namespace making --timeout=60s');
  });

  test('changes what runs, and takes it back', () => {
    const k = inNamespace('changing');
    k.ok('create deployment d --image=one --replicas=2');
    k.ok('set image deployment/d one=two');
    k.ok('set env deployment/d COLOUR=blue');
    k.ok('set resources deployment/d --limits=cpu=100m,memory=64Mi');
    k.ok('set serviceaccount deployment/d default');
    k.ok('annotate deployment d kubernetes.io/change-cause=because');
    k.ok('rollout pause deployment/d');
    assert.match(k.fails('rollout pause deployment/d'), /deployments\.apps "d" is already paused/);
    k.ok('rollout resume deployment/d');
    k.ok('rollout restart deployment/d');
    k.ok('rollout status deployment/d --timeout=60s');
    assert.match(k.ok('rollout history deployment/d'), /^\d+ +because$/m);
    k.ok('rollout undo deployment/d --to-revision=1');
    assert.match(k.fails('rollout undo deployment/d --to-revision=99'), /unable to find specified revision 99 in history/);
    k.ok('rollout status deployment/d --timeout=60s');
    assert.equal(k.ok("get deployment d -o jsonpath='{.spec.template.spec.containers[0].image}'"), 'one');
    assert.match(k.fails('scale deployment d --current-replicas=5 --replicas=3'), /Expected replicas to be 5, was 2/);
    k.ok('patch deployment d --subresource=scale --type=merge -p \'{"spec":{"replicas":1}}\'');
    k.ok("wait deployment/d --for=jsonpath='{.status.availableReplicas}'=1 --timeout=30s");
    assert.match(k.ok('get deployment d --subresource=scale'), /^NAME +DESIRED +AVAILABLE +AGE\nd +1 +1 /);
    k.ok('label deployment d tier=front');
    assert.match(k.fails('label deployment d tier=back'), /'tier' already has a value \(front\), and --overwrite is false/);
    k.ok('label deployment d tier-');
  });

  test('deletes in every way', () => {
    const k = inNamespace('deleting');
    const deployment = 'create deployment d --image=any --replicas=2';
    k.ok(deployment);
    k.ok('rollout status deployment/d --timeout=30s');
    k.ok('delete deployment d --cascade=orphan');
    assert.match(k.ok('get replicasets -l app=d'), /d-\w+ +2 +2/);
    k.ok('delete replicasets -l app=d --cascade=foreground --timeout=30s');
    assert.equal(k.ok('get pods -l app=d -o name'), '');
    for (const name of ['a', 'b', 'c']) k.ok(`run ${name} --image=any --labels=x=${name}`);
    const forced = k.run('delete pod a --grace-period=0 --force');
    assert.match(forced.err + forced.out, /Immediate deletion does not wait[\s\S]*pod "a" force deleted/);
    k.ok('delete pods --field-selector=metadata.name=b --now');
    k.ok('delete pods --all --wait=false');
    k.ok('wait pods --all --for=delete --timeout=30s');
    assert.match(k.fails('delete pod nobody'), /pods "nobody" not found/);
    k.ok('delete pod nobody --ignore-not-found');
    k.ok('create configmap held');
    k.ok('patch configmap held -p \'{"metadata":{"finalizers":["example.com/held"]}}\'');
    k.ok('delete configmap held --wait=false');
    assert.match(k.ok("get configmap held -o jsonpath='{.metadata.deletionTimestamp}'"), /^\d{4}-/);
    k.ok('patch configmap held --type=json -p \'[{"op":"remove","path":"/metadata/finalizers"}]\'');
    k.ok('wait configmap/held --for=delete --timeout=10s');
    k.ok('delete namespace deleting --timeout=30s');
  });

  test('empties nodes and marks them', () => {
    const k = inNamespace('nodes');
    k.ok('create deployment d --image=any --replicas=3');
    k.ok('run alone --image=any');
    k.ok('rollout status deployment/d --timeout=30s');
    k.ok('wait pod/alone --for=condition=Ready --timeout=30s');
    const node = k.ok("get pod alone -o jsonpath='{.spec.nodeName}'");
    assert.match(k.fails(`drain ${node}`), /cannot delete Pods that declare no controller \(use --force to override\): .*nodes\/alone/);
    assert.match(k.ok(`drain ${node} --force --timeout=60s`), /pod\/alone evicted[\s\S]*drained/);
    assert.match(k.ok(`get node ${node}`), /Ready,SchedulingDisabled/);
    k.ok(`uncordon ${node}`);
    k.ok(`taint node ${node} dedicated=me:NoSchedule`);
    assert.match(k.fails(`taint node ${node} dedicated=me:NoSchedule`), /already has .*taint/);
    assert.match(k.ok(`describe node ${node}`), /Taints: +dedicated=me:NoSchedule/);
    k.ok(`taint node ${node} dedicated-`);
    assert.match(k.fails('top nodes'), /Metrics API not available/);
  });

  test('waits for what comes, is, and goes', async () => {
    const k = inNamespace('waiting');
    const coming = k.start('wait configmap/late --for=create --timeout=30s');
    k.ok('create configmap late --from-literal=a=b');
    assert.match((await coming.printed(/condition met/)).input as string, /configmap\/late condition met/);
    await coming.stop();
    k.ok("wait configmap/late --for=jsonpath='{.data.a}'=b --timeout=10s");
    assert.match(k.fails('wait configmap/late --for=delete --timeout=1s'), /timed out waiting for the condition on configmaps\/late/);
    assert.match(k.fails('wait pod/nobody --for=condition=Ready --timeout=1s'), /pods "nobody" not found/);
    // Of what is gone before it looks it says nothing: at this verbosity it tells when it watches.
    const going = k.start('wait configmap/late --for=delete --timeout=30s -v=6');
    await going.printed(/watch=true/);
    k.ok('delete configmap late');
    await going.printed(/condition met/);
    await going.stop();
  });

  test('asks who it is and what it may, gives out tokens, and approves certificates', () => {
    const k = inNamespace('access');
    assert.match(k.ok('auth whoami'), /Username +kubernetes-admin\nGroups +\[system:masters system:authenticated\]/);
    assert.equal(k.ok('auth can-i delete nodes'), 'yes\n');
    assert.match(k.ok('auth can-i --list'), /^\*\.\* +\[\] +\[\] +\[\*\]$/m);
    assert.match(
      k.fails('get pods --as=jane'),
      /pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "access"/,
    );
    k.ok('create serviceaccount robot');
    const token = k.ok('create token robot --duration=10m').trim();
    const claims = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString());
    assert.deepEqual([claims.sub, claims.exp - claims.iat], ['system:serviceaccount:access:robot', 600]);
    const role = (verb: string): string =>
      `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"r","namespace":"access"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["${verb}"]}]}`;
    assert.match(k.run('auth reconcile -f -', { input: role('get') }).err, /reconciliation required create/);
    assert.match(k.run('auth reconcile -f -', { input: role('list') }).err, /missing rules added/);

    const key = join(cluster.directory, 'jane');
    execFileSync(
      'openssl',
      ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${key}.key`, '-out', `${key}.csr`, '-subj', '/CN=jane'],
      {
        stdio: 'ignore',
      },
    );
    const request = {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: 'jane' },
      spec: {
        request: execFileSync('base64', ['-w0', `${key}.csr`], { encoding: 'utf8' }),
        signerName: 'kubernetes.io/kube-apiserver-client',
        usages: ['client auth'],
      },
    };
    k.ok('apply -f -', { input: JSON.stringify(request) });
    assert.match(k.ok('get csr jane'), /kubernetes\.io\/kube-apiserver-client +kubernetes-admin +<none> +Pending/);
    k.ok('certificate approve jane');
    assert.match(k.ok('get csr jane'), /Approved/);
    assert.match(k.ok('describe csr jane'), /Requesting User: +kubernetes-admin\n[\s\S]*Common Name: +jane/);
  });

  test('reads, follows and explains', () => {
    const k = inNamespace('reading');
    k.ok('run p --image=any');
    k.ok('wait pod/p --for=condition=Ready --timeout=30s');
    assert.match(k.fails('get pods --field-selector=spec.colour=blue'), /field label not supported: spec\.colour/);
    assert.match(k.fails("get pods -l 'a in (b'"), /unable to parse requirement/);
    assert.match(k.fails('get unicorns'), /the server doesn't have a resource type "unicorns"/);
    // In the order in which it happened.
    const events = k.ok("get events -o jsonpath='{range .items[*]}{.reason} {end}'");
    assert.equal(events, 'Scheduled Pulling Pulled Created Started ');
    assert.match(k.ok('events --for=pod/p'), /Normal +Scheduled +Pod\/p +Successfully assigned reading\/p to node-\d/);
    assert.match(k.ok('cluster-info -n kube-system'), /control plane[\s\S]*CoreDNS[\s\S]*services\/kube-dns:dns\/proxy/);
    k.ok(`cluster-info dump --output-directory=${join(cluster.directory, 'dump')}`);
    assert.match(k.ok('get --raw /readyz?verbose'), /readyz check passed/);
    assert.match(k.ok('explain pod.spec.containers.resources --output=plaintext-openapiv2'), /requests\t<map\[string\]string>/);
    assert.match(k.fails('explain pod.spec.nothing'), /field "nothing" does not exist/);
    assert.match(k.ok('api-resources --verbs=list,watch --namespaced -o name'), /^deployments\.apps$/m);
    assert.ok(k.ok('api-versions').includes('apps/v1\n'));
    k.ok('create -f -', {
      input: JSON.stringify({
        apiVersion: 'v1',
        kind: 'ReplicationController',
        metadata: { name: 'rc' },
        spec: {
          selector: { a: 'rc' },
          template: { metadata: { labels: { a: 'rc' } }, spec: { containers: [{ name: 'c', image: 'any' }] } },
        },
      }),
    });
    k.ok("wait rc/rc --for=jsonpath='{.status.readyReplicas}'=1 --timeout=30s");
    assert.match(k.ok('describe rc rc'), /Normal +SuccessfulCreate +\S+ +replication-controller +Created pod: rc-/);
    k.ok('debug p --image=any -c dbg -- true');
    assert.equal(k.ok("get pod p -o jsonpath='{.spec.ephemeralContainers[*].name}'"), 'dbg');
    k.ok('debug p --copy-to=copy --image=any -- true');
  });

  test('the small kubectl of GoKube says the same', () => {
    const k = inNamespace('same');
    k.ok('create deployment d --image=any --replicas=2');
    k.ok('rollout status deployment/d --timeout=30s');
    k.ok('expose deployment d --port=80');
    // Ages go on between two looks, and columns are as wide as they need to be.
    const plain = (text: string): string => text.replace(/\b\d+(ms|s|m\d+s|m)\b/g, 'AGE').replace(/ +/g, ' ');
    for (const line of [
      'get pods -o wide',
      'get all',
      'get configmaps -A',
      'get pod nobody',
      'get unicorns',
      'logs nobody',
      'explain pod.spec.nodeName',
      'api-resources',
      'rollout status deployment/d',
      'top pods',
    ]) {
      const small = cluster.gokube('kubectl', ...line.split(' '), '-n', 'same');
      const real = k.run(line);
      assert.deepEqual([small.code, plain(small.out + small.err)], [real.code, plain(real.out + real.err)], line);
    }
    assert.ok(cluster.gokube('kubectl', 'cluster-info').out.includes(k.ok('cluster-info -n kube-system').split('\n')[1] as string));
  });
});
