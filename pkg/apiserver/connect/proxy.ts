/**
 * Proxies to nodes, pods and services: `/api/v1/namespaces/default/services/https:web:443/proxy/path`.
 * https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls
 */
import { badRequest } from '../../api/errors.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import type { ApiResponse } from '../../api/http.ts';
import { rawTail } from '../request-info.ts';
import { type ResourceCall, readContext } from '../resource-call.ts';
import { type DialedRequest, dialFailure } from './dialers.ts';
import { notConnected } from './pod-target.ts';
import { serviceEndpoint } from './service-endpoint.ts';

/** What belongs to the client's own business with this server, and not to the backend. */
const notForwarded = new Set([
  'authorization',
  'host',
  'connection',
  'content-length',
  'accept-encoding',
  'impersonate-user',
  'impersonate-group',
]);

export async function proxy(call: ResourceCall): Promise<ApiResponse> {
  const { request, signal } = call.exchange;
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !notForwarded.has(name) || (name === 'connection' && request.headers['upgrade'])),
  );
  const dialed: DialedRequest = {
    method: request.method,
    path: `/${rawTail(request.path, 'proxy')}`,
    query: request.query,
    headers,
    ...(request.body ? { body: request.body } : {}),
    signal,
  };
  try {
    return await dial(call, dialed);
  } catch (error) {
    throw dialFailure(error);
  }
}

async function dial(call: ResourceCall, request: DialedRequest): Promise<ApiResponse> {
  const { scheme, name, port } = parseName(call.key.name);
  const { kubelets, backends } = call.services;
  const named: ResourceCall = { ...call, key: { ...call.key, name } };
  switch (call.declaration.resource) {
    case 'nodes':
      if (!kubelets) throw notConnected('kubelets');
      await call.storage.get(readContext(call), named.key);
      return kubelets.connect(name, request);
    case 'pods':
      if (!backends) throw notConnected('pods');
      return backends.connect({ scheme, ...(await podAddress(named, port)) }, request);
    default:
      if (!backends) throw notConnected('services');
      return backends.connect({ scheme, ...(await serviceAddress(named, port)) }, request);
  }
}

/** `name`, `name:port`, `scheme:name:port`; the port may be empty. */
function parseName(text: string): { scheme: 'http' | 'https'; name: string; port: string } {
  const parts = text.split(':');
  if (parts.length > 3) throw badRequest(`invalid request ${JSON.stringify(text)}`);
  const scheme = parts.length === 3 ? parts.shift() : 'http';
  if (scheme !== 'http' && scheme !== 'https' && scheme !== '') throw badRequest(`invalid scheme ${JSON.stringify(scheme)}`);
  return { scheme: scheme === 'https' ? 'https' : 'http', name: parts[0] ?? '', port: parts[1] ?? '' };
}

async function podAddress(call: ResourceCall, port: string): Promise<{ host: string; port: number }> {
  const pod = (await call.storage.get(readContext(call), call.key)).object as Pod;
  const host = pod.status?.podIP;
  if (!host) throw badRequest('address not allowed');
  const declared = pod.spec.containers.flatMap((container) => container.ports ?? []);
  const number =
    port === '' ? (declared[0]?.containerPort ?? 80) : (declared.find((each) => each.name === port)?.containerPort ?? Number(port));
  if (!Number.isInteger(number) || number < 1 || number > 65535)
    throw badRequest(`no port ${JSON.stringify(port)} found for pod ${call.key.name}`);
  return { host, port: number };
}

/** The port is the service's, by name or number. */
function serviceAddress(call: ResourceCall, port: string): Promise<{ host: string; port: number }> {
  const { registry, random } = call.services;
  return serviceEndpoint({ registry, random, context: readContext(call) }, call.key, {
    port,
    choose: (ports) =>
      port === '' && ports.length === 1 ? ports[0] : ports.find((each) => each.name === port || String(each.port) === port),
  });
}
