/**
 * exec and attach. The kubelet speaks WebSockets: a WebSocket client's connection is handed on as it is; a client
 * that speaks SPDY (kubectl before 1.31) is translated.
 */
import { ApiError, badRequest } from '../../api/errors.ts';
import type { ApiResponse, Upgrade } from '../../api/http.ts';
import type { RemoteCommandStreams } from '../../client/streams/remote-command.ts';
import { boolean, text } from '../query-options.ts';
import type { ResourceCall } from '../resource-call.ts';
import { dialFailure } from './dialers.ts';
import { kubeletRefusal } from './log.ts';
import { containerOf, nodeOf, notConnected, podOf } from './pod-target.ts';
import { chooseSpdyProtocol, serveSpdyRemoteCommand } from './spdy-remote-command.ts';

export const exec = (call: ResourceCall): Promise<ApiResponse> => remoteCommand(call, 'exec');
export const attach = (call: ResourceCall): Promise<ApiResponse> => remoteCommand(call, 'attach');

async function remoteCommand(call: ResourceCall, what: 'exec' | 'attach'): Promise<ApiResponse> {
  const { query, headers } = call.exchange.request;
  const pod = await podOf(call);
  const container = containerOf(pod, text(query, 'container'));
  const nodeName = nodeOf(pod);
  const tty = boolean(query, 'tty') ?? false;
  const streams: RemoteCommandStreams = {
    stdin: boolean(query, 'stdin') ?? false,
    // Attach shows output unless told otherwise; exec has no such default.
    stdout: boolean(query, 'stdout') ?? what === 'attach',
    // A terminal has one output.
    stderr: (boolean(query, 'stderr') ?? what === 'attach') && !tty,
  };
  if (!streams.stdin && !streams.stdout && !streams.stderr) throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  const command = query.getAll('command');
  if (what === 'exec' && command.length === 0) throw badRequest('you must specify at least one command for the container');
  const toKubelet = new URLSearchParams();
  for (const word of command) toKubelet.append('command', word);
  if (streams.stdin) toKubelet.set('input', '1');
  if (streams.stdout) toKubelet.set('output', '1');
  if (streams.stderr) toKubelet.set('error', '1');
  if (tty) toKubelet.set('tty', '1');
  const path = `/${what}/${[call.key.namespace, call.key.name, container].map(encodeURIComponent).join('/')}`;

  switch (headers['upgrade']?.toLowerCase()) {
    case 'websocket': {
      const offered = headers['sec-websocket-protocol'];
      const upgrade = await dialKubelet(call, nodeName, path, toKubelet, offered);
      return { status: 101, headers: {}, upgrade };
    }
    case 'spdy/3.1': {
      const protocol = chooseSpdyProtocol(headers['x-stream-protocol-version']);
      const kubelet = await dialKubelet(call, nodeName, path, toKubelet, 'v5.channel.k8s.io, v4.channel.k8s.io');
      const { clock } = call.services;
      return {
        status: 101,
        headers: { 'x-stream-protocol-version': protocol },
        upgrade: {
          kind: 'raw',
          protocol: 'SPDY/3.1',
          run: (transport) => serveSpdyRemoteCommand(transport, { protocol, streams, tty, kubelet, clock }),
        },
      };
    }
    default:
      throw badRequest('Upgrade request required');
  }
}

/** A WebSocket to the kubelet. Throws what it refused with. */
export async function dialKubelet(
  call: ResourceCall,
  nodeName: string,
  path: string,
  query: URLSearchParams,
  protocols: string | undefined,
): Promise<Upgrade & { readonly kind: 'websocket' }> {
  const { kubelets } = call.services;
  if (!kubelets) throw notConnected('kubelets');
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    ...(protocols === undefined ? {} : { 'sec-websocket-protocol': protocols }),
  };
  let answer: ApiResponse;
  try {
    answer = await kubelets.connect(nodeName, { method: 'GET', path, query, headers, signal: call.exchange.signal });
  } catch (error) {
    throw dialFailure(error);
  }
  if (answer.upgrade?.kind === 'websocket') return answer.upgrade;
  if (answer.status >= 300) throw await kubeletRefusal(answer);
  throw new ApiError('InternalError', `the kubelet of ${nodeName} did not upgrade the connection`);
}
