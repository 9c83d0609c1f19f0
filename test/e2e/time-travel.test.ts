/** History, snapshots and rewinding as a person meets them, through the `gokube` command; containers are simulated. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually, RunningCluster } from './running-cluster.ts';

describe('time travel', () => {
  let cluster: RunningCluster;
  let branch: RunningCluster;
  const at = (name: string): string => join(cluster.directory, name);
  const kubectl = (where: RunningCluster, ...argv: string[]): string => {
    const { code, out, err } = where.gokube('kubectl', ...argv);
    assert.equal(code, 0, err);
    return out;
  };
  const rolledOut = (where: RunningCluster, image: string): Promise<void> =>
    eventually(`pods of ${image}`, 30, () => {
      const pods = kubectl(where, 'get', 'pods', '-o', 'jsonpath={range .items[*]}{.spec.containers[0].image} {.status.phase};{end}');
      return pods === `${image} Running;${image} Running;` || pods;
    });
  const revisionOf = (where: RunningCluster): number =>
    Number(kubectl(where, 'get', 'deployment', 'web', '-o', 'jsonpath={.metadata.resourceVersion}'));
  let first = 0;

  before(async () => {
    cluster = await RunningCluster.create();
    branch = await RunningCluster.create(`branch-${process.pid}`);
    await cluster.up('--runtime', 'fake', '--history', '2h', '--history-size', '512MiB');
    kubectl(cluster, 'create', 'deployment', 'web', '--image=shop:1', '--replicas=2');
    await rolledOut(cluster, 'shop:1');
    first = revisionOf(cluster);
    kubectl(cluster, 'set', 'image', 'deployment/web', '*=shop:2');
    await rolledOut(cluster, 'shop:2');
  });
  after(async () => {
    await branch.delete();
    await cluster.delete();
  });

  test('history tells who, because of what, and what changed; of what is gone, and after a restart, too', async () => {
    const pod = kubectl(cluster, 'get', 'pods', '-o', 'name').split('\n')[0] as string;
    const told = cluster.gokube('history', 'deployment/web');
    assert.equal(told.code, 0, told.err);
    assert.match(told.out, /^Deployment\/web in namespace default\n/);
    assert.match(told.out, /@\d+ {2}created .* create by kubernetes-admin with kubectl/);
    assert.match(told.out, /spec\.template\.spec\.containers\[[^\]]+\]\.image: shop:1 → shop:2/);
    assert.doesNotMatch(told.out, /managedFields/);
    assert.match(cluster.gokube('history', pod).out, /because {2}kubectl \w+ → Deployment\/web@\d+ → ReplicaSet\/web-\w+@\d+/);
    assert.doesNotMatch(cluster.gokube('history', 'deploy', 'web', '--diff=false').out, /shop:1 → shop:2/);
    assert.match(cluster.gokube('history', 'deploy/web', '--revision', String(first)).out, /image: shop:1/);

    kubectl(cluster, 'delete', 'deployment', 'web');
    await eventually('no pods', 30, () => kubectl(cluster, 'get', 'pods', '-o', 'name') === '');
    await cluster.kill();
    await cluster.up('--runtime', 'fake');
    const gone = cluster.gokube('history', pod, '-o', 'json');
    const { items } = JSON.parse(gone.out) as { items: { type: string; because: string[] }[] };
    assert.deepEqual([items[0]?.type, items.at(-1)?.type], ['created', 'deleted']);
    assert.match(items.at(-1)?.because[0] ?? '', /^kubectl delete → Deployment\/web@\d+ → /);
    const two = cluster.gokube('history', 'deploy/web', '--limit', '2').out;
    assert.equal(two.match(/^@/gm)?.length, 2);
    assert.match(two, /@\d+ {2}deleted/);
  });

  test('what cannot be answered is said, with what to do', () => {
    const said = (...argv: string[]): string => {
      const { code, out, err } = cluster.gokube(...argv);
      assert.notEqual(code, 0, out);
      return err;
    };
    assert.match(said('history', 'deployment/never'), /there is no deployments\/never in namespace default, and there was none/);
    assert.match(said('history', 'deploymen/x'), /doesn't have a resource type "deploymen"[\s\S]*deployment/);
    assert.match(said('history', 'deployment'), /one object is wanted[\s\S]*gokube history deployment\/web/);
    assert.match(said('history', 'deploy/web', '--revision', '99999999'), /has not been written yet/);
    assert.match(said('rewind', '--to', 'soon', '--as', 'x'), /a revision \(212\), how long ago/);
    assert.match(said('rewind', '--to', '2999-01-01', '--as', 'x'), /it lies in the future/);
    assert.match(said('rewind', '--to', '5', '--as', cluster.name), /cannot be called ".*" as well/);
    assert.match(said('rewind', '--to', '7d', '--as', 'x', '--into', at('x')), /what is kept begins later than/);
    writeFileSync(at('file'), '');
    assert.match(said('rewind', '--to', '5', '--as', 'x', '--into', join(at('file'), 'x', 'y')), /cannot be a directory/);
    assert.match(said('snapshot', 'save', at('x'.repeat(300))), /cannot be written: name too long[\s\S]*nothing was saved/);
    assert.match(said('snapshot', 'restore', at('nothing'), '--data-dir', at('file')), /file is a file/);
    assert.match(said('rewind', '--to', '99999999', '--as', 'x', '--into', at('x')), /has not been written yet/);
    assert.ok(!existsSync(at('x')));
    assert.deepEqual(
      readdirSync(cluster.directory).filter((name) => name.startsWith('.rewind')),
      [],
    );
  });

  test('a cluster is branched from a past revision, and both run beside each other', async () => {
    const rewound = cluster.gokube('rewind', '--to', String(first), '--as', branch.name, '--into', join(branch.directory, 'data'));
    assert.equal(rewound.code, 0, rewound.err);
    assert.match(rewound.err, new RegExp(`it stands at revision ${first} and goes on after \\d+000000`));
    const again = cluster.gokube('rewind', '--to', String(first), '--as', branch.name, '--into', join(branch.directory, 'data'));
    assert.match(again.err, /there is a cluster .* already, or something else[\s\S]*--as/);
    await branch.up('--runtime', 'fake');
    await rolledOut(branch, 'shop:1');
    assert.equal(kubectl(branch, 'get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}'), 'node-1 node-2 node-3');
    assert.match(branch.gokube('history', 'deployment/web').out, /create by kubernetes-admin with kubectl/);
    const refused = branch.gokube('kubectl', 'get', '--raw', `/api/v1/pods?resourceVersion=${first + 5}&resourceVersionMatch=Exact`);
    assert.match(refused.err, /too old/);
    assert.notEqual(cluster.gokube('kubectl', 'get', 'deployment', 'web').code, 0, 'the original has no deployment any more');
    await branch.delete();
  });

  test('a snapshot is saved while the cluster runs, and restored; what is none is refused', async () => {
    const file = at('backup');
    const saved = cluster.gokube('snapshot', 'save', file);
    assert.equal(saved.code, 0, saved.err);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.match(cluster.gokube('snapshot', 'save', file).err, /exists already/);
    assert.match(cluster.gokube('snapshot', 'restore', file).err, /is running .* nothing is restored over it/);
    await cluster.stop();
    assert.match(cluster.gokube('snapshot', 'restore', file).err, /there is a cluster .* already/);
    assert.equal(cluster.gokube('snapshot', 'save', at('stopped')).code, 0);
    writeFileSync(at('foreign'), 'hello');
    truncateSync(at('stopped'), 10_000);
    branch = await RunningCluster.create(`again-${process.pid}`);
    for (const [bad, words] of [
      ['foreign', /is no snapshot of a store, or has been cut off/],
      ['stopped', /is no snapshot of a store, or has been cut off/],
      ['nowhere', /there is no file/],
    ] as const)
      assert.match(branch.gokube('snapshot', 'restore', at(bad)).err, words);
    const restored = branch.gokube('snapshot', 'restore', file);
    assert.equal(restored.code, 0, restored.err);
    await branch.up('--runtime', 'fake');
    assert.match(branch.gokube('history', 'deployment/web', '--limit', '1').out, /deleted/);
    kubectl(branch, 'create', 'configmap', 'alive');
  });
});
