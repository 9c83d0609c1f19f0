import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TestAnswer, testServer } from './testing/test-server.ts';

const maps = '/api/v1/namespaces/default/configmaps';
const json = 'application/json-patch+json';
const merge = 'application/merge-patch+json';
const strategic = 'application/strategic-merge-patch+json';
const apply = 'application/apply-patch+yaml';

async function server() {
  const api = await testServer();
  await api.withDefaults();
  const post = (path: string, body: object): Promise<TestAnswer> => api.request('POST', path, { body });
  const patch = (path: string, type: string, body: unknown): Promise<TestAnswer> =>
    api.request('PATCH', path, { body: typeof body === 'string' ? body : JSON.stringify(body), headers: { 'content-type': type } });
  return { ...api, post, patch };
}

/** [url, media type, body, status, message]: the message is what Kubernetes says. */
type Refusal = readonly [url: string, type: string, body: unknown, status: number, message: string | RegExp];

const refusals: readonly Refusal[] = [
  // The patch itself.
  ['', merge, '{', 400, 'error decoding patch: unexpected end of JSON input'],
  ['', merge, [], 400, 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}'],
  ['', merge, 'null', 400, 'Invalid JSON Patch'],
  ['', strategic, '{', 400, 'unexpected end of JSON input'],
  ['', strategic, [], 400, 'json: cannot unmarshal array into Go value of type map[string]interface {}'],
  ['', json, '[', 400, 'error decoding patch: unexpected end of JSON input'],
  ['', json, {}, 400, /cannot unmarshal object into Go value of type jsonpatch.Patch/],
  ['', json, [{ op: 'test', path: '/data/x', value: '2' }], 422, 'the server rejected our request due to an error in our request'],
  ['?fieldManager=m', apply, '{', 400, /^error decoding YAML: error converting YAML to JSON: yaml: line 1: /],
  ['?fieldManager=m', apply, '', 400, 'invalid object type: /, Kind='],
  ['?fieldManager=m', apply, { apiVersion: 'v1', kind: 'Secret' }, 400, 'invalid object type: /v1, Kind=Secret'],
  // What it makes is no such object.
  ['', strategic, { data: { x: 1 } }, 422, ' "" is invalid: patch: Invalid value: "map[data:map[x:1]]": cannot convert int64 to string'],
  ['', strategic, { data: { x: true } }, 422, ' "" is invalid: patch: Invalid value: "map[data:map[x:true]]": unrecognized type: string'],
  ['', strategic, { data: 'x' }, 422, ' "" is invalid: patch: Invalid value: "map[data:x]": cannot restore map from string'],
  ['', merge, { data: { x: 1 } }, 422, /^ "" is invalid: patch: Invalid value: "\{.*json: cannot unmarshal number into Go struct field/],
  ['', merge, { kind: 'Pod' }, 422, /^ "" is invalid: patch: Invalid value: /],
  [
    '?fieldManager=m',
    apply,
    { apiVersion: 'v1', kind: 'ConfigMap', data: { x: 1 } },
    400,
    'failed to create typed patch object (/; /v1, Kind=ConfigMap): .data.x: expected string, got &value.valueUnstructured{Value:1}',
  ],
  [
    '?fieldManager=m&fieldValidation=Ignore',
    apply,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default', label: 1 }, dat: 1 },
    400,
    'failed to create typed patch object (default/a; /v1, Kind=ConfigMap): errors:\n  .metadata.label: field not declared in schema\n  .dat: field not declared in schema',
  ],
  // Fields that nobody knows, or that stand twice.
  [
    '?fieldValidation=Strict',
    strategic,
    '{"foo":1,"data":{"x":"1","x":"2"}}',
    422,
    ' "" is invalid: patch: Invalid value: "map[data:map[x:2] foo:1]": strict decoding error: duplicate field "data.x", unknown field "foo"',
  ],
  [
    '?fieldValidation=Strict',
    merge,
    '{"foo":1,"data":{"x":"1","x":"2"}}',
    422,
    /strict decoding error: duplicate field "data.x", unknown field "foo"$/,
  ],
  [
    '?fieldValidation=Strict',
    json,
    '[{"op":"add","path":"/data/x","value":"2","foo":1},{"op":"test","op":"add","path":"/foo","value":1}]',
    422,
    /strict decoding error: json patch duplicate field "\[1\].op", json patch unknown field "\[0\].foo", unknown field "foo"$/,
  ],
  [
    '?fieldManager=m&fieldValidation=Strict&force=true',
    apply,
    'apiVersion: v1\nkind: ConfigMap\ndata:\n  x: "1"\n  x: "2"\n',
    400,
    'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 5: key "x" already set in map',
  ],
  // Identity.
  ['', merge, { metadata: { name: 'b' } }, 400, 'the name of the object (b) does not match the name on the URL (a)'],
  ['', merge, { metadata: null }, 400, 'the name of the object (a based on URL) was undeterminable: name must be provided'],
  [
    '',
    merge,
    { metadata: { namespace: 'other' } },
    400,
    'the namespace of the provided object does not match the namespace sent on the request',
  ],
  ['', merge, { metadata: { uid: 'b' } }, 422, 'ConfigMap "a" is invalid: metadata.uid: Invalid value: "b": field is immutable'],
  [
    '',
    json,
    [{ op: 'replace', path: '/metadata/resourceVersion', value: '1' }],
    409,
    /the object has been modified; please apply your changes/,
  ],
  [
    '',
    strategic,
    { metadata: { deletionTimestamp: '2020-01-01T00:00:00Z' } },
    422,
    'ConfigMap "a" is invalid: metadata.deletionTimestamp: Invalid value: "2020-01-01T00:00:00Z": field is immutable',
  ],
  ['/../missing', merge, {}, 404, 'configmaps "missing" not found'],
  [
    '/../missing?fieldManager=m',
    apply,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'missing', uid: 'u' } },
    409,
    'Operation cannot be fulfilled on configmaps "missing": uid mismatch: the provided object specified uid u, and no existing object was found',
  ],
  [
    '/../missing?fieldManager=m',
    apply,
    { apiVersion: 'v1', kind: 'ConfigMap' },
    400,
    'the name of the object (missing based on URL) was undeterminable: name must be provided',
  ],
  [
    '?fieldManager=m',
    apply,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { managedFields: [{}] } },
    400,
    'metadata.managedFields must be nil',
  ],
  // Options.
  ['', apply, {}, 422, 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'],
  ['?force=true', merge, {}, 422, 'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch'],
  [
    `?fieldManager=${'ü'.repeat(65)}`,
    merge,
    {},
    422,
    'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
  ],
  [
    '?fieldManager=a%09',
    merge,
    {},
    422,
    'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "a\\t": invalid character U+0009 (at position 1)',
  ],
  ['?dryRun=Some', merge, {}, 422, 'PatchOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"'],
  [
    '?fieldValidation=None',
    merge,
    {},
    422,
    'PatchOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "None": supported values: "", "Ignore", "Strict", "Warn"',
  ],
  ['', 'application/json', {}, 415, '415: Unsupported Media Type'],
];

