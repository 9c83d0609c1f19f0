import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { NodeNetwork } from '../../network/network.ts';
import type { HttpAnswer, HttpGet, KubeletHost } from '../kubelet-host.ts';

const maxBody = 10 * 1024;

/** Connections from where this process is. */
export type DirectDialer = Pick<KubeletHost, 'httpGet' | 'tcpConnect'>;

/**
 * Connects to pods for probes and hooks. From the machine itself, which routes to all of them; where that finds no
 * way in time, once more from inside the node's namespace, so that a node that is cut off still knows how its own pods
 * are.
 */
export class Dialer {
  readonly #network: Pick<NodeNetwork, 'run'> | undefined;
  readonly #direct: DirectDialer;

  constructor(network: Pick<NodeNetwork, 'run'> | undefined, direct: DirectDialer = { tcpConnect, httpGet }) {
    this.#network = network;
    this.#direct = direct;
  }

  async tcpConnect(target: { readonly host: string; readonly port: number; readonly timeoutMs: number }): Promise<void> {
    try {
      await this.#direct.tcpConnect(target);
    } catch (error) {
      if (!this.#network || !isUnreachable(error)) throw error;
      await this.#inside(target, '').catch(() => {
        throw error;
      });
    }
  }

  async httpGet(request: HttpGet): Promise<HttpAnswer> {
    try {
      return await this.#direct.httpGet(request);
    } catch (error) {
      // TLS cannot be spoken from in there.
      if (!this.#network || !isUnreachable(error) || request.scheme === 'https') throw error;
      const lines = [
        `GET ${request.path} HTTP/1.0`,
        ...headersOf(request).map(([name, value]) => `${name}: ${value}`),
        'Connection: close',
        '',
        '',
      ];
      const answer = await this.#inside(request, lines.join('\r\n')).catch(() => {
        throw error;
      });
      const status = /^HTTP\/1\.\d (\d{3})/.exec(answer)?.[1];
      if (status === undefined) throw new Error(`malformed HTTP response ${JSON.stringify(answer.slice(0, 40))}`);
      return { status: Number(status), body: answer.slice(answer.indexOf('\r\n\r\n') + 4) };
    }
  }

  /** Connects in the node's namespace, sends the text, and returns what is answered. bash can do that by itself. */
  async #inside(
    { host, port, timeoutMs }: { readonly host: string; readonly port: number; readonly timeoutMs: number },
    text: string,
  ): Promise<string> {
    const script = 'exec 3<>"/dev/tcp/$0/$1" || exit 1; [ -z "$2" ] && exit 0; printf %s "$2" >&3; head -c 10240 <&3';
    const seconds = String(Math.max(1, Math.ceil(timeoutMs / 1000)));
    const { exitCode, stdout, stderr } = (await this.#network?.run(['timeout', seconds, 'bash', '-c', script, host, String(port), text], {
      timeout: timeoutMs + 2000,
    })) ?? { exitCode: 1, stdout: '', stderr: '' };
    if (exitCode !== 0) throw new Error(stderr.trim() || `connecting to ${host}:${port} failed`);
    return stdout;
  }
}

/** Nothing answered at all: neither a connection nor a refusal. */
function isUnreachable(error: unknown): boolean {
  return ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'].includes((error as { code?: string }).code ?? '');
}

function timedOut(what: string): Error {
  return Object.assign(new Error(`${what}: i/o timeout`), { code: 'ETIMEDOUT' });
}

function tcpConnect({
  host,
  port,
  timeoutMs,
}: {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const what = `dial tcp ${host}:${port}`;
    const timer = setTimeout(() => socket.destroy(timedOut(what)), timeoutMs);
    socket.on('connect', () => {
      clearTimeout(timer);
      socket.destroy();
      resolve();
    });
    socket.on('error', (error) => {
      clearTimeout(timer);
      reject(worded(what, error));
    });
  });
}

function httpGet(request: HttpGet): Promise<HttpAnswer> {
  const { scheme, host, port, path, timeoutMs } = request;
  return new Promise((resolve, reject) => {
    const url = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
    const what = `Get ${JSON.stringify(url)}: dial tcp ${host}:${port}`;
    const options = { host, port, path, headers: Object.fromEntries(headersOf(request)), agent: false as const };
    const message = scheme === 'https' ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
    let connected = false;
    // One deadline for all of it, body included.
    const timer = setTimeout(
      () =>
        message.destroy(
          connected
            ? new Error(`Get ${JSON.stringify(url)}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)`)
            : timedOut(what),
        ),
      timeoutMs,
    );
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(connected ? error : worded(what, error));
    };
    message.on('socket', (socket) => socket.on('connect', () => (connected = true)));
    message.on('error', fail);
    message.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const done = (): void => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8', 0, maxBody) });
        response.destroy();
      };
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size >= maxBody) done();
      });
      response.on('end', done);
      response.on('error', fail);
    });
    message.end();
  });
}

function headersOf({ headers, host, port }: HttpGet): [string, string][] {
  const named = headers.some(({ name }) => name.toLowerCase() === 'host');
  return [
    ...(named ? [] : [['Host', `${host}:${port}`] as [string, string]]),
    ...headers.map(({ name, value }): [string, string] => [name, value]),
  ];
}

/** In the words of Go's dialer, which people know from probes' events. */
function worded(what: string, error: Error): Error {
  const { code } = error as { code?: string };
  const words: Record<string, string> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
  };
  const known = code === undefined ? undefined : words[code];
  return known ? Object.assign(new Error(`${what}: ${known}`, { cause: error }), { code }) : error;
}
