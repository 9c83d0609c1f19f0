import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job } from '../../api/generated/batch-v1.ts';
import { object, storageOf } from '../testing/objects.ts';
import { testRegistry } from '../testing/test-registry.ts';

const template = (labels?: object): object => ({
  ...(labels ? { metadata: { labels } } : {}),
  spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'any' }] },
});

test('a job finds its pods by its own uid, which is on its template, in its selector and on itself', async () => {
  const { registry, context } = await testRegistry();
  const jobs = storageOf(registry, 'jobs', 'batch');
  const { metadata, spec } = (
    await jobs.create(context(), 'default', object('batch/v1', 'Job', 'work', { spec: { template: template() } }))
  ).object as Job;
  assert.deepEqual(spec.selector, { matchLabels: { 'batch.kubernetes.io/controller-uid': metadata.uid } });
  assert.deepEqual(spec.template.metadata.labels, {
    'controller-uid': metadata.uid,
    'job-name': 'work',
    'batch.kubernetes.io/controller-uid': metadata.uid,
    'batch.kubernetes.io/job-name': 'work',
  });
  assert.deepEqual(metadata.labels, spec.template.metadata.labels);
  await registry.close();
});

test('a selector that is not the generated one is refused, unless the job says that it is on purpose', async () => {
  const { registry, context } = await testRegistry();
  const jobs = storageOf(registry, 'jobs', 'batch');
  const selector = { matchLabels: { mine: 'yes' } };
  const own = { selector, template: template({ mine: 'yes' }) };
  await assert.rejects(
    jobs.create(context(), 'default', object('batch/v1', 'Job', 'a', { spec: own })),
    /spec\.selector: Invalid value: .*not auto-generated/,
  );
  const wrong = { template: template({ 'job-name': 'other' }) };
  await assert.rejects(
    jobs.create(context(), 'default', object('batch/v1', 'Job', 'b', { spec: wrong })),
    /spec\.template\.metadata\.labels: Invalid value: .*must be 'b'/,
  );
  const { spec } = (await jobs.create(context(), 'default', object('batch/v1', 'Job', 'c', { spec: { ...own, manualSelector: true } })))
    .object as Job;
  assert.deepEqual(spec.selector, selector);
  await registry.close();
});
