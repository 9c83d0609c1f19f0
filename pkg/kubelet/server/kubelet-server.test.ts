import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiResponse, MessageStream } from '../../api/http.ts';
import { readBody } from '../../client/read-body.ts';
import { byteStreamOver, createMessagePipe } from '../../client/streams/message-pipe.ts';
import { PortForwardClient, portForwardTunnelProtocol } from '../../client/streams/port-forward.ts';
import { exitCodeOf, runRemoteCommand } from '../../client/streams/remote-command.ts';
import { createTestNode, isReady, type TestNode } from '../testing.ts';

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const server = { user: { name: 'system:apiserver', groups: ['system:masters'] } };

function ask(
  node: TestNode,
  path: string,
  options: { headers?: Record<string, string>; signal?: AbortSignal; peer?: object } = {},
): Promise<ApiResponse> {
  const [route = '', query = ''] = path.split('?');
  return node.kubelet.handle({
    method: 'GET',
    path: route,
    query: new URLSearchParams(query),
    headers: options.headers ?? {},
    peer: options.peer ?? server,
    signal: options.signal ?? new AbortController().signal,
  });
}
/** The answer's text; time passes until it is all there. */
async function textOf(node: TestNode, path: string): Promise<string> {
  const answer = await ask(node, path);
  let text: string | undefined;
  const reading = readBody(answer.body, 1_000_000).then((bytes) => {
    text = decoder.decode(bytes);
  });
  await node.clock.advanceUntil(() => text !== undefined, 10_000);
  await reading;
  return `${answer.status === 200 ? '' : `${answer.status} `}${text}`;
}
async function running(annotations: Record<string, string> = {}, spec: object = {}): Promise<TestNode> {
  const node = await createTestNode();
  await node.createPod('web', spec, {
    annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`fake.gokube.dev/${key}`, value])),
  });
  await node.eventually('it runs', () => node.pod('web')?.status.phase === 'Running');
  return node;
}
const logs = '/containerLogs/default/web/web';

test('a log is shown from where it is asked for', async () => {
  const node = await running({ log: 'one\ntwo\nthree' });
  await node.clock.advance(10_000);
  const [container] = await node.runtime.listContainers();
  const path = container?.logPath ?? '';
  node.runtime.files.appendFile(
    path,
    encoder.encode('2026-01-01T00:00:09.500000000Z stdout P fo\n2026-01-01T00:00:09.500000001Z stdout F ur\n'),
  );
  assert.equal(await textOf(node, logs), 'one\ntwo\nthree\nfour\n');
  assert.equal(await textOf(node, `${logs}?tailLines=0`), '');
  assert.equal(await textOf(node, `${logs}?tailLines=3`), 'three\nfour\n');
  assert.equal(await textOf(node, `${logs}?tailLines=100`), 'one\ntwo\nthree\nfour\n');
  assert.equal(await textOf(node, `${logs}?sinceSeconds=5`), 'four\n');
  assert.equal(await textOf(node, `${logs}?sinceTime=2026-01-01T00:00:09Z&timestamps=true`), '2026-01-01T00:00:09.500000000Z four\n');
  assert.equal(await textOf(node, `${logs}?limitBytes=5`), 'one\nt');
  assert.equal(
    await textOf(node, `${logs}?tailLines=x`),
    '422 tailLines: Invalid value: "x": must be an integer greater than or equal to 0\n',
  );
  await node.stop();
});

test('a followed log goes on until its container ends', async () => {
  const node = await running({ log: 'begin', 'log-every': '1s', 'run-for': '3500ms' }, { restartPolicy: 'Never' });
  let text = '';
  let over = false;
  const answer = await ask(node, `${logs}?follow=true`);
  const reading = (async () => {
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) text += decoder.decode(chunk);
    over = true;
  })();
  await node.clock.advance(1500);
  assert.equal(text, 'begin\ntick 0\n');
  assert.equal(over, false);
  await node.clock.advance(3000);
  assert.equal(text, 'begin\ntick 0\ntick 1\ntick 2\n');
  assert.equal(over, true);
  await reading;
  await node.stop();
  assert.equal(node.clock.pendingTimers, 0);
});

