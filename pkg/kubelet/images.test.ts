import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pods } from '../api/generated/resources.ts';
import { createTestNode, isReady, type TestNode } from './testing.ts';

const container = (image: string, imagePullPolicy: string): object => ({ containers: [{ name: 'web', image, imagePullPolicy }] });
const waiting = (node: TestNode): { reason?: string; message?: string } | undefined =>
  node.pod('web')?.status.containerStatuses?.[0]?.state.waiting;

test('an image that is not there is asked for again after 10, 20, 40 ... seconds', async () => {
  const node = await createTestNode();
  await node.createPod('web', container('missing/app:1', 'IfNotPresent'));
  await node.clock.advance(1000);
  const message = 'failed to resolve reference "missing/app:1": missing/app:1: not found';
  assert.ok(['ErrImagePull', 'ImagePullBackOff'].includes(waiting(node)?.reason ?? ''));
  await node.clock.advance(70_000);
  assert.equal(waiting(node)?.reason, 'ImagePullBackOff');
  assert.equal(waiting(node)?.message, `Back-off pulling image "missing/app:1": ErrImagePull: ${message}`);
  const events = node.events('web');
  assert.ok(events.includes(`Failed: Failed to pull image "missing/app:1": ${message}`));
  assert.ok(events.includes('Failed: Error: ErrImagePull'));
  assert.ok(events.includes('BackOff: Back-off pulling image "missing/app:1"'));
  assert.ok(events.includes('Failed: Error: ImagePullBackOff'));
  assert.equal(node.pod('web')?.status.phase, 'Pending');

  await node.client
    .resource(pods)
    .patch('web', { type: 'merge', body: { spec: container('nginx:1', 'IfNotPresent') } }, { namespace: 'default' });
  await node.eventually('the right image runs', () => isReady(node.pod('web')), 1);
  await node.stop();
});

test('pulls that fail are no more than the back-off allows', async () => {
  const node = await createTestNode();
  let pulls = 0;
  const pull = node.runtime.pullImage.bind(node.runtime);
  node.runtime.pullImage = (reference) => {
    pulls++;
    return pull(reference);
  };
  await node.createPod('web', container('broken/app:1', 'Always'));
  await node.clock.advance(155_000);
  // After 0, 10, 30, 70 and 150 seconds.
  assert.equal(pulls, 5);
  await node.stop();
});

test('what is present is not pulled, unless the policy says always', async () => {
  const node = await createTestNode();
  await node.runtime.pullImage('nginx:1');
  await node.createPod('web', container('nginx:1', 'IfNotPresent'));
  await node.eventually('it is ready', () => isReady(node.pod('web')));
  await node.clock.advance(100);
  assert.ok(node.events('web').includes('Pulled: Container image "nginx:1" already present on machine'));
  await node.createPod('always', container('nginx:1', 'Always'));
  await node.eventually('it is ready', () => isReady(node.pod('always')));
  await node.clock.advance(100);
  assert.ok(node.events('always').includes('Pulling: Pulling image "nginx:1"'));
  await node.stop();
});

test('with the policy Never an absent image is an error of its own', async () => {
  const node = await createTestNode();
  await node.createPod('web', container('nginx:1', 'Never'));
  await node.clock.advance(1000);
  assert.deepEqual(waiting(node), {
    reason: 'ErrImageNeverPull',
    message: 'Container image "nginx:1" is not present with pull policy of Never',
  });
  await node.stop();
});

test('a name that is none is told as such', async () => {
  const node = await createTestNode();
  await node.createPod('web', container('No Such://Name', 'IfNotPresent'));
  await node.clock.advance(30_000);
  assert.equal(waiting(node)?.reason, 'InvalidImageName');
  await node.stop();
});

test('pods that want one image share its pull', async () => {
  const node = await createTestNode();
  let pulls = 0;
  const pull = node.runtime.pullImage.bind(node.runtime);
  node.runtime.pullImage = (reference) => {
    pulls++;
    return pull(reference);
  };
  for (const name of ['a', 'b', 'c']) await node.createPod(name, container('slow-5s/app:1', 'IfNotPresent'));
  await node.eventually('all are ready', () => ['a', 'b', 'c'].every((name) => isReady(node.pod(name))), 6);
  assert.equal(pulls, 1);
  await node.stop();
});
