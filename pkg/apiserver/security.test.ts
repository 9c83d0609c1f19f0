import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiRequest, Peer } from '../api/http.ts';
import { simulatedCredentials } from '../client/credentials/simulated-credentials.ts';
import { SeededRandom } from '../clock/random.ts';
import { ServiceAccountTokens } from './auth/service-account-tokens.ts';
import { testServer } from './testing/test-server.ts';

async function secureServer() {
  return testServer(async ({ registry, clock }) => {
    const source = simulatedCredentials(new SeededRandom(3));
    const signer = await source.openSigner(await source.createSigningKey());
    return { tokens: new ServiceAccountTokens({ signer, registry, clock, random: new SeededRandom(4) }) };
  });
}

type Server = Awaited<ReturnType<typeof secureServer>>;

async function status({ server }: Server, peer: Peer, path: string, changes: Partial<ApiRequest> = {}): Promise<number> {
  const request = { method: 'GET', path, query: new URLSearchParams(), headers: {}, peer, signal: new AbortController().signal };
  return (await server.handle({ ...request, ...changes })).status;
}

const certificate = (commonName: string, ...organizations: string[]): Peer => ({ certificate: { commonName, organizations } });
const everywhere = ['/api/v1/pods', '/api/v1/namespaces/default/secrets', '/apis/apps/v1/deployments', '/metrics', '/'];
const discovery = ['/api', '/apis', '/api/v1', '/apis/apps/v1'];
const open = ['/healthz', '/livez', '/readyz', '/livez/ping', '/version'];

test('without a credential there is health and version, and nothing else', async () => {
  const server = await secureServer();
  for (const path of open) assert.equal(await status(server, {}, path), 200, path);
  for (const path of [...everywhere, ...discovery, '/openapi/v3', '/healthzzz']) assert.equal(await status(server, {}, path), 403, path);
  assert.equal(await status(server, {}, '/version', { method: 'POST' }), 403);
  const answer = await server.request('GET', '/api/v1/namespaces/default/pods/x', { user: null });
  assert.equal(
    answer.json.message,
    'pods "x" is forbidden: User "system:anonymous" cannot get resource "pods" in API group "" in the namespace "default"',
  );
});

test('administrators and components may do everything; others with a certificate may read what the API consists of', async () => {
  const server = await secureServer();
  for (const peer of [
    certificate('kubernetes-admin', 'system:masters'),
    certificate('system:node:node-1', 'system:nodes'),
    certificate('system:kube-scheduler'),
    certificate('system:kube-controller-manager'),
    certificate('system:kube-proxy'),
  ]) {
    for (const path of [...open, ...discovery, ...everywhere]) assert.equal(await status(server, peer, path), 200, path);
  }
  for (const path of [...open, ...discovery]) assert.equal(await status(server, certificate('alice', 'developers'), path), 200, path);
  for (const path of everywhere) assert.equal(await status(server, certificate('alice', 'developers'), path), 403, path);
  // A name in a certificate is no name of a group, and an empty one is nobody.
  assert.equal(await status(server, certificate('system:masters'), '/api/v1/pods'), 403);
  assert.equal(await status(server, certificate('', 'system:masters'), '/api/v1/pods'), 403);
});

async function tokenFor(server: Server, spec: unknown = {}): Promise<{ token: string; status: number; text: string; expires: string }> {
  const answer = await server.request('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', { body: { spec } });
  return { token: answer.json.status?.token, expires: answer.json.status?.expirationTimestamp, status: answer.status, text: answer.text };
}
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

test('a service account reads what the API consists of, asks about itself, and nothing else', async () => {
  const server = await secureServer();
  await server.withDefaults();
  const { token } = await tokenFor(server);
  for (const path of [...open, ...discovery]) assert.equal(await status(server, {}, path, bearer(token)), 200, path);
  for (const path of everywhere) assert.equal(await status(server, {}, path, bearer(token)), 403, path);
  const whoami = await server.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    body: {},
    user: null,
    ...bearer(token),
  });
  assert.equal(whoami.json.status.userInfo.username, 'system:serviceaccount:default:default');
  assert.deepEqual(whoami.json.status.userInfo.groups, [
    'system:serviceaccounts',
    'system:serviceaccounts:default',
    'system:authenticated',
  ]);
});

