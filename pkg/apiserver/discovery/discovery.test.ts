import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WireReader } from '../../runtime/protobuf-wire.ts';
import { gzipCompressor } from '../gzip.node.ts';
import { testServer } from '../testing/test-server.ts';
import { compareVersions } from './api-groups.ts';

test('every declared resource is found by discovery, and by aggregated discovery with the same words', async () => {
  const { request, registry } = await testServer();
  const plain = new Map<string, unknown>();
  const versions: [string, string][] = (await request('GET', '/api')).json.versions.map((version: string) => ['', version]);
  for (const group of (await request('GET', '/apis')).json.groups) {
    assert.deepEqual((await request('GET', `/apis/${group.name}`)).json, { kind: 'APIGroup', apiVersion: 'v1', ...group });
    assert.deepEqual(group.preferredVersion, group.versions[0]);
    for (const { version } of group.versions) versions.push([group.name, version]);
  }
  for (const [group, version] of versions) {
    const { json } = await request('GET', group === '' ? `/api/${version}` : `/apis/${group}/${version}`);
    assert.equal(json.groupVersion, group === '' ? version : `${group}/${version}`);
    for (const resource of json.resources)
      plain.set(`${group}/${version}/${resource.name}`, [resource.kind, resource.verbs, resource.namespaced]);
  }
  const declared = registry
    .declarations()
    .flatMap(({ group, version, resource, subresources }) => [
      `${group}/${version}/${resource}`,
      ...Object.keys(subresources).map((name) => `${group}/${version}/${resource}/${name}`),
    ]);
  assert.deepEqual([...plain.keys()].sort(), declared.sort());

  const aggregated = new Map<string, unknown>();
  for (const path of ['/api', '/apis']) {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
    const answer = await request('GET', path, { headers: { accept } });
    assert.equal(answer.headers['content-type'], 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
    const again = await request('GET', path, { headers: { accept, 'if-none-match': answer.headers['etag'] as string } });
    assert.equal(again.status, 304);
    for (const { metadata, versions } of answer.json.items) {
      for (const { version, resources } of versions) {
        for (const { resource, responseKind, verbs, scope, subresources = [] } of resources) {
          const namespaced = scope === 'Namespaced';
          aggregated.set(`${metadata.name ?? ''}/${version}/${resource}`, [responseKind.kind, verbs, namespaced]);
          for (const each of subresources) {
            aggregated.set(`${metadata.name ?? ''}/${version}/${resource}/${each.subresource}`, [
              each.responseKind.kind,
              each.verbs,
              namespaced,
            ]);
          }
        }
      }
    }
  }
  assert.deepEqual(new Map([...aggregated].sort()), new Map([...plain].sort()));
});

test('short names, storage hashes and the order of groups are those of Kubernetes', async () => {
  const { request } = await testServer();
  const { resources } = (await request('GET', '/api/v1')).json;
  const pods = resources.find((each: { name: string }) => each.name === 'pods');
  assert.deepEqual(pods.shortNames, ['po']);
  assert.deepEqual(pods.categories, ['all']);
  assert.equal(pods.storageVersionHash, 'xPOwRZ+Yhw8=');
  const events = (await request('GET', '/apis/events.k8s.io/v1')).json.resources[0];
  assert.equal(events.storageVersionHash, 'r2yiGXH7wu8=', 'events are stored in the first version of the API');
  const groups = (await request('GET', '/apis')).json.groups.map((group: { name: string }) => group.name);
  assert.ok(groups.indexOf('apps') < groups.indexOf('events.k8s.io'));
  const autoscaling = (await request('GET', '/apis/autoscaling')).json;
  assert.equal(autoscaling.preferredVersion.version, 'v2');
});

test('aggregated discovery is for whoever can read it, and repeats no version', async () => {
  const { request } = await testServer();
  const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const kindOf = async (accept: string): Promise<unknown> => (await request('GET', '/apis', { headers: { accept } })).json.kind;
  assert.equal(await kindOf(`application/json,${aggregated};q=0.5`), 'APIGroupDiscoveryList');
  assert.equal(await kindOf(`${aggregated.replace('v2', 'v2beta1')},application/json`), 'APIGroupList');
  const { items } = (await request('GET', '/api', { headers: { accept: aggregated } })).json;
  const pods = items[0].versions[0].resources.find(({ resource }: { resource: string }) => resource === 'pods');
  assert.deepEqual(pods.responseKind, { group: '', version: '', kind: 'Pod' });
  const eviction = pods.subresources.find(({ subresource }: { subresource: string }) => subresource === 'eviction');
  assert.deepEqual(eviction.responseKind, { group: 'policy', version: 'v1', kind: 'Eviction' });
});

test('a path that leads nowhere is a Status below the API, a page elsewhere', async () => {
  const { request } = await testServer();
  const answerTo = async (method: string, path: string, accept?: string): Promise<unknown[]> => {
    const { status, headers } = await request(method, path, { headers: accept === undefined ? {} : { accept } });
    return [status, headers['content-type']];
  };
  const json = 'application/json';
  const page = 'text/plain; charset=utf-8';
  const cases: readonly (readonly [method: string, path: string, status: number, contentType: string | undefined])[] = [
    ['GET', '/api/v2', 404, json],
    ['GET', '/api/v1/nothing', 404, json],
    ['GET', '/api/v1//pods', 404, json],
    ['GET', '/api/v1/namespaces/default/namespaces', 404, json],
    ['GET', '/apis/apps/v2', 404, json],
    ['GET', '/apis/apps/v2/deployments', 404, json],
    ['GET', '/apis/nothing/v1/things', 404, page],
    ['POST', '/nothing', 404, page],
    ['GET', '//api/v1', 404, page],
    ['GET', '/healthz/', 404, page],
    ['GET', '/openapi/v3/nothing', 404, undefined],
    ['GET', '/%61pi/v1', 200, json],
    ['GET', '/api/v1/pods/', 200, json],
    ['GET', '/api/v1/namespaces/..%2f', 404, json],
    ['GET', '/api/v1/namespaces/default/pods/..', 400, json],
    ['GET', '/api/v1/namespaces/default/pods/a%25', 400, json],
    ['HEAD', '/api/v1/pods', 405, json],
    ['HEAD', '/apis', 200, json],
    ['POST', '/version', 405, json],
    ['POST', '/livez', 200, page],
  ];
  for (const [method, path, ...expected] of cases) assert.deepEqual(await answerTo(method, path), expected, `${method} ${path}`);
  const core = await request('GET', '/api', { headers: { accept: 'application/vnd.kubernetes.protobuf' } });
  assert.deepEqual(Array.from(core.bytes.subarray(4, 21)), [10, 15, 10, 0, 18, 11, ...Buffer.from('APIVersions')], 'it names no version');
  const refused = await request('GET', '/version', { headers: { accept: 'text/html' } });
  assert.deepEqual([refused.status, refused.json.message], [406, '406: Not Acceptable\n\nAvailable representations: application/json']);
});

test('versions are ordered by stability, then by number, transitively', () => {
  const order = ['v10', 'v2', 'v1', 'v11beta2', 'v10beta3', 'v3beta1', 'v12alpha1', 'v11alpha2', 'foo1', 'foo10'];
  assert.deepEqual(order.toReversed().sort(compareVersions), order);
  const version = fc.constantFrom(...order);
  fc.assert(fc.property(version, version, (a, b) => Math.sign(compareVersions(a, b)) === -Math.sign(compareVersions(b, a))));
});

test('health checks are told one by one, excluded by name, and fail the whole when one fails', async () => {
  let healthy = true;
  const check = () => {
    if (!healthy) throw new Error('disk full');
  };
  const { request } = await testServer({
    healthChecks: [
      { name: 'store', check },
      { name: 'informer-sync', check, readinessOnly: true },
    ],
  });
  assert.equal((await request('GET', '/readyz')).text, 'ok');
  assert.equal(
    (await request('GET', '/readyz?verbose')).text,
    '[+]ping ok\n[+]log ok\n[+]store ok\n[+]informer-sync ok\nreadyz check passed\n',
  );
  assert.equal((await request('GET', '/livez/informer-sync')).status, 404);
  healthy = false;
  const failing = await request('GET', '/livez');
  assert.equal(failing.status, 500);
  assert.match(failing.text, /\[-\]store failed: reason withheld\nlivez check failed/);
  assert.equal((await request('GET', '/livez?exclude=store')).text, 'ok');
  assert.match((await request('GET', '/livez?verbose&exclude=store&exclude=x')).text, /cannot be excluded: no matches for "x"/);
  assert.equal((await request('GET', '/livez/store')).status, 500);
  assert.match((await request('GET', '/metrics/slis')).text, /\nkubernetes_healthcheck{name="store",type="livez"} 0\n/);
  const { paths } = (await request('GET', '/')).json;
  assert.ok(paths.includes('/readyz/informer-sync') && !paths.includes('/livez/informer-sync'));
  assert.equal((await request('GET', '/livez/ping')).text, 'ok');
});

test('metrics count requests by resource, and make no label of what does not exist', async () => {
  const { request } = await testServer();
  await request('GET', '/api/v1/pods');
  await request('GET', '/api/v1/made-up-by-the-client');
  await request('POST', '/api/v1/namespaces?dryRun=All', { body: { metadata: { name: 'n' } } });
  const { text } = await request('GET', '/metrics');
  const pods = 'group="",version="v1",resource="pods",subresource="",scope="cluster",component="apiserver"';
  assert.ok(text.includes(`apiserver_request_total{verb="LIST",dry_run="",${pods},code="200"} 1`), text);
  assert.ok(text.includes(`apiserver_request_sli_duration_seconds_count{verb="LIST",${pods}} 1`));
  assert.match(
    text,
    /apiserver_request_total\{verb="POST",dry_run="All",[^}]*resource="namespaces"[^}]*scope="resource"[^}]*,code="201"\} 1/,
  );
  assert.match(text, /\nkubernetes_build_info\{[^}]*minor="36"/);
  assert.doesNotMatch(text, /made-up/);
});

