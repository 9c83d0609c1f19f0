import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeProtobuf } from '../runtime/protobuf.ts';
import { damage, damaged, fuzzRuns, fuzzServer, fuzzTimeout, objects } from './testing/fuzzing.node.ts';

/** Requests that are right but for a little: a few bytes, one operator, one option too many. */

const encoder = new TextEncoder();
const protobuf = 'application/vnd.kubernetes.protobuf';
const pods = '/api/v1/namespaces/default/pods';

test('an object whose bytes are damaged is taken or refused, whatever they were: JSON, YAML or protobuf', fuzzTimeout, async () => {
  const { fuzz, control } = await fuzzServer();
  const options = {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    propagationPolicy: 'Background',
    preconditions: { uid: 'u' },
    dryRun: ['All'],
  };
  const bodies = [...objects.map(([path, object]) => [path, object, 'POST'] as const), [`${pods}/p`, options, 'DELETE'] as const];
  const types = ['application/json', 'application/yaml', protobuf] as const;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...bodies),
      fc.constantFrom(...types),
      damage,
      fc.boolean(),
      async ([path, object, method], type, changes, dry) => {
        const typed = { apiVersion: 'v1', kind: 'SubjectAccessReview', ...(object as object) };
        if (type === protobuf && !('apiVersion' in (object as object))) return;
        const bytes =
          type === protobuf ? encodeProtobuf(typed) : encoder.encode(JSON.stringify(object, null, type === 'application/yaml' ? 1 : 0));
        const headers = { 'content-type': type, accept: dry ? protobuf : '*/*' };
        await fuzz(method, `${path}?dryRun=All`, { body: damaged(bytes, changes), headers });
      },
    ),
    fuzzRuns(600),
  );
  await control();
});

test('a page token that is damaged leads to a page of the same list, or is refused', fuzzTimeout, async () => {
  const { fuzz, ask, control } = await fuzzServer();
  const maps = '/api/v1/namespaces/default/configmaps';
  for (let i = 0; i < 5; i++) await ask('POST', maps, { body: { metadata: { name: `m-${i}` } } });
  const token = (await ask('GET', `${maps}?limit=2`)).json.metadata.continue as string;
  const inner = Buffer.from(token, 'base64url');
  const lists = fc.constantFrom(
    maps,
    '/api/v1/configmaps',
    '/api/v1/namespaces/other/configmaps',
    '/api/v1/nodes',
    '/apis/apps/v1/deployments',
  );
  const revision = fc.oneof(
    fc.integer({ min: -3, max: 400 }),
    fc.maxSafeInteger(),
    fc.double(),
    fc.string({ maxLength: 4 }),
    fc.constant(null),
  );
  const start = fc.oneof(
    fc.constantFrom('', '\0', '/\0', '../default/m\0', 'm-1\0', 'm-1', 'default/m-3\0', 'zzz\0', '\ud800\0', '~'.repeat(3000)),
    fc.string({ maxLength: 12 }),
  );
  const tokens = fc.oneof(
    damage.map((changes) => Buffer.from(damaged(inner, changes)).toString('base64url')),
    damage.map((changes) => Buffer.from(damaged(encoder.encode(token), changes)).toString('latin1')),
    fc
      .record({ v: fc.constantFrom('meta.k8s.io/v1', 'meta.k8s.io/v2', ''), rv: revision, start }, { requiredKeys: [] })
      .map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
  );
  await fc.assert(
    fc.asyncProperty(lists, tokens, fc.constantFrom('', '1', '2', '500'), async (path, drawn, limit) => {
      const query = new URLSearchParams({ continue: drawn, ...(limit === '' ? {} : { limit }) });
      const answer = await fuzz('GET', `${path}?${query}`);
      if (answer.status !== 200) return;
      const namespace = /namespaces\/([a-z]+)/.exec(path)?.[1];
      for (const item of answer.json.items) if (namespace) assert.equal(item.metadata.namespace, namespace);
    }),
    fuzzRuns(800),
  );
  await control();
});

test('selectors of every grammar are read or refused, by lists, watches and deletions alike', fuzzTimeout, async () => {
  const { fuzz, control, clock } = await fuzzServer();
  const word = fc.oneof(
    fc.constantFrom(
      'a',
      'a/b',
      'example.com/a',
      'in',
      'notin',
      'x'.repeat(70),
      '',
      'ä',
      '-',
      '1',
      '-1',
      '9223372036854775808',
      'a b',
      '\\,',
      '\\',
    ),
    fc.string({ maxLength: 4 }),
  );
  const operator = fc.constantFrom('=', '==', '!=', ' in ', ' notin ', '>', '<', '!', '', '===', '=>', ' ');
  const values = fc.oneof(
    word,
    fc.array(word, { maxLength: 3 }).map((list) => `(${list.join(',')})`),
    fc.constantFrom('(', ')', '(,', '((a))', '(a)b'),
  );
  const requirement = fc.tuple(fc.constantFrom('', '!', '!!'), word, operator, values).map((parts) => parts.join(''));
  const label = fc.array(requirement, { maxLength: 4 }).map((list) => list.join(','));
  const field = fc
    .array(
      fc.tuple(
        fc.constantFrom('metadata.name', 'metadata.namespace', 'spec.nodeName', 'status.phase', 'spec.x', '__proto__', ''),
        operator,
        word,
      ),
      { maxLength: 3 },
    )
    .map((terms) => terms.map((parts) => parts.join('')).join(','));
  const way = fc.constantFrom(
    ['GET', ''],
    ['GET', 'watch=true&timeoutSeconds=1'],
    ['GET', 'watch=true&timeoutSeconds=1&allowWatchBookmarks=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan'],
    ['DELETE', 'dryRun=All'],
  );
  const accept = fc.constantFrom(
    '*/*',
    'application/json;as=Table;g=meta.k8s.io;v=v1',
    'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
  );
  const timers = clock.pendingTimers;
  await fc.assert(
    fc.asyncProperty(
      way,
      label,
      field,
      accept,
      fc.constantFrom(pods, '/api/v1/pods', '/apis/apps/v1/deployments'),
      async ([method, more], labels, fields, form, path) => {
        if (method === 'DELETE' && path !== pods) return;
        const query = new URLSearchParams({ labelSelector: labels, fieldSelector: fields });
        const { status, response } = await fuzz(method as string, `${path}?${query}&${more}`, { headers: { accept: form } });
        if (status !== 200 || !more?.startsWith('watch')) return;
        let over = false;
        const reading = (async () => {
          for await (const _ of response.body as AsyncIterable<Uint8Array>);
          over = true;
        })();
        assert.ok(await clock.advanceUntil(() => over, 5_000), 'the watch ends in its time');
        await reading;
      },
    ),
    fuzzRuns(600),
  );
  assert.ok(clock.pendingTimers <= timers, 'no watch is left behind');
  await control();
});