test('a patch that cannot be carried out is refused as Kubernetes refuses it, and changes nothing', async () => {
  const { post, patch, request, errors } = await server();
  const made = await post(maps, { metadata: { name: 'a' }, data: { x: '1' } });
  assert.equal(made.status, 201);
  for (const [url, type, body, status, message] of refusals) {
    const at = url.startsWith('/../') ? `${maps}${url.slice(3)}` : `${maps}/a${url}`;
    const answer = await patch(at, type, body);
    const what = `${type} ${url} ${JSON.stringify(body)}`;
    assert.equal(answer.status, status, `${what}: ${answer.text}`);
    if (typeof message === 'string') assert.equal(answer.json.message, message, what);
    else assert.match(answer.json.message, message, what);
  }
  assert.deepEqual((await request('GET', `${maps}/a`)).json, made.json);
  assert.deepEqual(errors, []);
});

test('a patch warns of what it says in vain, and of what it says twice', async () => {
  const { post, patch } = await server();
  await post(maps, { metadata: { name: 'a' }, data: { x: '1' } });
  const warned = async (type: string, body: string, query = ''): Promise<unknown> => {
    const answer = await patch(`${maps}/a${query}`, type, body);
    assert.equal(answer.status, 200, answer.text);
    return answer.headers['warning'];
  };
  const both = '299 - "duplicate field \\"data.x\\"", 299 - "unknown field \\"foo\\""';
  assert.equal(await warned(merge, '{"foo":1,"data":{"x":"1","x":"2"}}'), both);
  assert.equal(await warned(strategic, '{"foo":1,"data":{"x":"1","x":"2"}}'), both);
  assert.equal(await warned(strategic, '{"foo":1,"data":{"x":"1","x":"2"}}', '?fieldValidation=Ignore'), undefined);
  const members = '[{"op":"test","path":"/data/x","value":"2","x":1}]';
  assert.equal(await warned(json, members), '299 - "json patch unknown field \\"[0].x\\""');
  const twice = '{"apiVersion":"v1","kind":"ConfigMap","data":{"x":"1","x":"2"}}';
  assert.equal(await warned(apply, twice, '?fieldManager=m&force=true'), '299 - "line 1: key \\"x\\" already set in map"');
});

