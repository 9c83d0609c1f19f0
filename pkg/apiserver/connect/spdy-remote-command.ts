/**
 * exec and attach for clients that speak SPDY/3.1: they open one SPDY stream for each of stdin, stdout, stderr,
 * resizes and the final error; the kubelet is spoken to over its WebSocket.
 */
import { ApiError } from '../../api/errors.ts';
import type { Status } from '../../api/generated/meta-v1.ts';
import type { ByteStream, Upgrade } from '../../api/http.ts';
import { createMessagePipe } from '../../client/streams/message-pipe.ts';
import {
  chooseRemoteCommandProtocol,
  parseSize,
  type RemoteCommandStreams,
  runRemoteCommand,
  type TerminalSize,
} from '../../client/streams/remote-command.ts';
import { SpdyConnection, type SpdyStream } from '../../client/streams/spdy/spdy-connection.ts';
import type { Clock } from '../../clock/clock.ts';

/** From v3 on terminals can be resized, from v4 on the error stream carries a Status. */
const protocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'];

/** Throws Forbidden, as Kubernetes does, when none is offered that we speak. */
export function chooseSpdyProtocol(offered: string | undefined): string {
  const names = (offered ?? 'channel.k8s.io').split(',').map((name) => name.trim());
  const found = protocols.find((name) => names.includes(name));
  if (found === undefined) {
    const list = (all: readonly string[]): string => `[${all.join(' ')}]`;
    throw new ApiError(
      'Forbidden',
      `unable to upgrade: unable to negotiate protocol: client supports ${list(names)}, server accepts ${list(protocols)}`,
    );
  }
  return found;
}

export interface SpdyRemoteCommandOptions {
  readonly protocol: string;
  readonly streams: RemoteCommandStreams;
  readonly tty: boolean;
  readonly kubelet: Upgrade & { readonly kind: 'websocket' };
  readonly clock: Clock;
}

/** A client opens its streams within this time, or is sent away. */
const creationTimeout = 30_000;

export async function serveSpdyRemoteCommand(transport: ByteStream, options: SpdyRemoteCommandOptions): Promise<void> {
  const { protocol, kubelet, clock } = options;
  const connection = new SpdyConnection(transport, 'server');
  const running = connection.run();
  const tooLate = clock.setTimer(creationTimeout, () => transport.abort(new Error('the client did not open its streams')));
  const opened = await collect(connection, expectedStreams(options));
  tooLate.cancel();
  const errors = opened.get('error');
  if (!errors) {
    await connection.close();
    return;
  }
  const [near, far] = createMessagePipe();
  const proxying = kubelet.run(far).catch(() => near.close());
  // A client that goes takes its connection to the kubelet with it.
  const gone = running.then(() => near.close());
  const stdin = opened.get('stdin')?.readable;
  const resizes = opened.get('resize')?.readable;
  let status: Status;
  try {
    status = await runRemoteCommand(near, {
      protocol: chooseRemoteCommandProtocol(kubelet.protocol) ?? 'v4.channel.k8s.io',
      ...(stdin ? { stdin } : {}),
      ...(resizes ? { resizes: terminalSizes(resizes) } : {}),
      stdout: (chunk) => opened.get('stdout')?.write(chunk),
      stderr: (chunk) => opened.get('stderr')?.write(chunk),
    });
  } catch (error) {
    status = new ApiError('InternalError', error instanceof Error ? error.message : String(error)).toStatus();
  }
  const text = protocol === 'v4.channel.k8s.io' ? JSON.stringify(status) : status.status === 'Success' ? '' : (status.message ?? '');
  if (text !== '') await errors.write(new TextEncoder().encode(text));
  for (const stream of opened.values()) await stream.end();
  await connection.close();
  await Promise.all([proxying, gone]);
}

function expectedStreams({ streams, tty, protocol }: SpdyRemoteCommandOptions): Set<string> {
  const names = new Set(['error']);
  for (const name of ['stdin', 'stdout', 'stderr'] as const) if (streams[name]) names.add(name);
  if (tty && (protocol === 'v4.channel.k8s.io' || protocol === 'v3.channel.k8s.io')) names.add('resize');
  return names;
}

async function collect(connection: SpdyConnection, expected: Set<string>): Promise<ReadonlyMap<string, SpdyStream>> {
  const opened = new Map<string, SpdyStream>();
  for await (const stream of connection.incoming) {
    const type = stream.headers['streamtype'] ?? '';
    if (!expected.has(type) || opened.has(type)) {
      stream.abort();
      continue;
    }
    opened.set(type, stream);
    if (opened.size === expected.size) break;
  }
  return opened;
}

/** Sizes as they stand in the resize stream: JSON objects, one after the other. */
async function* terminalSizes(source: AsyncIterable<Uint8Array>): AsyncGenerator<TerminalSize> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let text = '';
  for await (const chunk of source) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('}'); end >= 0; end = text.indexOf('}')) {
      const size = parseSize(encoder.encode(text.slice(0, end + 1)));
      text = text.slice(end + 1);
      if (size) yield size;
    }
  }
}