test('OpenAPI v3 is found through its index, kept by its hash, and redirects to the present one', async () => {
  const { request } = await testServer({ compressor: gzipCompressor });
  const { paths } = (await request('GET', '/openapi/v3')).json;
  assert.ok(paths['api/v1'] && paths['apis/apps/v1']);
  for (const page of ['api', 'apis', 'apis/apps', 'version', '.well-known/openid-configuration', 'openid/v1/jwks']) {
    const { json } = await request('GET', paths[page].serverRelativeURL);
    assert.deepEqual(Object.keys(json.paths), [`/${page}/`]);
  }
  const address = paths['apis/apps/v1'].serverRelativeURL;
  const answer = await request('GET', address);
  assert.match(answer.headers['cache-control'] ?? '', /immutable/);
  assert.ok(answer.json.components.schemas['io.k8s.api.apps.v1.Deployment']);
  assert.ok(answer.json.paths['/apis/apps/v1/namespaces/{namespace}/deployments'].post);
  assert.equal((await request('GET', address, { headers: { 'if-none-match': answer.headers['etag'] as string } })).status, 304);
  const old = await request('GET', '/openapi/v3/apis/apps/v1?hash=old');
  assert.equal(old.status, 301);
  assert.equal(old.headers['location'], address);
  assert.equal((await request('GET', '/openapi/v3/apis/nothing/v1')).status, 404);
  const protobuf = { accept: 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf' };
  assert.equal((await request('GET', address, { headers: protobuf })).status, 406);
  const compressed = await request('GET', address, { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(compressed.headers['content-encoding'], 'gzip');
});

test('OpenAPI v2 comes as JSON and as the protobuf that Go clients ask for, with the same definitions', async () => {
  const { request } = await testServer();
  const { json, headers } = await request('GET', '/openapi/v2');
  assert.equal(json.swagger, '2.0');
  assert.equal((await request('GET', '/openapi/v2', { headers: { 'if-none-match': headers['etag'] as string } })).status, 304);
  const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
  const protobuf = await request('GET', '/openapi/v2', { headers: { accept } });
  assert.equal(protobuf.headers['content-type'], 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
  assert.notEqual(protobuf.headers['etag'], headers['etag']);
  // Document.definitions (9) → NamedSchema (1) → name (1).
  const names: string[] = [];
  const document = new WireReader(protobuf.bytes);
  for (let field = document.next(); field !== 0; field = document.next()) {
    if (field !== 9) {
      document.skip();
      continue;
    }
    const definitions = new WireReader(document.bytes());
    for (let entry = definitions.next(); entry !== 0; entry = definitions.next()) {
      const named = new WireReader(definitions.bytes());
      named.next();
      names.push(named.string());
    }
  }
  assert.deepEqual(names, Object.keys(json.definitions));
  assert.equal((await request('GET', '/openapi/v2', { headers: { accept: 'text/html' } })).status, 406);
});

test('a document is not sent again to who holds it, under whichever of the ways to say so', async () => {
  const { request } = await testServer();
  const aggregated = 'application/json;v=v2;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList';
  for (const [url, accept] of [
    ['/apis', aggregated],
    ['/api', aggregated],
    ['/openapi/v3', '*/*'],
    ['/openapi/v3/apis/apps/v1', '*/*'],
    ['/openapi/v2', 'application/json'],
  ] as const) {
    const get = (match?: string) => request('GET', url, { headers: { accept, ...(match ? { 'if-none-match': match } : {}) } });
    const { status, headers } = await get();
    const etag = headers['etag'] as string;
    assert.equal(status, 200, url);
    for (const held of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await get(held);
      assert.deepEqual([again.status, again.bytes.length, again.headers['etag']], [304, 0, etag], `${url} ${held}`);
    }
    assert.equal((await get('"other"')).status, 200);
  }
});

// biome-ignore lint/suspicious/noExplicitAny: the documents are looked into at random places.
type Document = any;

test('OpenAPI v3 has an operation for every verb of every resource, and nothing in it leads nowhere', async () => {
  const { request, registry } = await testServer();
  const index = (await request('GET', '/openapi/v3')).json;
  const documents = new Map<string, Document>();
  const methods = { create: 'post', list: 'get', get: 'get', update: 'put', patch: 'patch', delete: 'delete', deletecollection: 'delete' };
  for (const [path, { serverRelativeURL }] of Object.entries<{ serverRelativeURL: string }>(index.paths)) {
    const document = (await request('GET', serverRelativeURL)).json as Document;
    documents.set(path, document);
    const { schemas } = document.components;
    for (const [, name] of JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
      assert.ok(Object.hasOwn(schemas, name as string), `${path} leads to ${name}`);
    }
    const ids = new Set<string>();
    for (const [at, item] of Object.entries<Record<string, Document>>(document.paths)) {
      for (const [method, operation] of Object.entries(item)) {
        if (method === 'parameters') continue;
        const where = `${method} ${at}`;
        assert.ok(!ids.has(operation.operationId), `${where} has an id of its own`);
        ids.add(operation.operationId);
        const parameters: Document[] = [...((item['parameters'] ?? []) as Document[]), ...(operation.parameters ?? [])];
        const names = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
        assert.equal(new Set(names).size, names.length, `${where} has each parameter once`);
        for (const [, name] of at.matchAll(/\{(\w+)\}/g)) {
          assert.ok(
            parameters.some((parameter) => parameter.in === 'path' && parameter.name === name && parameter.required),
            `${where} ${name}`,
          );
        }
        assert.ok(Object.keys(operation.responses).length > 0, where);
      }
    }
  }
  for (const { group, version, kind, resource, namespaced, verbs, subresources } of registry.declarations()) {
    const root = group === '' ? `api/${version}` : `apis/${group}/${version}`;
    const collection = `/${root}${namespaced ? '/namespaces/{namespace}' : ''}/${resource}`;
    const operation = (verb: string, path: string): Document => documents.get(root).paths[path]?.[methods[verb as keyof typeof methods]];
    for (const verb of verbs) {
      if (verb === 'watch') continue; // a parameter of list
      const found = operation(verb, /create|list|deletecollection/.test(verb) ? collection : `${collection}/{name}`);
      assert.ok(found, `${verb} ${collection}`);
      assert.deepEqual(found['x-kubernetes-group-version-kind'], { group, version, kind });
      assert.match(found['x-kubernetes-action'], new RegExp({ create: 'post', update: 'put' }[verb] ?? verb));
    }
    for (const [name, subresource] of Object.entries(subresources)) {
      for (const verb of subresource.verbs)
        assert.ok(operation(verb, `${collection}/{name}/${name}`), `${verb} ${collection}/{name}/${name}`);
    }
  }
});