test('a strategic merge patch does not change what kind an object is; a null one changes nothing', async () => {
  const { post, patch } = await server();
  const made = await post(maps, { metadata: { name: 'a' }, data: { x: '1' } });
  for (const body of ['null', '{"kind":"Pod","apiVersion":"v9"}']) {
    const answer = await patch(`${maps}/a`, strategic, body);
    assert.deepEqual([answer.status, answer.json], [200, made.json]);
  }
});

test('a revision that an object names is a condition of a PUT and of every patch, and no obstacle to applying what is not there', async () => {
  const { post, patch, request } = await server();
  const { json: first } = await post(maps, { metadata: { name: 'a' }, data: { x: '1' } });
  const version = first.metadata.resourceVersion;
  const test = { op: 'test', path: '/metadata/resourceVersion', value: version };
  assert.equal((await patch(`${maps}/a`, json, [test, { op: 'add', path: '/data/y', value: '2' }])).status, 200);
  assert.equal((await patch(`${maps}/a`, json, [test, { op: 'add', path: '/data/y', value: '3' }])).status, 422);
  for (const type of [merge, strategic]) {
    assert.equal((await patch(`${maps}/a`, type, { metadata: { resourceVersion: version }, data: { z: '1' } })).status, 409);
  }
  const stale = await request('PUT', `${maps}/a`, { body: { ...first, data: { x: '9' } } });
  assert.equal(stale.status, 409);
  assert.deepEqual(stale.json.details, { name: 'a', kind: 'configmaps' });
  const other = await request('PUT', `${maps}/a`, { body: { metadata: { name: 'a', uid: 'b' } } });
  assert.match(
    other.json.message,
    /^Operation cannot be fulfilled on configmaps "a": StorageError: invalid object, Code: 4, Key: \/registry\/configmaps\/default\/a, .*Precondition failed: UID in precondition: b, UID in object meta: /,
  );
  const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'new', resourceVersion: version } };
  assert.equal((await patch(`${maps}/new?fieldManager=m`, apply, config)).status, 201);
});

