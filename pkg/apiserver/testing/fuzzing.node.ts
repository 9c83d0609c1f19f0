import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type RequestChanges, type TestAnswer, testServer } from './test-server.ts';

/**
 * What the fuzzers share: objects to start from, things to put where they do not belong, and a server that must answer
 * every request: not by a 5xx, and within its own time limit. Seeds are fast-check's: a failure prints how to see it
 * again. GOKUBE_FUZZ=100 makes each run a hundred times as long.
 */
const scale = Number(process.env['GOKUBE_FUZZ'] ?? 1);

export const fuzzRuns = (numRuns: number): { numRuns: number; endOnFailure: true } => ({
  numRuns: Math.max(1, Math.round(numRuns * scale)),
  endOnFailure: true,
});
export const fuzzTimeout = { timeout: 60_000 * Math.max(1, scale) };

export const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default', labels: { a: 'b' }, annotations: {} },
  spec: {
    containers: [
      {
        name: 'c',
        image: 'x',
        env: [{ name: 'A', value: '1' }],
        ports: [{ containerPort: 80, name: 'http' }],
        resources: { limits: { cpu: '1', memory: '1Gi' } },
        livenessProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 5 },
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
      },
    ],
    volumes: [{ name: 'v', emptyDir: {} }],
    tolerations: [{ key: 'a', operator: 'Exists' }],
  },
};
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd', namespace: 'default' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { a: 'b' } },
    strategy: { rollingUpdate: { maxSurge: '25%' } },
    template: { metadata: { labels: { a: 'b' } }, spec: pod.spec },
  },
};
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 's', namespace: 'default' },
  spec: { type: 'NodePort', ports: [{ port: 80, targetPort: 'http', protocol: 'TCP' }], selector: { a: 'b' } },
};
export const objects: readonly (readonly [path: string, object: unknown])[] = [
  ['/api/v1/namespaces/default/pods', pod],
  ['/apis/apps/v1/namespaces/default/deployments', deployment],
  ['/api/v1/namespaces/default/services', service],
  ['/api/v1/namespaces/default/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' }, data: { a: 'b' } }],
  [
    '/api/v1/nodes',
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, spec: { podCIDR: '10.0.0.0/24' }, status: { capacity: { cpu: '4' } } },
  ],
  [
    '/api/v1/namespaces/default/pods/p/binding',
    { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } },
  ],
  ['/api/v1/namespaces/default/pods/p/eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } }],
  ['/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec: { user: 'a', resourceAttributes: { verb: 'get', resource: 'pods' } } }],
];

export const anything = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom<unknown>(
      null,
      JSON.parse('{"__proto__": 1, "constructor": {}}'),
      true,
      0,
      -1,
      1.5,
      1e308,
      '',
      'x',
      '-1',
      '١',
      '\u0000',
      '1Zi',
      [],
      {},
      [null],
      { a: null },
      [[]],
    ),
  },
  { weight: 1, arbitrary: fc.jsonValue() },
  { weight: 1, arbitrary: fc.string({ maxLength: 400 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>('a'.repeat(300), Number.MAX_SAFE_INTEGER, '9223372036854775808', {
      __proto__: null,
      constructor: 1,
    }),
  },
);

/** The value with something else in `count` of its places. */
export function mutated(value: unknown, draws: readonly (readonly [place: number, value: unknown])[]): unknown {
  const copy = JSON.parse(JSON.stringify(value));
  for (const [place, drawn] of draws) {
    const replacement = drawn === undefined ? null : JSON.parse(JSON.stringify(drawn)); // a value may be drawn twice
    const places: { holder: Record<string, unknown>; key: string }[] = [];
    const visit = (holder: Record<string, unknown>): void => {
      for (const key of Object.keys(holder)) {
        places.push({ holder, key });
        if (typeof holder[key] === 'object' && holder[key] !== null) visit(holder[key] as Record<string, unknown>);
      }
    };
    if (typeof copy === 'object' && copy !== null) visit(copy);
    const chosen = places[place % Math.max(1, places.length)];
    if (!chosen) continue;
    if (place % 7 === 0) delete chosen.holder[chosen.key];
    else if (place % 7 === 1) chosen.holder[`${chosen.key}x`] = replacement;
    else chosen.holder[chosen.key] = replacement;
  }
  return copy;
}

export const draws = fc.array(fc.tuple(fc.nat(10_000), anything), { minLength: 1, maxLength: 4 });

/** A change of bytes: overwritten, left out, put in, cut off, or the middle said twice. */
export const damage = fc.array(fc.tuple(fc.constantFrom('set', 'drop', 'insert', 'cut', 'repeat'), fc.nat(), fc.nat(255)), {
  minLength: 1,
  maxLength: 5,
});

export function damaged(bytes: Uint8Array, changes: readonly (readonly [kind: string, at: number, byte: number])[]): Uint8Array {
  let out = [...bytes];
  for (const [kind, position, byte] of changes) {
    const at = position % Math.max(1, out.length);
    if (kind === 'set') out[at] = byte;
    else if (kind === 'drop') out.splice(at, 1 + (byte % 8));
    else if (kind === 'insert') out.splice(at, 0, byte, byte);
    else if (kind === 'cut') out = out.slice(0, at);
    else out.splice(at, 0, ...out.slice(at, at + byte));
  }
  return Uint8Array.from(out);
}

/** A request takes a minute at most, then it is refused: in the server's own time, which passes as fast as it can. */
const longest = 70_000;

export async function fuzzServer() {
  const server = await testServer();
  await server.withDefaults();
  for (const [path, body] of objects) await server.request('POST', path, { body });
  const { clock, request, errors } = server;

  const ask = async (method: string, url: string, changes: RequestChanges = {}): Promise<TestAnswer> => {
    let answer: TestAnswer | undefined;
    const asking = request(method, url, changes).then((given) => {
      answer = given;
    });
    assert.ok(await clock.advanceUntil(() => answer !== undefined, longest), `${method} ${url} was not answered`);
    await asking;
    return answer as TestAnswer;
  };

  /** Throws unless the request is answered, and not as if the server were at fault. */
  const fuzz = async (method: string, url: string, changes: RequestChanges = {}, allowed?: RegExp): Promise<TestAnswer> => {
    const answer = await ask(method, url, changes);
    if (answer.status === 503 && allowed?.test(answer.text)) return answer;
    const { body } = changes;
    const shown = body instanceof Uint8Array ? new TextDecoder('latin1').decode(body.subarray(0, 400)) : JSON.stringify(body);
    const what = `${method} ${url} ${JSON.stringify(changes.headers ?? {})} ${shown}`;
    assert.ok(answer.status >= 100 && answer.status < 500, `${answer.status} for ${what}: ${answer.text.slice(0, 500)}`);
    return answer;
  };

  /** What is well-formed still works, and nothing was logged as a bug. */
  const control = async (): Promise<void> => {
    const path = '/api/v1/namespaces/other/configmaps';
    const body = { metadata: { name: 'control' }, data: { a: 'b' } };
    assert.equal((await ask('POST', path, { body })).status, 201);
    assert.deepEqual((await ask('GET', `${path}/control`)).json.data, body.data);
    assert.equal((await ask('DELETE', `${path}/control`)).status, 200);
    assert.deepEqual(errors, []);
  };
  return { ...server, ask, fuzz, control };
}
