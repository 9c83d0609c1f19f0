import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pods } from '../api/generated/resources.ts';
import { createTestNode, isReady } from './testing.ts';

/** A busy hour on one node: every request it made of the server, and every object in the end. */
async function story(seed: number): Promise<string> {
  const node = await createTestNode({ seed });
  const behaviour = [{}, { 'run-for': '40s', 'exit-code': '1' }, { 'ready-after': '30s', 'log-every': '10s' }, { 'stop-delay': '20s' }];
  for (const [i, values] of behaviour.entries()) {
    const annotations = Object.fromEntries(Object.entries(values).map(([key, value]) => [`fake.gokube.dev/${key}`, value]));
    const readinessProbe = { httpGet: { port: 80 }, periodSeconds: 3 };
    const volume = { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } };
    await node.createPod(
      `pod-${i}`,
      { containers: [{ name: 'web', image: 'nginx:1', readinessProbe }], volumes: [volume] },
      { annotations },
    );
  }
  await node.clock.advance(60_000);
  await node.client.resource(pods).delete('pod-3', { namespace: 'default' });
  await node.clock.advance(29 * 60_000);
  await node.restart();
  await node.clock.advance(30 * 60_000);
  assert.ok(isReady(node.pod('pod-0')));
  await node.stop();
  await node.runtime.powerOff();
  assert.equal(node.clock.pendingTimers, 0);
  const calls = node.server.calls.map(({ verb, ref, name, subresource }) => `${verb} ${ref.resource}/${name} ${subresource}`);
  return JSON.stringify([calls, node.server.all(pods), node.runtime.files.list('/var/lib/kubelet/logs')]);
}

test('with one seed an hour on a node is the same hour again, and with another it is not', async () => {
  const first = await story(7);
  assert.equal(await story(7), first);
  assert.notEqual(await story(8), first);
});