test('an owner who is stated twice is kept once, with a warning', async () => {
  const { post, request } = await server();
  const owner = { apiVersion: 'v1', kind: 'Secret', name: 's', uid: 'u' };
  const body = { metadata: { name: 'a', ownerReferences: [owner, owner, { ...owner, name: 't' }] } };
  const made = await post(maps, body);
  assert.match(
    made.headers['warning'] ?? '',
    /^299 - ".metadata.ownerReferences contains duplicate entries; .*duplicate UID\(s\) observed: u"$/,
  );
  assert.deepEqual(made.json.metadata.ownerReferences, [owner, { ...owner, name: 't' }]);
  assert.match((await request('PUT', `${maps}/a`, { body })).headers['warning'] ?? '', /contains duplicate entries;/);
});

test('the namespace of an object without one is not listened to', async () => {
  const { post } = await server();
  const made = await post('/api/v1/namespaces', { metadata: { name: 'n', namespace: 'elsewhere' } });
  assert.equal(made.status, 201);
  assert.equal(made.json.metadata.namespace, undefined);
});

test('a deletion answers with a Status, for some kinds with the object; one of a job warns of its pods', async () => {
  const { request } = await testServer();
  const classes = '/apis/storage.k8s.io/v1/storageclasses';
  await request('POST', classes, { body: { metadata: { name: 'c' }, provisioner: 'acme.io/disk' } });
  assert.equal((await request('DELETE', `${classes}/c`)).json.kind, 'StorageClass');
  await request('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', { body: { metadata: { name: 'p' }, value: 1 } });
  assert.equal((await request('DELETE', '/apis/scheduling.k8s.io/v1/priorityclasses/p')).json.kind, 'Status');
  const job = '/apis/batch/v1/namespaces/default/jobs/j';
  assert.match((await request('DELETE', job)).headers['warning'] ?? '', /child pods are preserved by default when jobs are deleted/);
  assert.equal((await request('DELETE', `${job}?propagationPolicy=Background`)).headers['warning'], undefined);
  const event = await request('GET', '/apis/events.k8s.io/v1/namespaces/default/events/e');
  assert.equal(event.json.message, 'events.events.k8s.io "e" not found');
});

test('a DELETE that carries something else than DeleteOptions deletes nothing', async () => {
  const { post, request } = await server();
  await post(maps, { metadata: { name: 'a' } });
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } };
  for (const [url, body, status, message] of [
    [`${maps}/a`, pod, 400, 'no kind "Pod" is registered for version "v1"'],
    [maps, pod, 400, 'no kind "Pod" is registered for version "v1"'],
    [`${maps}/a?gracePeriodSeconds=`, undefined, 400, 'strconv.ParseInt: parsing "": invalid syntax'],
    [`${maps}/a`, '[]', 400, /^couldn't get version\/kind; json parse error: json: cannot unmarshal array/],
    [
      `${maps}/a?propagationPolicy=Never`,
      undefined,
      422,
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Never": supported values: "Foreground", "Background", "Orphan", "nil"',
    ],
    [
      `${maps}?labelSelector=none`,
      { propagationPolicy: 'Orphan', orphanDependents: true },
      422,
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
    ],
    [
      `${maps}/a`,
      { dryRun: ['Some'] },
      422,
      'DeleteOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
    ],
  ] as const) {
    const answer = await request('DELETE', url, body ? { body } : {});
    assert.equal(answer.status, status, answer.text);
    if (typeof message === 'string') assert.equal(answer.json.message, message);
    else assert.match(answer.json.message, message);
  }
  assert.equal((await request('GET', `${maps}/a`)).status, 200);
  assert.equal((await request('DELETE', `${maps}/a`, { body: { apiVersion: 'meta.k8s.io/v1', kind: 'DeleteOptions' } })).status, 200);
});

