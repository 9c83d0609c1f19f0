import { test } from 'node:test';
import fc from 'fast-check';
import { encodeProtobuf } from '../runtime/protobuf.ts';
import { anything, draws, fuzzRuns, fuzzServer, fuzzTimeout, mutated, objects, pod } from './testing/fuzzing.node.ts';

/**
 * Requests of every degree of nonsense. Each must be answered, none by a 5xx, and what is well-formed must still work
 * in between.
 */

const encoder = new TextEncoder();
/** Kubelets and pods are not there in these tests: what needs one says so. */
const needsOthers = /no way to reach|no key to sign|no endpoints available|service port/;

test('objects with anything anywhere are taken or refused, whatever the verb and the media type', fuzzTimeout, async () => {
  const { fuzz, control } = await fuzzServer();
  const types = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
  const strictness = fc.constantFrom('', '?fieldValidation=Strict', '?dryRun=All');
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...objects),
      draws,
      fc.constantFrom('POST', 'PUT'),
      fc.nat(2),
      strictness,
      async ([path, object], changes, method, type, query) => {
        const changed = mutated(object, changes);
        const name = (object as { metadata?: { name?: string } }).metadata?.name ?? 'x';
        let bytes: Uint8Array = encoder.encode(JSON.stringify(changed));
        if (type === 2) {
          try {
            bytes = encodeProtobuf(changed);
          } catch {
            return; // what cannot be written is not sent
          }
        }
        const headers = { 'content-type': types[type] as string };
        const url = method === 'PUT' && !/binding|eviction|reviews/.test(path) ? `${path}/${name}${query}` : `${path}${query}`;
        await fuzz(method, url, { body: bytes, headers });
      },
    ),
    fuzzRuns(600),
  );
  await control();
});

test('patches of every kind and none are applied or refused', fuzzTimeout, async () => {
  const { fuzz, control } = await fuzzServer();
  const pointer = fc.constantFrom(
    '',
    '/',
    '/spec',
    '/spec/containers/0/image',
    '/spec/containers/-',
    '/metadata/labels/a~1b',
    '/a~2',
    'x',
    '/status',
    '/spec/replicas',
  );
  const operation = fc.record(
    { op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'), path: pointer, from: pointer, value: anything },
    { requiredKeys: ['op'] },
  );
  const directives = fc.dictionary(
    fc.constantFrom(
      'spec',
      'metadata',
      '$patch',
      '$retainKeys',
      '$setElementOrder/containers',
      '$deleteFromPrimitiveList/finalizers',
      'containers',
      'labels',
    ),
    fc.oneof(
      anything,
      fc.constantFrom<unknown>(
        'delete',
        'replace',
        'merge',
        [{ name: 'c', $patch: 'delete' }],
        { containers: [{ name: 'c', image: 'y' }] },
        { $patch: 'replace' },
      ),
    ),
  );
  const patch = fc.oneof(
    fc.array(operation, { maxLength: 4 }),
    directives,
    fc.tuple(directives, anything).map(([a, b]) => ({ ...a, spec: b })),
    anything,
  );
  const type = fc.constantFrom(
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/strategic-merge-patch+json',
    'application/apply-patch+yaml',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...objects.slice(0, 5)),
      patch,
      draws,
      type,
      fc.boolean(),
      async ([path, object], body, changes, contentType, whole) => {
        const { name } = (object as { metadata: { name: string } }).metadata;
        const sent = whole && contentType === 'application/apply-patch+yaml' ? mutated(object, changes) : body;
        const query = contentType === 'application/apply-patch+yaml' ? '?fieldManager=f&force=true' : '';
        const url = `${path}/${name}${query}`;
        const text = sent === undefined ? 'null' : JSON.stringify(sent);
        await fuzz('PATCH', url, { body: text, headers: { 'content-type': contentType } });
      },
    ),
    fuzzRuns(600),
  );
  await control();
});

