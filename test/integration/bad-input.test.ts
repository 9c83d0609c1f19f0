/**
 * What is sent wrong, and what comes back: status, reason, field and message as Kubernetes documents them, and
 * nothing half done. Each row is a request to a whole API server; afterwards the cluster holds what it held before.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readBody } from '../../pkg/client/read-body.ts';
import { Cluster } from '../../pkg/cluster/cluster.ts';

interface Row {
  readonly what: string;
  readonly method?: string;
  readonly path?: string;
  readonly type?: string;
  readonly body: string;
  readonly code: number;
  readonly reason: string;
  readonly message: RegExp;
  /** The fields that details.causes name. */
  readonly fields?: readonly string[];
}

const podsPath = '/api/v1/namespaces/default/pods';
const deploymentsPath = '/apis/apps/v1/namespaces/default/deployments';
const pod = (spec: unknown, metadata: unknown = { name: 'bad' }): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
const container = (fields: object = {}): object => ({ containers: [{ name: 'c', image: 'x', ...fields }] });

const rows: Row[] = [
  { what: 'broken JSON', body: '{"kind": "Pod", ', code: 400, reason: 'BadRequest', message: /json|JSON/ },
  {
    what: 'broken YAML',
    type: 'application/yaml',
    body: 'kind: Pod\n  metadata: [',
    code: 400,
    reason: 'BadRequest',
    message: /yaml|YAML/i,
  },
  { what: 'no body at all', body: '', code: 400, reason: 'BadRequest', message: /./ },
  {
    what: 'a media type that nobody knows',
    type: 'text/csv',
    body: 'a,b',
    code: 415,
    reason: 'UnsupportedMediaType',
    message: /media type/,
  },
  {
    what: 'a wrong type deep inside',
    path: deploymentsPath,
    body: JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'bad' }, spec: { replicas: 'three' } }),
    code: 400,
    reason: 'BadRequest',
    message:
      /cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec\.spec\.replicas of type int32/,
  },
  {
    what: 'an impossible quantity',
    body: pod(container({ resources: { requests: { memory: 'lots' } } })),
    code: 400,
    reason: 'BadRequest',
    message: /quantities must match the regular expression/,
  },
  {
    what: 'a name of 300 characters',
    body: pod(container(), { name: 'a'.repeat(300) }),
    code: 422,
    reason: 'Invalid',
    message: /metadata\.name: Invalid value: .*must be no more than 253 (bytes|characters)/,
    fields: ['metadata.name'],
  },
  {
    what: 'a name with capitals',
    body: pod(container(), { name: 'Bad_Name' }),
    code: 422,
    reason: 'Invalid',
    message: /metadata\.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of/,
    fields: ['metadata.name'],
  },
  {
    what: 'no container',
    body: pod({ containers: [] }),
    code: 422,
    reason: 'Invalid',
    message: /spec\.containers: Required value/,
    fields: ['spec.containers'],
  },
  {
    what: 'containers without names and images',
    body: pod({ containers: [{}] }),
    code: 422,
    reason: 'Invalid',
    message: /spec\.containers\[0\]\.name: Required value/,
    fields: ['spec.containers[0].name', 'spec.containers[0].image'],
  },
  {
    what: 'a port out of range',
    body: pod(container({ ports: [{ containerPort: 70_000 }] })),
    code: 422,
    reason: 'Invalid',
    message: /spec\.containers\[0\]\.ports\[0\]\.containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive/,
    fields: ['spec.containers[0].ports[0].containerPort'],
  },
  {
    what: 'a restart policy that does not exist',
    body: pod({ ...container(), restartPolicy: 'Sometimes' }),
    code: 422,
    reason: 'Invalid',
    message: /spec\.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", /,
    fields: ['spec.restartPolicy'],
  },
  {
    what: 'a selector that does not match the template',
    path: deploymentsPath,
    body: JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'bad' },
      spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'c' } }, spec: container() } },
    }),
    code: 422,
    reason: 'Invalid',
    message: /spec\.template\.metadata\.labels: Invalid value: .*`selector` does not match template `labels`/,
    fields: ['spec.template.metadata.labels'],
  },
  {
    what: 'another kind than the path says',
    body: JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'bad' } }),
    code: 400,
    reason: 'BadRequest',
    message: /Service|kind/,
  },
  {
    what: 'a namespace that is not there',
    path: '/api/v1/namespaces/nowhere/pods',
    body: pod(container()),
    code: 404,
    reason: 'NotFound',
    message: /namespaces "nowhere" not found/,
  },
  {
    what: 'another namespace than the path says',
    body: pod(container(), { name: 'bad', namespace: 'other' }),
    code: 400,
    reason: 'BadRequest',
    message: /the namespace of the provided object does not match the namespace sent on the request/,
  },
  {
    what: 'an unknown field, asked to be strict',
    path: `${podsPath}?fieldValidation=Strict`,
    body: pod({ ...container(), replcas: 3 }),
    code: 400,
    reason: 'BadRequest',
    message: /strict decoding error: unknown field "spec\.replcas"/,
  },
  {
    what: 'a body of 10 MB',
    body: JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'bad', annotations: { a: 'x'.repeat(10_000_000) } } }),
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: /limit is 3145728/,
  },
  {
    what: 'a label selector that cannot be read',
    method: 'GET',
    path: `${podsPath}?labelSelector=a%20in%20(`,
    body: '',
    code: 400,
    reason: 'BadRequest',
    message: /unable to parse requirement/,
  },
  {
    what: 'a field selector on a field that has none',
    method: 'GET',
    path: `${podsPath}?fieldSelector=spec.color%3Dred`,
    body: '',
    code: 400,
    reason: 'BadRequest',
    message: /field label not supported: spec\.color/,
  },
  {
    what: 'a resource that does not exist',
    method: 'GET',
    path: '/api/v1/unicorns',
    body: '',
    code: 404,
    reason: 'NotFound',
    message: /could not find the requested resource/,
  },
  {
    what: 'a pod that does not exist',
    method: 'GET',
    path: `${podsPath}/nobody`,
    body: '',
    code: 404,
    reason: 'NotFound',
    message: /pods "nobody" not found/,
  },
  {
    what: 'a JSON patch that is none',
    method: 'PATCH',
    path: `${podsPath}/there`,
    type: 'application/json-patch+json',
    body: '{"op":"add"}',
    code: 400,
    reason: 'BadRequest',
    message: /./,
  },
  {
    what: 'a JSON patch whose test fails',
    method: 'PATCH',
    path: `${podsPath}/there`,
    type: 'application/json-patch+json',
    body: '[{"op":"test","path":"/metadata/name","value":"x"}]',
    code: 422,
    reason: 'Invalid',
    message: /./,
  },
  {
    what: 'an image changed to nothing',
    method: 'PATCH',
    path: `${podsPath}/there`,
    type: 'application/merge-patch+json',
    body: '{"spec":{"containers":null}}',
    code: 422,
    reason: 'Invalid',
    message: /spec\.containers: Required value/,
    fields: ['spec.containers'],
  },
];