test('a token ends with its time, its service account and the pod it is bound to; a bad one is 401 and not anonymous', async () => {
  const server = await secureServer();
  await server.withDefaults();
  const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'x' }] } };
  const { metadata } = (await server.request('POST', '/api/v1/namespaces/default/pods', { body: pod })).json;
  const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'p', uid: metadata.uid };
  const bound = await tokenFor(server, { boundObjectRef });
  const free = await tokenFor(server, { expirationSeconds: 600 });
  assert.equal((await tokenFor(server, { boundObjectRef: { ...boundObjectRef, uid: 'other' } })).status, 409);
  assert.equal((await tokenFor(server, { boundObjectRef: { ...boundObjectRef, name: 'q' } })).status, 404);
  assert.match((await tokenFor(server, { expirationSeconds: 10 })).text, /may not specify a duration less than 10 minutes/);
  const use = (token: string) => status(server, {}, '/api', bearer(token));
  assert.equal(await use(bound.token), 200);
  await server.request('DELETE', '/api/v1/namespaces/default/pods/p', { body: { gracePeriodSeconds: 0 } });
  assert.equal(await use(bound.token), 401);
  assert.equal(await use(free.token), 200);
  assert.equal(await use(`${free.token}x`), 401);
  assert.equal(await use('nonsense'), 401);
  assert.equal(await status(server, {}, '/version', bearer('nonsense')), 401);
  assert.equal(await status(server, {}, '/version', { headers: { authorization: 'Basic eDp5' } }), 401);
  await server.clock.advance(601_000);
  assert.equal(await use(free.token), 401);
  const later = await tokenFor(server);
  await server.request('DELETE', '/api/v1/namespaces/default/serviceaccounts/default');
  assert.equal(await use(later.token), 401);
});

test('a token for another audience is no credential here, and TokenReview tells for whom it is one', async () => {
  const server = await secureServer();
  await server.withDefaults();
  const { token } = await tokenFor(server, { audiences: ['vault'] });
  assert.equal(await status(server, {}, '/api', bearer(token)), 401);
  const review = async (spec: unknown) =>
    (await server.request('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec } })).json.status;
  assert.equal((await review({ token, audiences: ['vault', 'x'] })).authenticated, true);
  assert.deepEqual((await review({ token, audiences: ['vault', 'x'] })).audiences, ['vault']);
  assert.equal((await review({ token })).authenticated, undefined);
});

test('who may impersonate acts as the other; who may not is refused', async () => {
  const server = await secureServer();
  await server.withDefaults();
  const as = (headers: Record<string, string>, peer: Peer = certificate('kubernetes-admin', 'system:masters')) =>
    status(server, peer, '/api/v1/pods', { headers });
  assert.equal(await as({ 'impersonate-user': 'alice' }), 403);
  assert.equal(await as({ 'impersonate-user': 'alice', 'impersonate-group': 'system:masters' }), 200);
  assert.equal(await as({ 'impersonate-user': 'x', 'impersonate-group': 'system:masters' }, certificate('alice')), 403);
  assert.equal(await as({ 'impersonate-group': 'system:masters' }), 400);
});

test('access reviews answer as the authorizer does', async () => {
  const server = await secureServer();
  const review = async (kind: string, spec: unknown) =>
    (await server.request('POST', `/apis/authorization.k8s.io/v1/${kind}`, { body: { spec } })).json;
  const resourceAttributes = { verb: 'list', resource: 'pods', namespace: 'default' };
  assert.equal((await review('selfsubjectaccessreviews', { resourceAttributes })).status.allowed, true);
  assert.equal((await review('subjectaccessreviews', { resourceAttributes, user: 'alice' })).status.allowed, false);
  assert.equal((await review('subjectaccessreviews', { resourceAttributes })).code, 422);
  assert.equal((await review('selfsubjectaccessreviews', {})).code, 422);
  assert.equal((await review('selfsubjectrulesreviews', { namespace: 'default' })).status.incomplete, false);
  assert.equal((await review('selfsubjectrulesreviews', {})).message, 'no namespace on request');
});