test('any bytes under any media type are no reason to fail', fuzzTimeout, async () => {
  const { fuzz, control } = await fuzzServer();
  const json = JSON.stringify(pod);
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .tuple(fc.nat(json.length), fc.string({ maxLength: 5 }))
      .map(([at, text]) => encoder.encode(json.slice(0, at) + text + json.slice(at + 1))),
    fc.uint8Array({ maxLength: 200 }).map((tail) => Uint8Array.from([0x6b, 0x38, 0x73, 0x00, ...tail])),
    fc.tuple(fc.nat(500), fc.nat(255)).map(([at, byte]) => {
      const protobuf = encodeProtobuf(pod).slice();
      protobuf[at % protobuf.length] = byte;
      return protobuf;
    }),
    fc
      .constantFrom('['.repeat(20_000), '{"a":'.repeat(20_000), 'a: &a [*a]', '&a [*a, *a]', '- '.repeat(3000), '"\\ud800"')
      .map((text) => encoder.encode(text)),
  );
  const type = fc.constantFrom(
    'application/json',
    'application/yaml',
    'application/vnd.kubernetes.protobuf',
    '',
    'text/plain',
    'application/json; charset=latin1',
    'a/b/c;;=',
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('POST', 'PUT', 'DELETE', 'PATCH'), bytes, type, async (method, body, contentType) => {
      const url = `/api/v1/namespaces/default/pods${method === 'POST' ? '' : '/x'}`;
      await fuzz(method, url, { body, headers: { 'content-type': contentType } });
    }),
    fuzzRuns(600),
  );
  await control();
});

test('any path, query and header is answered', fuzzTimeout, async () => {
  const { fuzz, control } = await fuzzServer();
  const segment = fc.oneof(
    fc.constantFrom(
      'api',
      'apis',
      'v1',
      'apps',
      'namespaces',
      'default',
      'pods',
      'p',
      'status',
      'scale',
      'log',
      'exec',
      'proxy',
      'token',
      'watch',
      'nodes',
      'n:80',
      'deployments',
      'd',
      'openapi',
      'v3',
      'healthz',
      'version',
      'metrics',
      '..',
      '%2e%2e',
      '%',
      '%00',
      '__proto__',
      'constructor',
      'toString',
    ),
    fc.string({ maxLength: 6 }),
  );
  const known = fc.constantFrom(
    '/api/v1/pods',
    '/api/v1/namespaces/default/pods',
    '/api/v1/namespaces/default/pods/p',
    '/api/v1/namespaces/default/pods/p/log',
    '/api/v1/namespaces/default/pods/p/exec',
    '/api/v1/namespaces/default/services/s/proxy/x',
    '/apis/apps/v1/namespaces/default/deployments/d/scale',
    '/apis/apps/v1/deployments',
    '/api',
    '/readyz',
    '/openapi/v3',
  );
  const path = fc.oneof(
    known,
    fc.array(segment, { maxLength: 8 }).map((parts) => `/${parts.join('/')}`),
  );
  const parameter = fc.constantFrom(
    ...[
      'labelSelector',
      'fieldSelector',
      'limit',
      'continue',
      'resourceVersion',
      'resourceVersionMatch',
      'sendInitialEvents',
      'timeoutSeconds',
      'timeout',
      'dryRun',
    ],
    ...[
      'fieldManager',
      'fieldValidation',
      'gracePeriodSeconds',
      'propagationPolicy',
      'orphanDependents',
      'includeObject',
      'pretty',
      'container',
      'tailLines',
      'follow',
      'command',
      'hash',
      'force',
    ],
  );
  const value = fc.oneof(
    fc.constantFrom(
      '',
      '0',
      '-1',
      '1',
      'true',
      'All',
      'a=b',
      'a in (b',
      '!a',
      'metadata.name=x',
      'spec.nodeName!=x',
      'status.phase=Running',
      'a=b=c',
      'Exact',
      'NotOlderThan',
      '99999999999999999999',
      '1e9',
      'None',
      'eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ',
    ),
    fc.string({ maxLength: 20 }),
  );
  const header = fc.constantFrom(
    'accept',
    'content-type',
    'accept-encoding',
    'authorization',
    'if-none-match',
    'audit-id',
    'user-agent',
    'gokube-causes',
    'impersonate-user',
    'impersonate-group',
    'upgrade',
    'sec-websocket-protocol',
    'x-stream-protocol-version',
    'content-length',
  );
  const headerValue = fc.oneof(
    fc.constantFrom(
      '*/*',
      'application/json;as=Table;v=v1;g=meta.k8s.io',
      'application/yaml',
      'application/vnd.kubernetes.protobuf',
      'gzip;q=0',
      'q;q=x,,;',
      'Bearer x',
      'websocket',
      'SPDY/3.1',
      'x',
    ),
    fc.string({ maxLength: 20 }),
  );
  const methods = fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'x');
  await fc.assert(
    fc.asyncProperty(
      methods,
      path,
      fc.array(fc.tuple(parameter, value), { maxLength: 4 }),
      fc.dictionary(header, headerValue, { maxKeys: 3 }),
      async (method, url, query, headers) => {
        await fuzz(method, `${url.replaceAll('?', '%3F')}?${new URLSearchParams(query)}`, { headers }, needsOthers);
      },
    ),
    fuzzRuns(1500),
  );
  await control();
});