test('a reader of a followed log may leave', async () => {
  const node = await running({ log: 'begin' });
  const gone = new AbortController();
  const answer = await ask(node, `${logs}?follow=true`, { signal: gone.signal });
  let over = false;
  const reading = (async () => {
    for await (const _ of answer.body as AsyncIterable<Uint8Array>);
    over = true;
  })();
  await node.clock.advance(1000);
  assert.equal(over, false);
  gone.abort();
  await node.clock.advance(1000);
  assert.equal(over, true);
  await reading;
  await node.stop();
});

test('the log before the last restart is the previous one, and what has none says so', async () => {
  const node = await running({ log: 'hello', 'run-for': '5s', 'exit-code': '1' });
  assert.equal(await textOf(node, `${logs}?previous=true`), '400 previous terminated container "web" in pod "web" not found\n');
  await node.clock.advance(6000);
  node.runtime.files.appendFile(
    (await node.runtime.listContainers({ state: 'running' }))[0]?.logPath ?? '',
    encoder.encode('x stdout F again\n'),
  );
  assert.equal(await textOf(node, `${logs}?previous=true`), 'hello\n');
  assert.equal(await textOf(node, logs), 'hello\nagain\n');
  await node.createPod('waiting', { containers: [{ name: 'web', image: 'missing/x:1' }] });
  await node.clock.advance(1000);
  assert.equal(
    await textOf(node, '/containerLogs/default/waiting/web'),
    '400 container "web" in pod "waiting" is waiting to start: trying and failing to pull image\n',
  );
  assert.match(await textOf(node, '/containerLogs/default/nobody/web'), /^404 pod "nobody" does not exist on node node-1/);
  await node.stop();
});

