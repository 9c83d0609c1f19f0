import type { ApiResponse } from '../../api/http.ts';
import type { RequestHandler } from '../../client/in-process-transport.ts';
import { byteStreamOver, createBytePipe } from '../../client/streams/message-pipe.ts';
import { portForwardTunnelProtocol, servePortForward } from '../../client/streams/port-forward.ts';
import { chooseRemoteCommandProtocol, exitStatus, serveRemoteCommand } from '../../client/streams/remote-command.ts';

/** A kubelet whose containers run `echo`: they say what they hear, and how they were asked. */
export const echoKubelet: RequestHandler = {
  async handle(request): Promise<ApiResponse> {
    const [, what] = request.path.split('/');
    if (what === 'containerLogs') {
      if (request.query.get('previous'))
        return { status: 400, headers: {}, body: new TextEncoder().encode('previous terminated container "c" not found') };
      return { status: 200, headers: {}, body: new TextEncoder().encode(`${request.path}?${request.query}`) };
    }
    if (what === 'portForward') {
      const dial = async () => {
        const [near, far] = createBytePipe();
        // Whoever forwards may go at any moment; then there is nobody to echo to.
        (async () => {
          for await (const chunk of far.readable) await far.write(chunk);
          await far.end();
        })().catch(() => {});
        return near;
      };
      const run = (socket: Parameters<typeof byteStreamOver>[0]) => servePortForward(byteStreamOver(socket), dial);
      return { status: 101, headers: {}, upgrade: { kind: 'websocket', protocol: portForwardTunnelProtocol, run } };
    }
    const protocol = chooseRemoteCommandProtocol(request.headers['sec-websocket-protocol']) ?? 'v5.channel.k8s.io';
    const streams = { stdin: request.query.has('input'), stdout: request.query.has('output'), stderr: request.query.has('error') };
    return {
      status: 101,
      headers: {},
      upgrade: {
        kind: 'websocket',
        protocol,
        run: (socket) =>
          serveRemoteCommand(socket, { protocol, streams }, async ({ stdin, stdout }) => {
            await stdout(new TextEncoder().encode(`${request.query.getAll('command').join(' ')}:`));
            for await (const chunk of stdin) await stdout(chunk);
            return exitStatus(7);
          }),
      },
    };
  },
};