test('what a DELETE says in its body is all that it says: the query counts without one only', async () => {
  const { post, request } = await server();
  for (const name of ['a', 'b', 'c']) await post(maps, { metadata: { name } });
  assert.equal((await request('DELETE', `${maps}/a?dryRun=All`)).status, 200);
  assert.equal((await request('GET', `${maps}/a`)).status, 200);
  assert.equal((await request('DELETE', `${maps}/a?dryRun=All`, { body: {} })).status, 200);
  assert.equal((await request('GET', `${maps}/a`)).status, 404);
  const conditions = await request('DELETE', `${maps}/b?uid=x`);
  assert.equal(conditions.status, 409);
  assert.match(
    conditions.json.message,
    /^Operation cannot be fulfilled on ConfigMap "b": the UID in the precondition \(x\) does not match/,
  );
  assert.equal((await request('DELETE', `${maps}/b?resourceVersion=1`)).status, 409);
  assert.equal((await request('DELETE', `${maps}/b`, { body: { apiVersion: 'any.group/v7', kind: 'DeleteOptions' } })).status, 200);
});

test('a Content-Type that is not well formed is none', async () => {
  const { request } = await server();
  const status = async (type: string): Promise<number> =>
    (await request('POST', `${maps}?dryRun=All`, { body: '{"metadata":{"name":"a"}}', headers: { 'content-type': type } })).status;
  for (const type of ['application/json', 'APPLICATION/JSON; charset=utf-8', 'application/json;', 'application/json; a="b;c" ; d=e', ''])
    assert.equal(await status(type), 201, type);
  for (const type of [
    'application/json; a',
    'application/json; =',
    'application/json; a=b; a=c',
    'application/json;;',
    'application/json, x',
    'application/json x',
  ])
    assert.equal(await status(type), 415, type);
});

test('a patch’s options are judged together', async () => {
  const { post, patch } = await server();
  await post(maps, { metadata: { name: 'a' } });
  const answer = await patch(`${maps}/a?dryRun=Some`, apply, { apiVersion: 'v1', kind: 'ConfigMap' });
  assert.equal(
    answer.json.message,
    'PatchOptions.meta.k8s.io "" is invalid: [fieldManager: Required value: is required for apply patch, dryRun: Unsupported value: ["Some"]: supported values: "All"]',
  );
});

test('an object that says it has a revision already cannot be created', async () => {
  const { post, request } = await server();
  const made = await post(maps, { metadata: { name: 'a' } });
  await request('DELETE', `${maps}/a`);
  const again = await post(maps, made.json);
  assert.deepEqual([again.status, again.json.message], [400, 'resourceVersion should not be set on objects to be created']);
  assert.equal((await post('/api/v1/nodes', {})).status, 422);
});

test('an object waits for its dependents in one way only', async () => {
  const { post } = await server();
  const both = await post(maps, { metadata: { name: 'a', finalizers: ['orphan', 'foregroundDeletion'] } });
  assert.equal(
    both.json.message,
    'ConfigMap "a" is invalid: metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
  );
});