async function connect(node: TestNode, path: string, protocol: string): Promise<MessageStream> {
  const answer = await ask(node, path, { headers: { upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-protocol': protocol } });
  assert.equal(answer.status, 101, answer.body ? decoder.decode(await readBody(answer.body, 1000)) : '');
  assert.ok(answer.upgrade?.kind === 'websocket');
  const [near, far] = createMessagePipe();
  void answer.upgrade.run(far);
  return near;
}
async function settle<T>(node: TestNode, promise: Promise<T>): Promise<T> {
  let settled = false;
  const done = (): void => {
    settled = true;
  };
  promise.then(done, done);
  await node.clock.advanceUntil(() => settled, 60_000);
  return promise;
}

test('a command runs in a container, with its streams and its exit code', async () => {
  const node = await running();
  const socket = await connect(
    node,
    '/exec/default/web/web?command=sh&command=-c&command=cat;echo+$HOSTNAME;exit+5&input=1&output=1&error=1',
    'v5.channel.k8s.io',
  );
  let output = '';
  const status = await settle(
    node,
    runRemoteCommand(socket, {
      protocol: 'v5.channel.k8s.io',
      stdin: (async function* () {
        yield encoder.encode('from outside\n');
      })(),
      stdout: (chunk) => {
        output += decoder.decode(chunk);
      },
    }),
  );
  assert.equal(output, 'from outside\nweb\n');
  assert.equal(exitCodeOf(status), 5);

  const missing = await ask(node, '/exec/default/web/nobody?command=ls&output=1', { headers: { upgrade: 'websocket' } });
  assert.equal(missing.status, 404);
  assert.equal(decoder.decode(await readBody(missing.body, 1000)), 'container not found ("nobody")\n');
  assert.equal((await ask(node, '/exec/default/web/web?command=ls&output=1')).status, 400);
  await node.stop();
});

test('attached to a container, one sees what it prints until it ends', async () => {
  const node = await running({ 'log-every': '1s', 'run-for': '2500ms' }, { restartPolicy: 'Never' });
  const socket = await connect(node, '/attach/default/web/web?output=1&error=1', 'v5.channel.k8s.io');
  let output = '';
  const status = await settle(
    node,
    runRemoteCommand(socket, {
      protocol: 'v5.channel.k8s.io',
      stdout: (chunk) => {
        output += decoder.decode(chunk);
      },
    }),
  );
  assert.equal(output, 'tick 0\ntick 1\n');
  assert.equal(exitCodeOf(status), 0);
  await node.stop();
});

test('a port of the pod can be reached through the kubelet, and one that is closed is told as such', async () => {
  const node = await running({ port: '80' });
  const client = new PortForwardClient(byteStreamOver(await connect(node, '/portForward/default/web', portForwardTunnelProtocol)));
  const open = await client.open(80);
  const read = async (): Promise<string> => {
    let text = '';
    for await (const chunk of open.readable) text += decoder.decode(chunk);
    return text;
  };
  const reading = read();
  await open.write(encoder.encode('GET / HTTP/1.1\r\nHost: web\r\n\r\n'));
  await open.end();
  assert.match(await settle(node, reading), /^HTTP\/1.1 200 OK\r\n[\s\S]*web\n$/);

  const closed = await client.open(81);
  await assert.rejects(
    settle(
      node,
      (async () => {
        for await (const _ of closed.readable);
      })(),
    ),
    /error forwarding port 81: failed to connect to localhost:81 .*connection refused/,
  );
  await client.close();
  await node.stop();
});

test('health is for everybody, everything else for the API server alone', async () => {
  const node = await running();
  assert.equal(decoder.decode(await readBody((await ask(node, '/healthz', { peer: {} })).body, 100)), 'ok');
  assert.equal((await ask(node, '/pods', { peer: {} })).status, 401);
  assert.equal((await ask(node, '/pods', { peer: { user: { name: 'system:serviceaccount:default:default', groups: [] } } })).status, 403);
  assert.equal(
    (await ask(node, '/pods', { peer: { certificate: { commonName: 'kube-apiserver', organizations: ['system:masters'] } } })).status,
    200,
  );
  assert.equal((await ask(node, '/nothing')).status, 404);
  assert.equal((await ask(node, '/pods/%zz')).status, 400);
  await node.runtime.powerOff();
  await node.clock.advance(80_000);
  assert.equal((await ask(node, '/healthz')).status, 500);
  node.runtime.powerOn();
  await node.stop();
});

test('pods and their usage are told', async () => {
  const node = await running({ cpu: '250', memory: '1048576' });
  await node.eventually('it is ready', () => isReady(node.pod('web')));
  const list = JSON.parse(await textOf(node, '/pods')) as { items: { metadata: { name: string }; status: { phase: string } }[] };
  assert.deepEqual(
    list.items.map(({ metadata, status }) => [metadata.name, status.phase]),
    [['web', 'Running']],
  );
  await textOf(node, '/stats/summary');
  await node.clock.advance(10_000);
  const summary = JSON.parse(await textOf(node, '/stats/summary')) as {
    node: { nodeName: string };
    pods: { podRef: { name: string }; cpu: { usageNanoCores: number }; memory: { workingSetBytes: number } }[];
  };
  assert.equal(summary.node.nodeName, 'node-1');
  assert.equal(summary.pods[0]?.podRef.name, 'web');
  assert.equal(summary.pods[0]?.cpu.usageNanoCores, 250_000_000);
  assert.equal(summary.pods[0]?.memory.workingSetBytes, 1_048_576);
  assert.match(
    await textOf(node, '/metrics/resource'),
    /^container_memory_working_set_bytes\{container="web",namespace="default",pod="web"\} 1048576 /m,
  );
  assert.match(await textOf(node, '/metrics'), /kubelet_working_pods/);
  await node.stop();
});
