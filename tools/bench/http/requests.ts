/** The requests of the benchmark, as bytes. The bare server (`bare-server.ts`) is sent the same. */
import { http2Get } from './http2-connection.ts';

export type Workload = 'get' | 'get-h2' | 'list' | 'create' | 'create-pod' | 'apply' | 'patch';

const namespacePath = '/api/v1/namespaces/default';
const podsPath = `${namespacePath}/pods`;
export const configMapsPath = `${namespacePath}/configmaps`;
/** The pod that is read again and again. */
const readPod = 'pod-read';
/** Where the watches watch: nothing else is written there. */
const watchedPath = '/api/v1/namespaces/watched/configmaps';
export const paths = { pod: `${podsPath}/${readPod}`, pods: podsPath, watch: `${watchedPath}?watch=1` };
const agent = 'bench/1';

/** 1 KB as a client sends it. */
function configMap(name: string, counter = 0): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels: { app: 'bench' } },
    data: { counter: String(counter), text: 'x'.repeat(880) },
  };
}

/** 3 KB as the server keeps it. */
function pod(name: string): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'bench', 'pod-template-hash': 'abcdef' } },
    spec: {
      nodeName: 'node-1',
      automountServiceAccountToken: false,
      containers: [
        {
          name: 'main',
          image: 'gokube/host',
          command: ['sh', '-c', 'while :; do sleep 1; done'],
          ports: [{ name: 'http', containerPort: 8080 }],
          env: Array.from({ length: 8 }, (_, n) => ({ name: `VARIABLE_${n}`, value: `value ${n}` })),
          resources: { requests: { cpu: '10m', memory: '16Mi' } },
          readinessProbe: { httpGet: { path: '/ready', port: 8080 } },
        },
      ],
    },
  };
}

/** What must be there before the first request: POST each to its path. */
export const prepared: readonly { readonly path: string; readonly object: Record<string, unknown> }[] = [
  { path: `${namespacePath}/serviceaccounts`, object: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } } },
  { path: '/api/v1/namespaces', object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'watched' } } },
  { path: podsPath, object: pod(readPod) },
  { path: configMapsPath, object: configMap('sample') },
];

/** What each connection of a workload sends as its `n`th request; `run` tells runs apart, so that no name comes twice. */
export function requestsOf(workload: Workload, run: string, connection: number): (n: number) => Buffer {
  const name = `${run}-${connection}`;
  switch (workload) {
    case 'get':
      return always(http1('GET', paths.pod));
    case 'get-h2':
      return always(http2Get(paths.pod, { 'user-agent': agent, accept: 'application/json' }));
    case 'list':
      return always(http1('GET', podsPath));
    case 'create':
      return (n) => createConfigMap(`${name}-${n}`);
    case 'create-pod':
      return (n) => http1('POST', podsPath, { type: 'application/json', body: pod(`${name}-${n}`) });
    case 'apply': {
      const path = `${owned(connection)}?fieldManager=applier`;
      return () => http1('PATCH', path, { type: 'application/apply-patch+yaml', body: configMap(`owned-${connection}`, ++changes) });
    }
    case 'patch':
      return () => {
        const body = { data: { patched: String(++changes) } };
        return http1('PATCH', owned(connection), { type: 'application/strategic-merge-patch+json', body });
      };
  }
}

/** The object that each connection changes; its first apply makes it. */
function owned(connection: number): string {
  return `${configMapsPath}/owned-${connection}`;
}

/** So that each request changes the object. */
let changes = 0;

export function createConfigMap(name: string, path = configMapsPath): Buffer {
  return http1('POST', path, { type: 'application/json', body: configMap(name) });
}

/** A ConfigMap that every watch sees. */
export function createWatched(name: string): Buffer {
  return createConfigMap(name, watchedPath);
}

/** JSON is YAML too. */
export function http1(method: string, path: string, content?: { readonly type: string; readonly body: unknown }): Buffer {
  const body = content ? JSON.stringify(content.body) : '';
  const about = content ? `content-type: ${content.type}\r\ncontent-length: ${body.length}\r\n` : '';
  return Buffer.from(
    `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: ${agent}\r\naccept: application/json\r\n${about}\r\n${body}`,
  );
}

function always(request: Buffer): () => Buffer {
  return () => request;
}
