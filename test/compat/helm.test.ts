/**
 * Helm, the current one and the one before it, with a chart that has hooks of every kind: installed, tested, upgraded,
 * upgraded into a hook that fails, rolled back and taken away again.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { RunningCluster } from '../e2e/running-cluster.ts';
import { needsClients, realClient } from './clients.ts';
import { kubectlOf, RealClient, startCluster } from './real-client.ts';

const chart = join(import.meta.dirname, 'charts/notes');

/** What differs between the two. */
const helms = [
  {
    minor: '1.35',
    major: 4,
    rollbackOnFailure: '--rollback-on-failure',
    failed: /resource Job\/\S+\/notes-migrate not ready\. status: Failed/,
  },
  { minor: '1.32', major: 3, rollbackOnFailure: '--atomic', failed: /job notes-migrate failed: BackoffLimitExceeded/ },
];

describe('a chart', { skip: needsClients('1.35') || needsClients('1.32') }, () => {
  let cluster: RunningCluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster.delete());

  for (const { minor, major, rollbackOnFailure, failed } of helms) {
    test(`Helm ${major}: install, test, upgrade, fail, roll back, uninstall`, () => {
      const namespace = `helm-${major}`;
      const helm = new RealClient(cluster, realClient('helm', minor) as string, ['--namespace', namespace]);
      const k = kubectlOf(cluster, '1.35', namespace);
      const text = (): string => k.ok("get configmap notes -o jsonpath='{.data.TEXT} {.data.BEFORE}'");
      const statuses = (): string[] => JSON.parse(helm.ok('history notes -o json')).map(({ status }: { status: string }) => status);
      const hooks = (): string =>
        k.ok("get jobs,pods -o jsonpath='{range .items[?(@.metadata.annotations.helm\\.sh/hook)]}{.metadata.name} {end}'").trim();

      helm.ok(`install notes ${chart} --set notebook=true --create-namespace --wait --timeout 60s`);
      // The kind came with the chart, and one of it in the same breath.
      assert.match(k.ok('get notebooks'), /^NAME +TITLE +PAGES\nnotes +first +10\n$/);
      assert.equal(text(), 'first nothing');
      // The pod that looked first was to go when it had succeeded, and so was the announcement; the preparation stays.
      assert.equal(hooks(), 'notes-prepare');
      assert.match(k.ok('get configmap notes -o yaml'), /AUTOSCALING: "true"[\s\S]*KUBERNETES: v1\.36\.\d+\+gokube/);
      assert.match(helm.ok('list'), /^notes\s+helm-\d\s+1\s+.*deployed\s+notes-1\.0\.0/m);
      assert.match(helm.ok('get manifest notes'), /# Source: notes\/charts\/cache\/templates\/statefulset\.yaml/);
      assert.match(helm.ok('status notes'), /STATUS: deployed[\s\S]*notes says first, revision 1/);
      assert.match(helm.ok('test notes --logs'), /Phase: +Succeeded[\s\S]*the notes are there/);

      helm.ok(`upgrade notes ${chart} --set notebook=true --set text=second --wait --timeout 60s`);
      assert.equal(k.ok("get notebook notes -o jsonpath='{.spec.title}'"), 'second');
      assert.equal(text(), 'second first');
      // A dry run asks the cluster what is there, and changes nothing.
      assert.match(
        helm.ok(`upgrade notes ${chart} --set notebook=true --set text=third --dry-run=server`),
        /TEXT: "third"\n[\s\S]*BEFORE: "second"/,
      );
      assert.equal(text(), 'second first');

      assert.match(helm.fails(`upgrade notes ${chart} --set notebook=true --set text=third --set migration=1 --timeout 60s`), failed);
      assert.deepEqual(statuses(), ['superseded', 'deployed', 'failed']);
      assert.equal(text(), 'second first');
      helm.ok('rollback notes 1 --wait --timeout 60s');
      assert.match(text(), /^first /);
      assert.match(
        helm.fails(`upgrade notes ${chart} --set notebook=true --set migration=1 ${rollbackOnFailure} --timeout 60s`),
        /has been rolled back/,
      );
      assert.deepEqual(statuses(), ['superseded', 'superseded', 'failed', 'superseded', 'failed', 'deployed']);

      if (major === 4) {
        // From server-side apply, its default, to patches and back.
        helm.ok(`upgrade notes ${chart} --set notebook=true --set text=patched --server-side=false --wait --timeout 60s`);
        assert.match(text(), /^patched /);
        helm.ok(`upgrade notes ${chart} --set notebook=true --set text=applied --server-side=true --wait --timeout 60s`);
        assert.match(text(), /^applied /);
      }

      helm.ok('uninstall notes --wait --timeout 60s');
      assert.equal(k.ok('get deployments,statefulsets,services,roles,rolebindings,secrets -o name'), '');
      assert.match(hooks(), /notes-farewell/);
    });
  }
});
