/**
 * A command in a container, with its streams (exec, attach), over a WebSocket: each message begins with a byte that
 * names its channel. Both sides of the protocol are here: `serveRemoteCommand` is the kubelet's, `runRemoteCommand`
 * the client's. Client and server agree on `v5.channel.k8s.io`, or on v4, which cannot close stdin alone.
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#web-sockets (KEP-4006)
 */
import type { Status } from '../../api/generated/meta-v1.ts';
import type { MessageStream } from '../../api/http.ts';
import { ByteQueue, ItemQueue } from './item-queue.ts';

export const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** Subprotocols, most wanted first. The last one has no Status: its error channel carries text. */
export const remoteCommandProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'channel.k8s.io'] as const;
export type RemoteCommandProtocol = (typeof remoteCommandProtocols)[number];

/** The first of ours that the client offers (`Sec-WebSocket-Protocol`); a client that offers none speaks the oldest. */
export function chooseRemoteCommandProtocol(offered: string | undefined): RemoteCommandProtocol | undefined {
  if (offered === undefined || offered.trim() === '') return 'channel.k8s.io';
  const names = offered.split(',').map((name) => name.trim());
  return remoteCommandProtocols.find((name) => names.includes(name));
}

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** The command's side: what the kubelet connects its process to. */
export interface RemoteCommandSession {
  /** Ends when the client closes it, or goes. */
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Each size the client's terminal takes, the first one included. */
  readonly resizes: AsyncIterable<TerminalSize>;
  /** Resolves when more may be written. */
  stdout(chunk: Uint8Array): Promise<void>;
  stderr(chunk: Uint8Array): Promise<void>;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

export interface RemoteCommandStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** How a command ended, as the error channel tells it. */
export function exitStatus(exitCode: number): Status {
  if (exitCode === 0) return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' };
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    reason: 'NonZeroExitCode',
    message: `command terminated with non-zero exit code: command terminated with exit code ${exitCode}`,
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}

/** The exit code in a Status; undefined when the command could not be run. */
export function exitCodeOf(status: Status): number | undefined {
  if (status.status === 'Success') return 0;
  const cause = status.details?.causes?.find((each) => each.reason === 'ExitCode');
  return cause === undefined ? undefined : Number(cause.message);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The kubelet's side. `run` is given the streams and resolves with how the command ended; what it throws is told to
 * the client as an InternalError.
 */
export async function serveRemoteCommand(
  socket: MessageStream,
  { protocol, streams }: { readonly protocol: RemoteCommandProtocol; readonly streams: RemoteCommandStreams },
  run: (session: RemoteCommandSession) => Promise<Status>,
): Promise<void> {
  const stdin = new ByteQueue();
  const resizes = new ItemQueue<TerminalSize>(16, () => 1);
  const gone = new AbortController();
  if (!streams.stdin) stdin.end();
  const read = async (): Promise<void> => {
    for await (const message of socket.messages) {
      const bytes = typeof message === 'string' ? encoder.encode(message) : message;
      const payload = bytes.subarray(1);
      if (bytes[0] === channel.stdin) await stdin.push(payload);
      else if (bytes[0] === channel.resize) await pushSize(resizes, payload);
      else if (bytes[0] === channel.close && protocol === 'v5.channel.k8s.io' && payload[0] === channel.stdin) stdin.end();
    }
  };
  const leave = (error?: unknown): void => {
    stdin.end();
    resizes.end();
    gone.abort(error ?? new Error('the client has gone'));
  };
  const reading = read().then(leave, leave); // a line that breaks is a client that goes
  const send = async (id: number, chunk: Uint8Array): Promise<void> => {
    if (!gone.signal.aborted) await socket.send(onChannel(id, chunk));
  };
  // Kubernetes' kubelet begins with an empty message on the first channel the client reads: the way is open.
  await send(streams.stdout ? channel.stdout : streams.stderr ? channel.stderr : channel.error, new Uint8Array(0));
  let status: Status;
  try {
    status = await run({
      stdin,
      resizes,
      stdout: (chunk) => (streams.stdout ? send(channel.stdout, chunk) : Promise.resolve()),
      stderr: (chunk) => (streams.stderr ? send(channel.stderr, chunk) : Promise.resolve()),
      signal: gone.signal,
    });
  } catch (error) {
    status = failure(error);
  }
  await send(channel.error, encodeStatus(status, protocol));
  if (!gone.signal.aborted) await socket.close(1000);
  await reading;
}

async function pushSize(resizes: ItemQueue<TerminalSize>, payload: Uint8Array): Promise<void> {
  const size = parseSize(payload);
  if (size) await resizes.push(size);
}

/** `{"Width":80,"Height":24}`, as Go writes it; anything else is ignored. */
export function parseSize(payload: Uint8Array): TerminalSize | undefined {
  try {
    const value = JSON.parse(decoder.decode(payload)) as { Width?: unknown; Height?: unknown };
    const width = Number(value.Width);
    const height = Number(value.Height);
    return width > 0 && height > 0 && width < 65536 && height < 65536 ? { width, height } : undefined;
  } catch {
    return undefined;
  }
}

function encodeStatus(status: Status, protocol: RemoteCommandProtocol): Uint8Array {
  if (protocol !== 'channel.k8s.io') return encoder.encode(JSON.stringify(status));
  return encoder.encode(status.status === 'Success' ? '' : (status.message ?? ''));
}

function failure(error: unknown): Status {
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'InternalError', message, code: 500 };
}

export function onChannel(id: number, chunk: Uint8Array): Uint8Array {
  const message = new Uint8Array(1 + chunk.length);
  message[0] = id;
  message.set(chunk, 1);
  return message;
}

export interface RemoteCommandOptions {
  readonly protocol: RemoteCommandProtocol;
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly resizes?: AsyncIterable<TerminalSize>;
  /** May return a promise: the next chunk waits for it. */
  stdout?(chunk: Uint8Array): Promise<void> | void;
  stderr?(chunk: Uint8Array): Promise<void> | void;
}

/** The client's side: resolves with how the command ended. Rejects when the connection ends without saying. */
export async function runRemoteCommand(socket: MessageStream, options: RemoteCommandOptions): Promise<Status> {
  const { protocol, stdin, resizes } = options;
  let over = false;
  const sendStdin = async (): Promise<void> => {
    if (!stdin) return;
    for await (const chunk of stdin) {
      if (over) return;
      await socket.send(onChannel(channel.stdin, chunk));
    }
    if (!over && protocol === 'v5.channel.k8s.io') await socket.send(Uint8Array.of(channel.close, channel.stdin));
  };
  const sendSizes = async (): Promise<void> => {
    for await (const { width, height } of resizes ?? none()) {
      if (over) return;
      await socket.send(onChannel(channel.resize, encoder.encode(JSON.stringify({ Width: width, Height: height }))));
    }
  };
  // Both end by themselves with their source, or when the socket refuses; what counts is what the server says.
  void sendStdin().catch(() => {});
  void sendSizes().catch(() => {});
  let status: Status | undefined;
  try {
    for await (const message of socket.messages) {
      const bytes = typeof message === 'string' ? encoder.encode(message) : message;
      const payload = bytes.subarray(1);
      if (bytes[0] === channel.error && (payload.length > 0 || protocol === 'channel.k8s.io')) {
        status = decodeStatus(payload, protocol);
      } else if (payload.length > 0) {
        if (bytes[0] === channel.stdout) await options.stdout?.(payload);
        else if (bytes[0] === channel.stderr) await options.stderr?.(payload);
      }
    }
  } finally {
    over = true;
  }
  if (!status) throw new Error('the connection ended before the command did');
  return status;
}

async function* none(): AsyncGenerator<never> {}

function decodeStatus(payload: Uint8Array, protocol: RemoteCommandProtocol): Status {
  const text = decoder.decode(payload);
  if (protocol === 'channel.k8s.io') return text === '' ? exitStatus(0) : failure(text);
  return JSON.parse(text) as Status;
}
