/**
 * Port-forward. The kubelet serves it as SPDY tunnelled through a WebSocket. kubectl from 1.31 on brings such a
 * tunnel, which is handed on; an older one brings SPDY itself, which goes into a tunnel; client libraries bring a
 * WebSocket with a pair of channels for each port, which is translated.
 */
import { badRequest } from '../../api/errors.ts';
import type { ApiResponse } from '../../api/http.ts';
import { byteStreamOver, createMessagePipe, joinStreams } from '../../client/streams/message-pipe.ts';
import { portForwardProtocol, portForwardTunnelProtocol } from '../../client/streams/port-forward.ts';
import type { ResourceCall } from '../resource-call.ts';
import { dialKubelet } from './exec.ts';
import { nodeOf, podOf } from './pod-target.ts';
import { servePortForwardChannels } from './port-forward-channels.ts';

const channelProtocols = ['v4.channel.k8s.io', 'v5.channel.k8s.io'];

export async function portForward(call: ResourceCall): Promise<ApiResponse> {
  const { headers, query } = call.exchange.request;
  const pod = await podOf(call);
  const nodeName = nodeOf(pod);
  const path = `/portForward/${[call.key.namespace, call.key.name].map(encodeURIComponent).join('/')}`;
  const dial = () => dialKubelet(call, nodeName, path, new URLSearchParams(), portForwardTunnelProtocol);
  switch (headers['upgrade']?.toLowerCase()) {
    case 'websocket': {
      const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
      if (offered.includes(portForwardTunnelProtocol)) return { status: 101, headers: {}, upgrade: await dial() };
      const protocol = channelProtocols.find((name) => offered.includes(name));
      if (protocol === undefined) throw badRequest(`no subprotocol is known of those offered: ${offered.join(', ')}`);
      const ports = parsePorts(query);
      const kubelet = await dial();
      return {
        status: 101,
        headers: {},
        upgrade: { kind: 'websocket', protocol, run: (socket) => servePortForwardChannels(socket, ports, kubelet) },
      };
    }
    case 'spdy/3.1': {
      const kubelet = await dial();
      return {
        status: 101,
        headers: { 'x-stream-protocol-version': portForwardProtocol },
        upgrade: {
          kind: 'raw',
          protocol: 'SPDY/3.1',
          async run(transport) {
            const [near, far] = createMessagePipe();
            await Promise.all([kubelet.run(far), joinStreams(transport, byteStreamOver(near))]);
          },
        },
      };
    }
    default:
      throw badRequest('Upgrade request required');
  }
}

/** `?ports=80,81&ports=82`. */
function parsePorts(query: URLSearchParams): number[] {
  const ports = query
    .getAll('ports')
    .flatMap((text) => text.split(','))
    .map(Number);
  if (ports.length === 0) throw badRequest('at least one port is needed: ?ports=80');
  for (const port of ports)
    if (!Number.isInteger(port) || port < 1 || port > 65535) throw badRequest(`not a port: ${query.getAll('ports').join(',')}`);
  return ports;
}
