import type { ApiRequest, ApiResponse, ByteStream } from '../../api/http.ts';
import { byteStreamOver, createBytePipe } from '../../client/streams/message-pipe.ts';
import { portForwardTunnelProtocol, servePortForward } from '../../client/streams/port-forward.ts';
import {
  chooseRemoteCommandProtocol,
  exitStatus,
  type RemoteCommandSession,
  serveRemoteCommand,
} from '../../client/streams/remote-command.ts';
import type { ProcessStreams } from '../../cri/cri.ts';
import type { KubeletContext } from '../kubelet-context.ts';
import type { ObservedContainer, PodObservation } from '../pod-observation.ts';
import { refuse } from './refuse.ts';

/** `/exec/...` and `/attach/...`: a command, or the container's own process, joined with a WebSocket. */
export function remoteCommand(
  context: KubeletContext,
  request: ApiRequest,
  container: ObservedContainer,
  what: 'exec' | 'attach',
): ApiResponse {
  const { query, headers } = request;
  if (headers['upgrade']?.toLowerCase() !== 'websocket') return refuse(400, 'Upgrade request required');
  const protocol = chooseRemoteCommandProtocol(headers['sec-websocket-protocol']);
  if (!protocol) return refuse(403, `no subprotocol is known of those offered: ${headers['sec-websocket-protocol'] ?? ''}`);
  const on = (name: string): boolean => query.get(name) === '1' || query.get(name) === 'true';
  const tty = on('tty');
  const streams = {
    stdin: on('input') || on('stdin'),
    stdout: on('output') || on('stdout'),
    stderr: (on('error') || on('stderr')) && !tty,
  };
  const command = query.getAll('command');
  if (what === 'exec' && command.length === 0) return refuse(400, 'you must specify at least one command for the container');
  const join = (session: RemoteCommandSession): ProcessStreams => ({
    tty,
    ...(streams.stdin ? { stdin: session.stdin } : {}),
    stdout: (chunk) => session.stdout(chunk),
    stderr: (chunk) => session.stderr(chunk),
    ...(tty ? { resize: session.resizes } : {}),
    signal: session.signal,
  });
  return {
    status: 101,
    headers: {},
    upgrade: {
      kind: 'websocket',
      protocol: headers['sec-websocket-protocol'] ? protocol : undefined,
      run: (socket) =>
        serveRemoteCommand(socket, { protocol, streams }, async (session) => {
          if (what === 'exec') return exitStatus(await context.runtime.exec(container.id, command, join(session)));
          await context.runtime.attach(container.id, join(session));
          return exitStatus(0);
        }),
    },
  };
}

/** `/portForward/...`: connections to ports inside the pod, as SPDY tunnelled through a WebSocket. */
export function portForward(context: KubeletContext, request: ApiRequest, observed: PodObservation): ApiResponse {
  const { headers } = request;
  const sandbox = observed.sandboxes.find(({ state }) => state === 'ready');
  if (!sandbox) return refuse(400, 'the pod has no sandbox that is ready');
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  if (headers['upgrade']?.toLowerCase() !== 'websocket' || !offered.includes(portForwardTunnelProtocol)) {
    return refuse(400, `Upgrade request required, with the subprotocol ${portForwardTunnelProtocol}`);
  }
  return {
    status: 101,
    headers: {},
    upgrade: {
      kind: 'websocket',
      protocol: portForwardTunnelProtocol,
      run: (socket) => servePortForward(byteStreamOver(socket), (port) => dialPod(context, sandbox.id, port)),
    },
  };
}

/** Resolves once the runtime begins to use the connection; rejects when it could not be made. */
function dialPod({ runtime, log }: KubeletContext, sandboxId: string, port: number): Promise<ByteStream> {
  const [near, far] = createBytePipe();
  return new Promise((resolve, reject) => {
    const opened = (): void => resolve(near);
    const stream: ByteStream = {
      readable: {
        [Symbol.asyncIterator]() {
          opened();
          return far.readable[Symbol.asyncIterator]();
        },
      },
      write(chunk) {
        opened();
        return far.write(chunk);
      },
      end: () => far.end(),
      abort: (error) => far.abort(error),
    };
    runtime.portForward(sandboxId, port, stream).then(opened, (error: unknown) => {
      log.debug('a port could not be forwarded', { sandboxId, port, error });
      reject(error);
      far.abort(error instanceof Error ? error : new Error(String(error)));
    });
  });
}
