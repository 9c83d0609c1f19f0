/**
 * Port-forward as the kubelet serves it: inside one SPDY connection (on its own, or tunnelled through a WebSocket)
 * each forwarded connection is a pair of streams, one for its bytes and one for an error message.
 * https://kubernetes.io/docs/reference/generated/kubernetes-api/ (KEP-4006, port forwarding)
 */
import type { ByteStream } from '../../api/http.ts';
import { joinStreams } from './message-pipe.ts';
import { SpdyConnection, type SpdyStream } from './spdy/spdy-connection.ts';

/** What is spoken inside SPDY, and what its tunnel through a WebSocket is called. */
export const portForwardProtocol = 'portforward.k8s.io';
export const portForwardTunnelProtocol = `SPDY/3.1+${portForwardProtocol}`;

interface Pair {
  error?: SpdyStream;
  data?: SpdyStream;
}

/** Serves until the client goes. `dial` connects to a port of the pod; why it could not is told to the client. */
export async function servePortForward(transport: ByteStream, dial: (port: number) => Promise<ByteStream>): Promise<void> {
  const connection = new SpdyConnection(transport, 'server');
  const running = connection.run();
  /** By request id: the pair is complete once both streams have come. */
  const pairs = new Map<string, Pair>();
  for await (const stream of connection.incoming) {
    const request = stream.headers['requestid'] ?? String(stream.id >> 1);
    const pair = pairs.get(request) ?? {};
    pairs.set(request, pair);
    if (stream.headers['streamtype'] === 'error') pair.error = stream;
    else pair.data = stream;
    if (!pair.error || !pair.data) continue;
    pairs.delete(request);
    void forward(pair.data, pair.error, dial);
  }
  await running;
}

const encoder = new TextEncoder();

/** One forwarded connection. Never rejects. */
async function forward(data: SpdyStream, error: SpdyStream, dial: (port: number) => Promise<ByteStream>): Promise<void> {
  const port = Number(data.headers['port']);
  try {
    if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`not a port: ${JSON.stringify(data.headers['port'])}`);
    const target = await dial(port);
    const failure = await joinStreams(data, target);
    // A runtime may take a connection before it knows whether anybody listens.
    if (failure) throw failure;
    await error.end();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    try {
      await error.write(encoder.encode(`error forwarding port ${data.headers['port']}: ${why}`));
      await error.end();
      data.abort();
    } catch {
      data.abort(); // the client has gone
    }
  }
}

/** The client's side: `open(port)` makes one forwarded connection. */
export class PortForwardClient {
  readonly #connection: SpdyConnection;
  #nextRequest = 0;

  constructor(transport: ByteStream) {
    this.#connection = new SpdyConnection(transport, 'client');
    void this.#connection.run();
  }

  /** A connection to the port; its reader throws what the kubelet says went wrong. */
  async open(port: number): Promise<ByteStream> {
    const headers = { port: String(port), requestid: String(this.#nextRequest++) };
    const error = await this.#connection.open({ ...headers, streamtype: 'error' });
    await error.end();
    const data = await this.#connection.open({ ...headers, streamtype: 'data' });
    const message = readText(error);
    async function* chunks(): AsyncGenerator<Uint8Array> {
      let failed: unknown;
      try {
        for await (const chunk of data.readable) yield chunk;
      } catch (cause) {
        failed = cause;
      }
      const said = await message;
      if (said !== '') throw new Error(said, { cause: failed });
      if (failed !== undefined) throw failed;
    }
    return { readable: chunks(), write: (chunk) => data.write(chunk), end: () => data.end(), abort: (cause) => data.abort(cause) };
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

async function readText(stream: SpdyStream): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of stream.readable) text += decoder.decode(chunk, { stream: true });
  } catch {
    return text; // the connection broke: its data stream says so
  }
  return text;
}
