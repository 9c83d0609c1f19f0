import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeProtobuf } from '../runtime/protobuf.ts';
import { testServer } from './testing/test-server.ts';

const maps = '/api/v1/namespaces/default/configmaps';

async function server(names: readonly string[] = ['a', 'b', 'c', 'd']) {
  const api = await testServer();
  await api.withDefaults();
  for (const name of names) await api.request('POST', maps, { body: { metadata: { name, labels: { n: name } } } });
  return api;
}

const namesOf = (list: { items: { metadata: { name: string } }[] }): string[] => list.items.map(({ metadata }) => metadata.name);

test('a continue token leads nowhere but through the list that gave it', async () => {
  const { request } = await server();
  await request('POST', '/api/v1/namespaces/other/configmaps', { body: { metadata: { name: 'z' } } });
  const page = (path: string, token: string) => request('GET', `${path}?limit=2&continue=${token}`);
  const first = (await request('GET', `${maps}?limit=2`)).json;
  assert.deepEqual(namesOf((await page(maps, first.metadata.continue)).json), ['c', 'd']);
  // In another namespace it never shows this one's objects.
  const elsewhere = await page('/api/v1/namespaces/other/configmaps', first.metadata.continue);
  assert.deepEqual(namesOf(elsewhere.json), ['z']);
  const everywhere = (await request('GET', '/api/v1/configmaps?limit=2')).json;
  const rest = await page('/api/v1/namespaces/other/configmaps', everywhere.metadata.continue);
  assert.ok(rest.status === 400 || namesOf(rest.json).every((name) => name === 'z'), rest.text);
});

