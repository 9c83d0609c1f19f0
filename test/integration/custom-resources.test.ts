/** Kinds of one's own in a whole simulated cluster: the loops that work on everything find them, and let go of them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { bodyOf } from '../../pkg/client/read-body.ts';
import { VirtualClock } from '../../pkg/clock/virtual-clock.ts';
import { Cluster } from '../../pkg/cluster/cluster.ts';
import { type Output, type RunOptions, runLine } from '../../pkg/kubectl/testing.ts';

let cluster: Cluster;
const clock = new VirtualClock();
before(async () => {
  cluster = await Cluster.start({ nodes: 1, clock, seed: 13 });
});
after(() => cluster.stop());

const example = readFileSync(new URL('../../examples/13-custom-resource.yaml', import.meta.url), 'utf8');
const [definition = '', tide = ''] = example.split('---\n');

function kubectl(line: string | readonly string[], options?: RunOptions): Promise<Output> {
  return runLine(cluster.client, clock, typeof line === 'string' ? line.split(' ') : line, options);
}
async function ok(line: string | readonly string[], options?: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await kubectl(line, options);
  assert.equal(code, 0, `kubectl ${line}: ${stderr}`);
  return stdout;
}
const apply = (text: string): Promise<string> => ok('apply -f -', { stdin: bodyOf(new TextEncoder().encode(text)) });

test('a kind is defined, used, scaled and taken away', async () => {
  await apply(definition);
  await apply(tide);
  assert.match(await ok('get tides -o wide'), /^NAME +HEIGHT +PORT +AGE\nspring +7 +brest +\d+s\n$/);
  assert.match(await ok('explain tide.spec'), /height\t<integer> -required-/);
  await ok('scale tide spring --replicas=3');
  assert.equal(await ok('get tide spring -o jsonpath={.spec.buoys}'), '3');
  const refused = await kubectl(['patch', 'tide', 'spring', '--type=merge', '-p', '{"spec":{"height":99}}']);
  assert.match(refused.stderr, /spec.height in body should be less than or equal to 20/);
  await ok('delete crd tides.example.com');
  assert.match((await kubectl('get tides')).stderr, /the server doesn't have a resource type "tides"/);
});

test('what a custom object owns is collected with it', async () => {
  await apply(definition);
  await apply(tide);
  const uid = await ok('get tide spring -o jsonpath={.metadata.uid}');
  const owner = `[{ apiVersion: example.com/v1, kind: Tide, name: spring, uid: ${uid} }]`;
  await apply(`{ apiVersion: v1, kind: ConfigMap, metadata: { name: owned, ownerReferences: ${owner} } }`);
  await apply(`{ apiVersion: example.com/v1, kind: Tide, metadata: { name: neap, ownerReferences: ${owner} }, spec: { height: 2 } }`);
  await cluster.run('1m');
  await ok('delete tide spring');
  await ok('wait --for=delete configmap/owned tide/neap --timeout=60s');
});

test('a namespace takes its custom objects with it, their finalizers honoured', async () => {
  await apply(definition);
  await ok('create namespace coast');
  await apply(
    '{ apiVersion: example.com/v1, kind: Tide, metadata: { name: held, namespace: coast, finalizers: [example.com/hold] }, spec: { height: 1 } }',
  );
  await ok('delete namespace coast --wait=false');
  await cluster.run('1m');
  assert.match(await ok('get tide held -n coast -o jsonpath={.metadata.deletionTimestamp}'), /^20/);
  await ok(['patch', 'tide', 'held', '-n', 'coast', '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
  await ok('wait --for=delete namespace/coast --timeout=60s');
});