describe('what is sent wrong', () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({ nodes: 0, clock: 'virtual', seed: 1, controllers: ['serviceaccount'], wait: 0 });
    await cluster.run('1s');
    await cluster.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'there' }, ...{ spec: container() } });
    await cluster.run('1m');
  });
  after(() => cluster.stop());

  async function send({ method = 'POST', path = podsPath, type = 'application/json', body }: Row): Promise<{ code: number; text: string }> {
    const url = new URL(path, 'https://server');
    const bytes = new TextEncoder().encode(body);
    const response = await cluster.controlPlane.server.handle({
      method,
      path: url.pathname,
      query: url.searchParams,
      headers: {
        accept: 'application/json',
        ...(method === 'GET' ? {} : { 'content-type': type, 'content-length': String(bytes.length) }),
      },
      ...(method === 'GET' ? {} : { body: chunks(bytes) }),
      peer: { user: { name: 'kubernetes-admin', groups: ['system:masters'] } },
      signal: new AbortController().signal,
    });
    return { code: response.status, text: new TextDecoder().decode(await readBody(response.body)) };
  }

  for (const row of rows) {
    test(`${row.what}: ${row.code} ${row.reason}`, async () => {
      const revision = await cluster.store.revision();
      const { code, text } = await send(row);
      const status = JSON.parse(text) as {
        kind: string;
        status: string;
        reason: string;
        code: number;
        message: string;
        details?: { causes?: { field: string }[] };
      };
      assert.equal(code, row.code, text);
      assert.deepEqual([status.kind, status.status, status.reason, status.code], ['Status', 'Failure', row.reason, row.code], text);
      assert.match(status.message, row.message);
      if (row.fields) assert.deepEqual([...new Set(status.details?.causes?.map(({ field }) => field))], row.fields);
      assert.equal(await cluster.store.revision(), revision, 'something was written');
    });
  }
});

/** As a network would bring it: in pieces. */
async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