test('what a list is asked in vain is refused in Kubernetes’ words, in every form', async () => {
  const { request } = await server([]);
  const listOptions = 'ListOptions.meta.k8s.io "" is invalid: ';
  const qualified =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
  const cases: readonly (readonly [query: string, status: number, message: string | RegExp])[] = [
    ['limit=x', 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
    ['limit=9223372036854775808', 400, 'strconv.ParseInt: parsing "9223372036854775808": value out of range'],
    ['limit=', 400, 'strconv.ParseInt: parsing "": invalid syntax'],
    ['continue=x', 400, 'invalid continue token: continue key is not valid: illegal base64 data at input byte 0'],
    ['continue=e30', 400, 'invalid continue token: continue key is not valid: server does not recognize this encoded version '],
    ['continue=abc', 400, /^invalid continue token: continue key is not valid: invalid character 'i' looking for beginning of value$/],
    ['continue=x&resourceVersion=x', 400, 'specifying resource version is not allowed when using continue'],
    [
      'resourceVersion=x',
      400,
      'invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
    ],
    ['resourceVersion=99999999999999999999', 400, /: value out of range$/],
    [
      'resourceVersion=x&resourceVersionMatch=Newest',
      422,
      `${listOptions}resourceVersionMatch: Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""`,
    ],
    [
      'resourceVersionMatch=Exact',
      422,
      `${listOptions}resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided`,
    ],
    [
      'resourceVersion=0&resourceVersionMatch=Exact',
      422,
      `${listOptions}resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"`,
    ],
    [
      'resourceVersion=1&resourceVersionMatch=Newest',
      422,
      `${listOptions}resourceVersionMatch: Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""`,
    ],
    ['sendInitialEvents=true', 422, `${listOptions}sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list`],
    ['labelSelector=%2C', 400, "found ',', expected: !, identifier, or 'end of string'"],
    ['labelSelector=a%2C', 400, "found '', expected: identifier after ','"],
    ['labelSelector=a%3Db%20c', 400, "found 'c', expected: ',' or 'end of string'"],
    ['labelSelector=a%20is%20b', 400, "unable to parse requirement: found 'is', expected: in, notin, =, ==, !=, gt, lt"],
    ['labelSelector=a%20in%20b', 400, "unable to parse requirement: found 'b' expected: '('"],
    ['labelSelector=a%20in%20(b', 400, "unable to parse requirement: found '', expected: ',' or ')'"],
    [
      'labelSelector=a%3Eb',
      400,
      `unable to parse requirement: values[0]: Invalid value: "b": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
    ['labelSelector=-a', 400, `unable to parse requirement: <nil>: Invalid value: "-a": ${qualified}`],
    [
      'labelSelector=a%3D-b',
      400,
      /^unable to parse requirement: values\[0\]\[a\]: Invalid value: "-b": a valid label must be an empty string or consist of /,
    ],
    ['fieldSelector=a', 400, "invalid selector: 'a'; can't understand 'a'"],
    ['fieldSelector=metadata.name%3D%5Cx', 400, 'invalid field selector: invalid escape sequence: \\x'],
    ['fieldSelector=metadata.name%3Da%3Db', 400, 'invalid field selector: unescaped character in value: 61'],
    ['fieldSelector=data.x%3D1', 400, '"data.x" is not a known field selector: only "metadata.name", "metadata.namespace"'],
  ];
  const forms = [
    'application/json',
    'application/json;as=Table;g=meta.k8s.io;v=v1',
    'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
  ];
  for (const [query, status, message] of cases) {
    for (const accept of forms) {
      const answer = await request('GET', `${maps}?${query}`, { headers: { accept } });
      assert.equal(answer.status, status, `${query}: ${answer.text}`);
      if (typeof message === 'string') assert.equal(answer.json.message, message, query);
      else assert.match(answer.json.message, message);
    }
    const watched = await request('GET', `${maps}?watch=true&${query}`);
    const meaningless = /continue|Match|sendInitial|limit=922/.test(query);
    if (!meaningless) assert.equal(watched.status, status, `watch ${query}`);
  }
  const watched = await request('GET', `${maps}?watch=true&continue=x`);
  assert.deepEqual(
    [watched.status, watched.json.message],
    [422, `${listOptions}resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided`],
  );
  const table = { headers: { accept: forms[1] as string } };
  const included = await request('GET', `${maps}?includeObject=All`, table);
  assert.equal(
    included.json.message,
    `Unable to convert to Table as requested: includeObject: Invalid value: "All": must be 'Metadata', 'Object', 'None', or empty`,
  );
});

test('the fields that select are those of the kind, and each kind has its own words for others', async () => {
  const { request } = await server([]);
  const unknown = '"spec.color" is not a known field selector: only "metadata.name", "metadata.namespace"';
  const cases: readonly (readonly [resource: string, field: string, message: string | undefined])[] = [
    ['/api/v1/pods', 'spec.color', 'field label not supported: spec.color'],
    ['/apis/apps/v1/replicasets', 'spec.color', unknown],
    ['/apis/apps/v1/replicasets', 'status.replicas', unknown.replace('spec.color', 'status.replicas')],
    ['/api/v1/replicationcontrollers', 'status.replicas', undefined],
    ['/apis/batch/v1/jobs', 'spec.color', 'field label "spec.color" not supported for Job'],
    [
      '/apis/resource.k8s.io/v1/resourceslices',
      'spec.color',
      'field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: spec.color',
    ],
    // What has no namespace can be selected by it in vain, unless the kind has fields of its own.
    ['/api/v1/persistentvolumes', 'metadata.namespace', undefined],
    ['/api/v1/nodes', 'metadata.namespace', 'field label not supported: metadata.namespace'],
    ['/apis/certificates.k8s.io/v1beta1/podcertificaterequests', 'metadata.namespace', 'field label not supported: metadata.namespace'],
  ];
  for (const [resource, field, message] of cases) {
    const answer = await request('GET', `${resource}?fieldSelector=${field}%3Dx`);
    assert.deepEqual([answer.status, answer.json.message], [message === undefined ? 200 : 400, message], `${resource} ${field}`);
  }
});

test('a table without objects says null for them, and so does a kind without columns for its rows', async () => {
  const { request } = await server(['a']);
  const headers = { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' };
  const rowsOf = async (path: string): Promise<unknown> => (await request('GET', path, { headers })).json.rows;
  assert.deepEqual(await rowsOf(`${maps}?includeObject=None&fieldSelector=metadata.name%3Da`), [{ cells: ['a', 0, '0s'], object: null }]);
  assert.deepEqual(await rowsOf('/api/v1/pods'), []);
  assert.equal(await rowsOf('/api/v1/limitranges'), null);
});

test('what is at hand comes whole whatever the limit; a page is of one revision', async () => {
  const { request } = await server(['a', 'b', 'c']);
  const sizeOf = async (query: string): Promise<unknown[]> => {
    const { json } = await request('GET', `${maps}?limit=2&${query}`);
    return [json.items.length, json.metadata.continue !== undefined];
  };
  assert.deepEqual(await sizeOf(''), [2, true]);
  assert.deepEqual(await sizeOf('resourceVersion=0'), [3, false]);
  assert.deepEqual(await sizeOf('resourceVersion=0&resourceVersionMatch=NotOlderThan'), [3, false]);
});

test('who uses a version that will go is told so, an old kind what to use instead', async () => {
  const { request } = await server([]);
  const warningOf = async (path: string): Promise<string | undefined> => (await request('GET', path)).headers['warning'];
  assert.equal(
    await warningOf('/apis/resource.k8s.io/v1beta1/resourceclaims'),
    '299 - "resource.k8s.io/v1beta1 ResourceClaim is deprecated in v1.35+, unavailable in v1.38+"',
  );
  assert.equal(await warningOf('/api/v1/endpoints'), '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"');
  assert.equal(await warningOf('/apis/resource.k8s.io/v1/resourceclaims'), undefined);
});

test('each form is given in the media types that can express it, to those who ask for it rightly', async () => {
  const { request } = await server();
  const meta = 'g=meta.k8s.io;v=v1';
  const get = (accept: string, path = maps) => request('GET', path, { headers: { accept } });
  const kindOf = async (accept: string, path = maps): Promise<unknown> => {
    const { status, headers, bytes, text } = await get(accept, path);
    if (status !== 200) return status;
    const type = headers['content-type'];
    if (type === 'application/vnd.kubernetes.protobuf') return `protobuf ${decodeProtobuf(bytes)['kind']}`;
    return type === 'application/yaml' ? `yaml ${/^kind: (.*)$/m.exec(text)?.[1]}` : JSON.parse(text).kind;
  };
  const cases: readonly (readonly [accept: string, path: string, expected: unknown])[] = [
    [`application/json;as=Table;${meta}`, maps, 'Table'],
    [`application/json;as=Table;g=meta.k8s.io;v=v1beta1`, maps, 'Table'],
    [`application/yaml;as=Table;${meta}`, `${maps}/a`, 'yaml Table'],
    [`application/vnd.kubernetes.protobuf;as=Table;${meta}`, maps, 406],
    [`application/vnd.kubernetes.protobuf;as=Table;${meta},application/json`, maps, 'ConfigMapList'],
    [`application/json;as=Table;g=meta.k8s.io;v=v2,application/json;q=0.5`, maps, 'ConfigMapList'],
    [`application/json;as=Chart;${meta}`, maps, 406],
    [`application/json;as=Table;g=meta.k8s.io`, maps, 406],
    [`application/json;${meta}`, maps, 406],
    [`application/json;as=PartialObjectMetadata;${meta}`, `${maps}/a`, 'PartialObjectMetadata'],
    [`application/json;as=PartialObjectMetadata;${meta}`, maps, 406],
    [`application/json;as=PartialObjectMetadataList;${meta}`, maps, 'PartialObjectMetadataList'],
    [`application/json;as=PartialObjectMetadataList;${meta}`, `${maps}/a`, 406],
    [`application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;${meta}`, `${maps}/a`, 'protobuf PartialObjectMetadata'],
    [`application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;${meta}`, maps, 'protobuf PartialObjectMetadataList'],
    ['application/json;stream=watch', maps, 'ConfigMapList'],
    ['application/json;stream=tail', maps, 406],
    ['application/json;charset=utf-8', maps, 'ConfigMapList'],
    ['application/yaml;q=0.9,application/json;q=0.1', maps, 'yaml ConfigMapList'],
    ['application/json;q=0,*/*', maps, 'ConfigMapList'],
    ['application/json;q=0', maps, 406],
    ['text/html,*/*;q=0.1', maps, 'ConfigMapList'],
    ['text/html,application/*;q=0.1', maps, 406],
    [`application/json;as=Table;${meta}`, '/apis', 406],
  ];
  for (const [accept, path, expected] of cases) assert.equal(await kindOf(accept, path), expected, `${accept} of ${path}`);
  const refused = await get('text/html');
  assert.equal(
    refused.json.message,
    '406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf, ' +
      'application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch',
  );
  // A refusal has one form only, whatever form was wanted.
  const missing = await get(`application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;${meta}`, `${maps}/none`);
  assert.deepEqual([missing.headers['content-type'], missing.json.kind, missing.json.code], ['application/json', 'Status', 404]);
  const wrong = await get(`application/json;as=PartialObjectMetadataList;${meta}`, `${maps}/a`);
  assert.equal(wrong.json.message, 'you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)');
  assert.match((await get('application/json;pretty=1')).text, /^{\n {2}"/);
});

test('a watch that is refused is refused before it begins; the old paths name one object', async () => {
  const { request, clock } = await server();
  const timers = clock.pendingTimers;
  for (const [query, status] of [
    ['fieldSelector=data.x%3D1', 400],
    ['resourceVersionMatch=Exact&resourceVersion=1', 422],
    ['sendInitialEvents=true', 422],
    ['sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=1', 422],
    ['resourceVersion=x', 400],
  ] as const) {
    assert.equal((await request('GET', `${maps}?watch=true&${query}`)).status, status, query);
  }
  assert.equal((await request('GET', `${maps}?watch=true`, { headers: { accept: 'application/yaml' } })).status, 406);
  assert.equal(clock.pendingTimers, timers);
  const old = '/api/v1/watch/namespaces/default/configmaps/b?timeoutSeconds=1';
  const { response } = await request('GET', `${old}&watch=true`);
  let told = '';
  const reading = (async () => {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) told += new TextDecoder().decode(chunk);
  })();
  await clock.advance(1100);
  await reading;
  const frames = told
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    frames.map(({ type, object }) => [type, object.metadata.name]),
    [['ADDED', 'b']],
  );
  const other = await request('GET', `${old}&fieldSelector=metadata.name%3Da`);
  assert.deepEqual([other.status, other.json.message], [400, "fieldSelector metadata.name doesn't match requested name"]);
});

test('who takes bookmarks is told when the initial events end, asked for or not', async () => {
  const { request } = await server(['a']);
  const framesOf = async (query: string, accept = 'application/json'): Promise<Record<string, unknown>[]> => {
    const { response } = await request('GET', `${maps}?watch=true&allowWatchBookmarks=true${query}`, { headers: { accept } });
    const frames: Record<string, unknown>[] = [];
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      for (const line of new TextDecoder().decode(chunk).trim().split('\n')) frames.push(JSON.parse(line));
      if (frames.length >= 2) break;
    }
    return frames;
  };
  for (const query of ['', '&resourceVersion=0', '&sendInitialEvents=true&resourceVersionMatch=NotOlderThan']) {
    const [first, last] = await framesOf(query);
    assert.equal(first?.['type'], 'ADDED');
    assert.equal(last?.['type'], 'BOOKMARK');
    const { kind, metadata } = (last as { object: unknown }).object as {
      kind: string;
      metadata: { annotations: unknown; resourceVersion: string };
    };
    assert.equal(kind, 'ConfigMap');
    assert.deepEqual(metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
    assert.ok(Number(metadata.resourceVersion) > 0);
  }
  // In a Table the bookmark is the row's object, for clients know no other place for it.
  const [, table] = await framesOf('', 'application/json;as=Table;g=meta.k8s.io;v=v1');
  const { rows, metadata } = (table as { object: unknown }).object as {
    rows: { object: { metadata: Record<string, unknown> } }[];
    metadata: Record<string, unknown>;
  };
  assert.deepEqual(rows[0]?.object.metadata['annotations'], { 'k8s.io/initial-events-end': 'true' });
  assert.equal(rows[0]?.object.metadata['resourceVersion'], metadata['resourceVersion']);
});

test('a WebSocket gets each event in a message, as text or as protobuf without a length before it', async () => {
  const { request } = await server(['a', 'b']);
  const { createMessagePipe } = await import('../client/streams/message-pipe.ts');
  for (const accept of ['application/json', 'application/vnd.kubernetes.protobuf']) {
    const headers = { connection: 'Upgrade', upgrade: 'websocket', accept };
    const { response } = await request('GET', `${maps}?watch=true`, { headers });
    const [near, far] = createMessagePipe();
    const serving = response.upgrade?.kind === 'websocket' ? response.upgrade.run(far) : undefined;
    const messages: (string | Uint8Array)[] = [];
    for await (const message of near.messages) if (messages.push(message) === 2) break;
    await near.close();
    await serving;
    for (const message of messages) {
      if (typeof message === 'string') assert.equal(JSON.parse(message).type, 'ADDED');
      else assert.equal(message[0], 0x0a, 'a WatchEvent begins with its type');
    }
    assert.equal(typeof messages[0], accept === 'application/json' ? 'string' : 'object');
  }
});

test('what is only answered and never stored has no rows: asking for a table alone is not acceptable', async () => {
  const { request } = await testServer();
  const ask = (accept: string) =>
    request('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { verb: 'get', resource: 'pods' } },
      },
      headers: { accept },
    });
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const refused = await ask(table);
  assert.equal(refused.status, 406);
  assert.equal(refused.json.reason, 'NotAcceptable');
  assert.equal((await ask(`${table},application/json`)).json.kind, 'SelfSubjectAccessReview');
});

test('the items of a list do not say what they are, in any form: the list does', async () => {
  const { request, withDefaults } = await testServer();
  await withDefaults();
  for (const name of ['a', 'b']) {
    await request('POST', '/api/v1/namespaces/default/configmaps', { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } } });
  }
  const [plain, pretty] = await Promise.all(
    ['', '?pretty=1'].map((query) => request('GET', `/api/v1/namespaces/default/configmaps${query}`)),
  );
  assert.equal(plain?.json.kind, 'ConfigMapList');
  assert.deepEqual(
    plain?.json.items.map((item: { kind?: string; apiVersion?: string; metadata: { name: string } }) => [
      item.kind,
      item.apiVersion,
      item.metadata.name,
    ]),
    [
      [undefined, undefined, 'a'],
      [undefined, undefined, 'b'],
    ],
  );
  assert.deepEqual(pretty?.json, plain?.json);
  // The same where the bytes are made for the version that was asked for.
  const scaler = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'h' } };
  const spec = { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 3 };
  const created = await request('POST', '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', { body: { ...scaler, spec } });
  assert.equal(created.status, 201, created.text);
  const converted = await request('GET', '/apis/autoscaling/v1/horizontalpodautoscalers');
  assert.equal(converted.json.apiVersion, 'autoscaling/v1');
  assert.deepEqual(Object.keys(converted.json.items[0]).sort(), ['metadata', 'spec', 'status']);
});

test('a watch that takes bookmarks is told shortly before its end where it stands', async () => {
  const { request, clock } = await server(['a']);
  const timers = clock.pendingTimers;
  const { metadata } = (await request('GET', maps)).json;
  const typesOf = async (query: string): Promise<string[]> => {
    const { response } = await request('GET', `${maps}?watch=true&resourceVersion=${metadata.resourceVersion}${query}`);
    let text = '';
    const reading = (async () => {
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) text += new TextDecoder().decode(chunk);
    })();
    await clock.advance(2_500);
    await request('POST', '/api/v1/namespaces/default/secrets', { body: { metadata: { generateName: 's-' } } });
    await clock.advance(3_000);
    await reading;
    const frames = text.split('\n').filter((line) => line !== '');
    return frames.map(
      (line) => `${JSON.parse(line).type} ${Number(JSON.parse(line).object.metadata.resourceVersion) - metadata.resourceVersion}`,
    );
  };
  // What was written to other resources meanwhile need not be looked at again.
  assert.deepEqual(await typesOf('&timeoutSeconds=5&allowWatchBookmarks=true'), ['BOOKMARK 1']);
  assert.deepEqual(await typesOf('&timeoutSeconds=5'), []);
  assert.deepEqual(await typesOf('&timeoutSeconds=2&allowWatchBookmarks=true'), []);
  assert.ok(clock.pendingTimers <= timers, 'no timer is left behind');
});
