import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { Attach, CoreV1Api, Exec, KubeConfig, Log, PortForward, type V1Status, Watch } from '@kubernetes/client-node';
import { setContext } from '../client/kubeconfig/kubeconfig.ts';
import { InProcessKubeletDialer } from './connect/dialers.ts';
import { echoKubelet } from './testing/echo-kubelet.ts';
import { serveHttps } from './testing/serve-https.node.ts';
import { testServer } from './testing/test-server.ts';

/** Kubernetes' own JavaScript client, which knows nothing of this project. */
test('the JavaScript client of Kubernetes reads, is refused, watches, execs, reads logs and forwards ports', async (t) => {
  const api = await testServer({ kubelets: new InProcessKubeletDialer((name) => (name === 'node-1' ? echoKubelet : undefined)) });
  await api.withDefaults();
  const { server, ca, admin } = await serveHttps(t, api.server);
  const config = new KubeConfig();
  config.loadFromString(
    setContext('', 'test', {
      server: `https://127.0.0.1:${server.port}`,
      certificateAuthority: ca,
      clientCertificate: admin.certificate,
      clientKey: admin.key,
    }),
  );
  const core = config.makeApiClient(CoreV1Api);
  const pod = (name: string, nodeName: string) => ({ metadata: { name }, spec: { nodeName, containers: [{ name: 'c', image: 'x' }] } });
  await core.createNamespacedPod({ namespace: 'default', body: pod('p', 'node-1') });
  await core.createNamespacedPod({ namespace: 'default', body: pod('lost', 'node-2') });
  const list = await core.listNamespacedPod({ namespace: 'default' });
  assert.deepEqual(
    list.items.map((item) => item.metadata?.name),
    ['lost', 'p'],
  );
  await assert.rejects(core.readNamespacedPod({ name: 'nope', namespace: 'default' }), (error: { code?: number }) => error.code === 404);

  const seen: string[] = [];
  const ended = Promise.withResolvers<void>();
  const both = Promise.withResolvers<void>();
  const watch = await new Watch(config).watch(
    '/api/v1/namespaces/default/pods',
    {},
    (phase: string, object: { metadata: { name: string } }) => {
      seen.push(`${phase} ${object.metadata.name}`);
      if (seen.length === 2) both.resolve();
    },
    () => ended.resolve(),
  );
  await both.promise;
  assert.deepEqual(seen, ['ADDED lost', 'ADDED p']);
  watch.abort();
  await ended.promise;

  const text = async (stream: PassThrough): Promise<string> => (await stream.toArray()).join('');
  const stdout = new PassThrough();
  const stdin = new PassThrough();
  const status = Promise.withResolvers<V1Status>();
  const socket = await new Exec(config).exec('default', 'p', 'c', ['cat', '-'], stdout, null, stdin, false, status.resolve);
  stdin.end('hello');
  const result = await status.promise;
  assert.equal(result.reason, 'NonZeroExitCode');
  assert.equal(result.details?.causes?.[0]?.message, '7');
  if (socket.readyState !== 3) await once(socket, 'close');
  stdout.end();
  assert.equal(await text(stdout), 'cat -:hello');

  const log = new PassThrough();
  await new Log(config).log('default', 'p', 'c', log, { tailLines: 3 });
  assert.equal(await text(log), '/containerLogs/default/p/c?tailLines=3');

  const forward = new PortForward(config, true);
  const local = net.createServer((connection) => void forward.portForward('default', 'p', [80], connection, null, connection));
  t.after(() => local.close());
  local.listen(0, '127.0.0.1');
  await once(local, 'listening');
  const connection = net.connect((local.address() as net.AddressInfo).port, '127.0.0.1');
  connection.write('ping');
  const [answer] = await once(connection, 'data');
  assert.equal(String(answer), 'ping');
  connection.destroy();

  const nobody = new Attach(config).attach('default', 'lost', 'c', new PassThrough(), null, null, false);
  await assert.rejects(nobody);
});