test('a body that is no object of the kind is refused before anything is done, and its beginning is shown', async () => {
  const { request } = await server();
  const unrecognized = 'the object provided is unrecognized (must be of type ConfigMap): ';
  const struct = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
  const all = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';
  const cases: readonly (readonly [type: string, body: string, status: number, message: string | RegExp])[] = [
    ['application/json', '', 400, `${unrecognized}couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)`],
    ['application/json', '{"a":', 400, `${unrecognized}couldn't get version/kind; json parse error: unexpected end of JSON input ({"a":)`],
    [
      'application/json',
      '[]',
      400,
      `${unrecognized}couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type ${struct} (5b5d)`,
    ],
    ['application/json', 'null', 422, 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'],
    ['application/yaml', 'a: [', 400, /^the object provided is unrecognized \(must be of type ConfigMap\): yaml: line 1: .* \(613a205b\)$/],
    ['application/yaml', '', 422, 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'],
    [
      'application/vnd.kubernetes.protobuf',
      'garbage',
      400,
      `${unrecognized}provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] (67617262616765)`,
    ],
    ['text/plain', '{}', 415, `the body of the request was in an unknown format - accepted media types include: ${all}`],
    ['nonsense;;', '{}', 415, `the body of the request was in an unknown format - accepted media types include: ${all}`],
    ['', '{"metadata":{"name":"x"}}', 201, /^$/],
    [
      'application/json',
      '{"kind":"Pod","apiVersion":"v1"}',
      400,
      'Pod in version "v1" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): unknown conversion',
    ],
    [
      'application/json',
      '{"kind":"Foo","apiVersion":"v1"}',
      400,
      'Foo in version "v1" cannot be handled as a ConfigMap: no kind "Foo" is registered for version "v1"',
    ],
    [
      'application/json',
      '{"kind":"ConfigMap","apiVersion":"v2"}',
      400,
      'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2"',
    ],
    [
      'application/json',
      '{"data":1}',
      400,
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type map[string]string',
    ],
  ];
  for (const [type, body, status, message] of cases) {
    const answer = await request('POST', maps, { body, headers: { 'content-type': type } });
    assert.equal(answer.status, status, `${type} ${body}: ${answer.text}`);
    if (status === 201) continue;
    if (typeof message === 'string') assert.equal(answer.json.message, message);
    else assert.match(answer.json.message, message);
  }
  const deleted = await request('DELETE', `${maps}/x`, { body: 'x', headers: { 'content-type': 'text/plain' } });
  assert.equal(deleted.status, 415);
});

test('directives that cannot be carried out are refused in Kubernetes’ words', async () => {
  const { post, patch } = await server();
  const pods = '/api/v1/namespaces/default/pods';
  const made = await post(pods, {
    metadata: { name: 'p', finalizers: ['a/b', 'c/d'] },
    spec: { containers: [{ name: 'c', image: 'i' }], volumes: [{ name: 'v', emptyDir: {} }] },
  });
  assert.equal(made.status, 201, made.text);
  const refused: readonly (readonly [body: object, message: string])[] = [
    [{ spec: { volumes: [{ name: 'v', $retainKeys: ['name'], hostPath: {} }] } }, 'invalid patch format of retainKeys'],
    [{ spec: { volumes: [{ name: 'v', $retainKeys: 'name' }] } }, 'invalid patch format of retainKeys'],
    [{ metadata: { '$deleteFromPrimitiveList/finalizers': 'a/b' } }, 'invalid patch format of primitive list'],
    [{ spec: { '$setElementOrder/containers': 'c' } }, 'invalid patch format of setElementOrder list'],
    [
      { spec: { containers: [{ name: 'd' }], '$setElementOrder/containers': [{ name: 'c' }] } },
      "The order in patch list:\n[map[name:d]]\n doesn't match $setElementOrder list:\n[map[name:c]]\n",
    ],
    [{ spec: { containers: [{ image: 'i' }] } }, 'map: map[image:i] does not contain declared merge key: name'],
    [{ spec: { containers: [{ name: 'c', $patch: 'mix' }] } }, 'unknown patch type: mix in map: map[$patch:mix name:c]'],
    [{ spec: { $patch: 'mix' } }, 'unknown patch type: mix in map: map[$patch:mix]'],
    [{ spec: { containers: [{ name: 'c', $patch: 'merge' }] } }, 'merging lists cannot yet be specified in the patch'],
  ];
  for (const [body, message] of refused) {
    const answer = await patch(`${pods}/p`, strategic, body);
    assert.deepEqual([answer.status, answer.json.message], [400, message], JSON.stringify(body));
  }
  const order = { finalizers: ['e/f'], '$setElementOrder/finalizers': ['e/f', 'a/b'], '$deleteFromPrimitiveList/finalizers': ['c/d'] };
  assert.deepEqual((await patch(`${pods}/p`, strategic, { metadata: order })).json.metadata.finalizers, ['e/f', 'a/b']);
});

test('what a patch copies is bounded, and so is what is said of it', async () => {
  const { post, patch } = await server();
  await post(maps, { metadata: { name: 'a' }, data: { x: 'x'.repeat(1000) } });
  const copies = Array.from({ length: 100 }, () => ({ op: 'copy', from: '', path: '/data/y' }));
  const bomb = await patch(`${maps}/a`, json, copies);
  assert.equal(bomb.status, 422);
  const grown = await patch(`${maps}/a`, json, copies.slice(0, 60));
  assert.equal(grown.status, 422);
  assert.ok(grown.text.length < 400_000);
});

test('a dry run of any write, to the object or to a part of it, answers as the write would, and leaves no revision', async () => {
  const { post, patch, request, store } = await server();
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const pods = '/api/v1/namespaces/default/pods';
  const deployments = '/apis/apps/v1/namespaces/default/deployments';
  await post('/api/v1/nodes', { metadata: { name: 'n' } });
  await post(pods, { metadata: { name: 'p' }, spec: template.spec });
  await post(deployments, { metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template } });
  const before = await store.revision();
  const binding = { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } };
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } };
  const service = { metadata: { name: 's' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } };
  const put = (url: string, body: object) => request('PUT', url, { body });
  const writes: readonly (readonly [TestAnswer, status: number, kind: string])[] = [
    [await post(`${maps}?dryRun=All`, { metadata: { generateName: 'm-' } }), 201, 'ConfigMap'],
    [await post('/api/v1/namespaces/default/services?dryRun=All', service), 201, 'Service'],
    [await post('/api/v1/namespaces?dryRun=All', { metadata: { name: 'new' } }), 201, 'Namespace'],
    [await post(`${pods}/p/binding?dryRun=All`, binding), 201, 'Status'],
    [await post('/api/v1/namespaces/default/bindings?dryRun=All', binding), 201, 'Status'],
    [await post(`${pods}/p/eviction?dryRun=All`, eviction), 201, 'Status'],
    [await post(`${pods}/p/eviction`, { ...eviction, deleteOptions: { dryRun: ['All'] } }), 201, 'Status'],
    [await put(`${deployments}/d/scale?dryRun=All`, { metadata: { name: 'd' }, spec: { replicas: 4 } }), 200, 'Scale'],
    [await put('/api/v1/namespaces/other/finalize?dryRun=All', { metadata: { name: 'other' }, spec: {} }), 200, 'Namespace'],
    [await put('/apis/coordination.k8s.io/v1/namespaces/default/leases/l?dryRun=All', { metadata: { name: 'l' } }), 201, 'Lease'],
    [await patch(`${deployments}/d/status?dryRun=All`, merge, { status: { replicas: 4 } }), 200, 'Deployment'],
    [
      await patch(`${maps}/new?dryRun=All&fieldManager=m`, apply, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'new' } }),
      201,
      'ConfigMap',
    ],
    [await request('DELETE', `${pods}/p?dryRun=All`), 200, 'Pod'],
    [await request('DELETE', `${pods}?dryRun=All`), 200, 'PodList'],
    [await request('DELETE', '/api/v1/namespaces/other?dryRun=All'), 200, 'Namespace'],
    [await request('DELETE', `${deployments}/d`, { body: { dryRun: ['All'], propagationPolicy: 'Foreground' } }), 200, 'Deployment'],
  ];
  for (const [answer, status, kind] of writes) assert.deepEqual([answer.status, answer.json.kind], [status, kind], answer.text);
  assert.equal(await store.revision(), before);
  assert.equal((await post(`${maps}?dryRun=All`, { metadata: { name: 'a' } })).status, 201);
  assert.equal((await post(`${pods}?dryRun=All`, { metadata: { name: 'p' }, spec: template.spec })).status, 409);
  const exec = await post(`${pods}/p/exec?dryRun=All&command=x`, {});
  assert.deepEqual([exec.status, exec.json.message], [400, 'dryRun is not supported']);
});
