/**
 * How dashboards ask, in a browser and out of it: which kinds there are, tables and metadata of everything, watches by
 * the dozen over one connection, what the user may do. No page of another origin is let in.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { get, type RequestOptions } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import type { RunningCluster } from '../e2e/running-cluster.ts';
import { needsClients } from './clients.ts';
import { kubectlOf, startCluster } from './real-client.ts';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

const discovery = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const metadataOnly = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';

describe('a dashboard', { skip: needsClients() }, () => {
  let cluster: RunningCluster;
  let session: ClientHttp2Session;
  let credentials: Pick<RequestOptions, 'ca' | 'cert' | 'key'>;
  let token: string;

  before(async () => {
    cluster = await startCluster();
    const { clusters, users } = parse(readFileSync(cluster.kubeconfig, 'utf8'));
    const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
    credentials = {
      ca: bytes(clusters[0].cluster['certificate-authority-data']),
      cert: bytes(users[0].user['client-certificate-data']),
      key: bytes(users[0].user['client-key-data']),
    };
    session = connect(`https://127.0.0.1:${cluster.port}`, credentials as never);
    const k = kubectlOf(cluster);
    k.ok('create configmap seen --from-literal=a=b');
    k.ok('create serviceaccount viewer');
    token = k.ok('create token viewer').trim();
  });
  after(async () => {
    session?.destroy();
    await cluster.delete();
  });

  async function ask(path: string, headers: Record<string, string> = {}, body?: unknown): Promise<Answer> {
    const method = body === undefined ? 'GET' : 'POST';
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const stream = session.request({ ':path': path, ':method': method, ...json, ...headers });
    stream.end(body === undefined ? undefined : JSON.stringify(body));
    const answered = Promise.withResolvers<Record<string, unknown>>();
    stream.once('response', answered.resolve);
    stream.once('error', answered.reject);
    const text = (await stream.toArray()).join('');
    const got = await answered.promise;
    return { status: Number(got[':status']), type: String(got['content-type']), headers: got, text };
  }

  test('learns of every kind in two requests, in the newest form that it knows', async () => {
    const accept = `${discovery},application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json`;
    const [core, groups] = await Promise.all([ask('/api', { accept }), ask('/apis', { accept })]);
    for (const { status, type } of [core, groups]) assert.deepEqual([status, type], [200, discovery]);
    const { items } = JSON.parse(groups.text);
    const apps = items.find(({ metadata }: { metadata: { name: string } }) => metadata.name === 'apps');
    const deployments = apps.versions[0].resources.find(({ resource }: { resource: string }) => resource === 'deployments');
    assert.deepEqual(
      [deployments.responseKind.kind, deployments.scope, deployments.shortNames, deployments.singularResource],
      ['Deployment', 'Namespaced', ['deploy'], 'deployment'],
    );
    assert.ok(deployments.subresources.some(({ subresource }: { subresource: string }) => subresource === 'scale'));
    // Who knows none of the new forms gets the old one; who accepts nothing that there is is told so.
    for (const accept of ['', '*/*', 'application/json', 'text/html, application/json;q=0.9']) {
      assert.equal(JSON.parse((await ask('/apis', accept === '' ? {} : { accept })).text).kind, 'APIGroupList', accept);
    }
    assert.equal((await ask('/apis', { accept: 'text/html' })).status, 406);
  });

  test('draws tables and metadata of any kind', async () => {
    const rows = JSON.parse((await ask('/api/v1/namespaces/default/configmaps', { accept: `${table},application/json` })).text);
    assert.deepEqual(
      rows.columnDefinitions.map(({ name }: { name: string }) => name),
      ['Name', 'Data', 'Age'],
    );
    assert.equal(rows.rows.find(({ cells }: { cells: unknown[] }) => cells[0] === 'seen').object.kind, 'PartialObjectMetadata');
    const list = JSON.parse((await ask('/api/v1/configmaps?limit=1', { accept: metadataOnly })).text);
    assert.deepEqual([list.kind, list.items.length, list.items[0].data], ['PartialObjectMetadataList', 1, undefined]);
    assert.ok(list.metadata.continue);
  });

  test('watches everything at once over one connection, as tables too', async () => {
    const resources = ['pods', 'services', 'configmaps', 'secrets', 'events', 'nodes', 'namespaces', 'serviceaccounts', 'endpoints'];
    const grouped = ['apps/v1/deployments', 'apps/v1/replicasets', 'batch/v1/jobs', 'batch/v1/cronjobs', 'networking.k8s.io/v1/ingresses'];
    const paths = [...resources.map((name) => `/api/v1/${name}`), ...grouped.map((name) => `/apis/${name}`)];
    const answers = await Promise.all(
      paths.flatMap((path) => [ask(`${path}?watch=true&timeoutSeconds=1`), ask(`${path}?watch=true&timeoutSeconds=1`, { accept: table })]),
    );
    for (const { status, text } of answers) {
      assert.equal(status, 200, text);
      for (const line of text.split('\n').filter(Boolean)) assert.equal(JSON.parse(line).type, 'ADDED', line);
    }
    const [, asTable] = answers.slice(resources.indexOf('nodes') * 2);
    const events = (asTable as Answer).text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).object);
    assert.deepEqual(
      events.map(({ kind, rows }) => [kind, rows.length]),
      [
        ['Table', 1],
        ['Table', 1],
      ],
    );
    // The columns are told once.
    assert.deepEqual(
      events.map(({ columnDefinitions }) => Boolean(columnDefinitions?.length)),
      [true, false],
    );
  });

  test('asks what its user may do', async () => {
    const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
    const { status, text } = await ask(path, {}, { spec: { namespace: 'default' } });
    assert.equal(status, 201, text);
    assert.deepEqual(JSON.parse(text).status.resourceRules[0].verbs, ['*']);
    const one = await ask(
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      {},
      { spec: { resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'default' } } },
    );
    assert.equal(JSON.parse(one.text).status.allowed, true);
  });

  test('of another origin is told nothing that would let it in', async () => {
    for (const [method, more] of [
      ['GET', {}],
      ['OPTIONS', { 'access-control-request-method': 'GET' }],
    ] as const) {
      const { headers } = await ask('/version', { ':method': method, origin: 'https://elsewhere.example', ...more });
      assert.deepEqual(
        Object.keys(headers).filter((name) => name.startsWith('access-control')),
        [],
      );
    }
  });

  /** Opens a WebSocket by hand, as a browser does: no header but the subprotocols is the page's to choose. */
  function open(protocols: string, identity: RequestOptions): Promise<{ status: number; protocol: unknown; first: string }> {
    return new Promise((done, failed) => {
      const request = get({
        ...identity,
        host: '127.0.0.1',
        port: cluster.port,
        path: '/api/v1/namespaces/default/configmaps?watch=true&fieldSelector=metadata.name%3Dseen',
        headers: {
          connection: 'Upgrade',
          upgrade: 'websocket',
          origin: `https://127.0.0.1:${cluster.port}`,
          'sec-websocket-version': '13',
          'sec-websocket-key': Buffer.alloc(16).toString('base64'),
          'sec-websocket-protocol': protocols,
        },
      });
      request.once('error', failed);
      request.once('response', ({ statusCode = 0 }) => {
        request.destroy();
        done({ status: statusCode, protocol: undefined, first: '' });
      });
      request.once('upgrade', ({ headers }, socket, head) => {
        const finish = (bytes: Buffer): void => {
          socket.destroy();
          done({ status: 101, protocol: headers['sec-websocket-protocol'], first: bytes.toString() });
        };
        if (head.length > 0) finish(head);
        else socket.once('data', finish);
      });
    });
  }

  test('in a browser watches by WebSocket, with a token among the subprotocols', async () => {
    const watched = await open('base64.binary.k8s.io', credentials);
    assert.deepEqual([watched.status, watched.protocol], [101, 'base64.binary.k8s.io']);
    assert.match(watched.first, /"type":"ADDED"/);
    const bearer = `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString('base64url')}`;
    const { ca } = credentials;
    // This one is known, and has no rights; without a token it is nobody; with a wrong one it is refused.
    assert.equal((await open(`${bearer}, base64.binary.k8s.io`, { ca })).status, 403);
    assert.equal((await open('base64url.bearer.authorization.k8s.io.bm90LW1pbmU, base64.binary.k8s.io', { ca })).status, 401);
  });
});
