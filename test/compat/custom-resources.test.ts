/** A kind of one's own, from its definition to its end, with each kubectl that is still about. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RunningCluster } from '../e2e/running-cluster.ts';
import { minors, needsClients } from './clients.ts';
import { kubectlOf, startCluster } from './real-client.ts';

/** Every kubectl has a group of its own. `more`: of the version's; `second`: a whole version beside it. */
const definition = (group: string, more = '', second = ''): string => `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: crontabs.${group} }
spec:
  group: ${group}
  scope: Namespaced
  names: { plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct], categories: [all] }
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: { specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector }
    additionalPrinterColumns:
    - { name: Spec, type: string, jsonPath: .spec.cronSpec, description: The cron spec. }
    - { name: Replicas, type: integer, jsonPath: .spec.replicas, priority: 1 }
    - { name: Age, type: date, jsonPath: .metadata.creationTimestamp }
    selectableFields: [{ jsonPath: .spec.cronSpec }]
    schema:
      openAPIV3Schema:
        type: object
        description: Jobs at times.
        properties:
          spec:
            type: object
            description: What is wanted.
            required: [cronSpec]
            properties:
              cronSpec: { type: string, pattern: '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$', description: When. }
              replicas: { type: integer, minimum: 1, maximum: 10, default: 1, description: How many. }
              tags: { type: array, x-kubernetes-list-type: set, items: { type: string } }
              free: { type: object, x-kubernetes-preserve-unknown-fields: true }
              ${more}
          status: { type: object, properties: { replicas: { type: integer }, selector: { type: string } } }
  ${second}`;
const beta = `- name: v1beta1
    served: true
    storage: false
    deprecated: true
    deprecationWarning: this version goes
    schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }`;
const crontab = (group: string, spec: string, name = 'mine'): string =>
  `apiVersion: ${group}/v1\nkind: CronTab\nmetadata: { name: ${name} }\nspec: ${spec}\n`;

describe('custom resources', { skip: minors.map(needsClients).find(Boolean) ?? false }, () => {
  let cluster: RunningCluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster.delete());

  for (const minor of minors) {
    test(`kubectl ${minor}: define, explain, apply, print, scale, change the definition, delete`, async () => {
      const name = `m${minor.replace('.', '-')}`;
      const group = `${name}.example.com`;
      const k = kubectlOf(cluster, minor, name);
      k.ok(`create namespace ${name}`);
      const apply = (text: string): string => k.ok('apply -f -', { input: text });

      assert.match(
        k.fails('apply -f -', { input: definition(group, 'bad: {}') }),
        /properties\[bad\].type: Required value: must not be empty/,
      );
      apply(definition(group));
      k.ok(`wait --for=condition=established --timeout=10s crd/crontabs.${group}`);
      assert.match(k.ok(`api-resources --api-group=${group}`), new RegExp(`crontabs +ct +${group}/v1 +true +CronTab`));
      assert.match(k.ok(`explain crontabs.${group}.spec`), /What is wanted[\s\S]*cronSpec\t<string> -required-[\s\S]*How many/);
      assert.match(k.ok(`explain crontabs.${group} --recursive`), /replicas\t<integer>[\s\S]*selector\t<string>/);

      const free = '{ anything: [1, { at: all }] }';
      apply(crontab(group, `{ cronSpec: "* * * * */5", tags: [a], free: ${free} }`));
      assert.match(k.ok('get ct'), /^NAME +SPEC +AGE\nmine +\* \* \* \* \*\/5 +\d+s\n$/);
      assert.match(k.ok('get ct -o wide'), /REPLICAS +AGE\nmine +\S+ \S+ \S+ \S+ \S+ +1 /);
      assert.match(k.ok('get all'), new RegExp(`crontab.${group}/mine`));
      assert.equal(k.ok(`get ct --field-selector 'spec.cronSpec!=x' -o name`), `crontab.${group}/mine\n`);
      assert.match(k.fails('get ct --field-selector spec.replicas=1'), /field label not supported: spec.replicas/);

      const unknown = crontab(group, '{ cronSpec: "* * * * *", nonsense: 1 }', 'other');
      assert.match(k.fails('create -f -', { input: unknown }), /unknown field "(CronTab.)?spec.nonsense"|"nonsense" in/);
      const wrong = crontab(group, '{ cronSpec: never, replicas: 99, tags: [a, a] }', 'other');
      const refused = k.fails('create -f -', { input: wrong });
      assert.match(refused, /spec.cronSpec: Invalid value: "never": spec.cronSpec in body should match/);
      assert.match(refused, /spec.replicas: Invalid value: 99: spec.replicas in body should be less than or equal to 10/);
      assert.match(refused, /spec.tags\[1\]: Duplicate value: "a"/);
      assert.match(k.fails(`patch ct mine --type strategic -p '{"spec":{"replicas":2}}'`), /strategic-merge-patch\+json is not supported/);

      k.ok('scale ct mine --replicas=3');
      k.ok(`patch ct mine --subresource=status --type=merge -p '{"spec":{"replicas":9},"status":{"replicas":2,"selector":"a=b"}}'`);
      assert.equal(k.ok('get ct mine -o jsonpath={.spec.replicas},{.status.replicas},{.metadata.generation}'), '3,2,2');
      assert.match(k.ok(`get --raw /apis/${group}/v1/namespaces/${name}/crontabs/mine/scale`), /"replicas":2,"selector":"a=b"/);
      k.ok('apply --server-side --force-conflicts -f -', { input: crontab(group, '{ cronSpec: "1 * * * *", tags: [b] }') });
      assert.equal(k.ok('get ct mine -o jsonpath={.spec.cronSpec},{.spec.tags}'), '1 * * * *,["b"]');

      const watch = k.start('get ct -w');
      await watch.printed(/mine/);
      apply(definition(group, 'zone: { type: string, default: here }', beta));
      await watch.stop();
      assert.equal(k.ok('get ct mine -o jsonpath={.spec.zone}'), 'here');
      const old = k.run(`get crontabs.v1beta1.${group} mine -o jsonpath={.apiVersion},{.spec.zone}`);
      assert.equal(old.out, `${group}/v1beta1,here`);
      assert.match(old.err, /Warning: this version goes/);
      assert.match(k.ok(`explain crontabs.spec --api-version=${group}/v1`), /zone\t<string>/);

      k.ok(`delete crd crontabs.${group} --timeout=20s`);
      // kubectl may remember that there was such a kind; the server no longer knows it.
      assert.match(k.fails('get ct'), /doesn't have a resource type "ct"|could not find the requested resource/);
      apply(definition(group));
      k.ok(`wait --for=condition=established --timeout=10s crd/crontabs.${group}`);
      assert.match(k.run(`get crontabs.${group}`).err, /No resources found/);
      k.ok(`delete crd crontabs.${group} --wait=false`);
    });
  }
});
