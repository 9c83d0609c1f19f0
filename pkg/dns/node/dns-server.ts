/**
 * DNS on the wire: UDP and TCP on one address and port (RFC 1035, RFC 7766). Names of the cluster are answered by
 * the resolver, all others are passed to the upstream servers as they came, and their answers back.
 */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import {
  AUTHORITATIVE_ANSWER,
  decode,
  encode,
  type Packet,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
  type Answer as WireAnswer,
} from 'dns-packet';
import type { Runnable } from '../../listwatch/contract.ts';
import type { Logger } from '../../log/log.ts';
import type { ClusterResolver, DnsRecord } from '../records.ts';

export interface DnsServerOptions {
  readonly resolver: ClusterResolver;
  readonly address: string;
  /** 0: any free one; `listening` tells which. */
  readonly port: number;
  /** Servers for names outside the cluster: `10.0.0.2` or `10.0.0.2:5353`. Empty: such names are refused. */
  readonly upstream: readonly string[];
  readonly log: Logger;
}

export interface DnsServer extends Runnable {
  readonly listening: Promise<{ readonly address: string; readonly port: number }>;
}

const upstreamTimeoutMs = 3_000;
/** What a UDP answer may hold when the question says nothing (RFC 1035, 4.2.1). */
const plainUdpBytes = 512;
const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 };

/** The machine's own servers, from resolv.conf; loopback ones too, since the server runs on the machine. */
export function systemNameservers(path = '/etc/resolv.conf'): string[] {
  try {
    return [...readFileSync(path, 'utf8').matchAll(/^\s*nameserver\s+(\d+\.\d+\.\d+\.\d+)/gm)].map((match) => match[1] as string);
  } catch {
    return [];
  }
}

export function createDnsServer(options: DnsServerOptions): DnsServer {
  const { resolver, upstream, log } = options;
  const listening = Promise.withResolvers<{ address: string; port: number }>();
  listening.promise.catch(() => {});

  async function answer(question: Buffer, limit: number): Promise<Buffer | undefined> {
    let packet: Packet;
    try {
      packet = decode(question);
    } catch {
      return undefined;
    }
    if (packet.type !== 'query') return undefined;
    const asked = packet.questions?.[0];
    if (!asked || packet.questions?.length !== 1) return reply(packet, 'FORMERR');
    const found = resolver.resolve({ name: asked.name, type: asked.type });
    switch (found.kind) {
      case 'answer': {
        const full = reply(packet, 'NOERROR', { answers: found.records, additionals: found.additional });
        return full.length <= limit ? full : reply(packet, 'NOERROR', { truncated: true });
      }
      case 'nodata':
        return reply(packet, 'NOERROR', { authorities: [found.authority] });
      case 'nxdomain':
        return reply(packet, 'NXDOMAIN', { authorities: [found.authority] });
      case 'outside':
        return (await forward(question, limit)) ?? reply(packet, upstream.length === 0 ? 'REFUSED' : 'SERVFAIL');
    }
  }

  function reply(
    query: Packet,
    rcode: keyof typeof rcodes,
    parts: {
      answers?: readonly DnsRecord[];
      authorities?: readonly DnsRecord[];
      additionals?: readonly DnsRecord[];
      truncated?: boolean;
    } = {},
  ): Buffer {
    const asked = query.questions ?? [];
    const spelled = asked[0]?.name;
    const onWire = (records: readonly DnsRecord[] = []): WireAnswer[] =>
      records.map((record) => {
        // Clients may compare names letter by letter: answer in the spelling of the question.
        const name = spelled && record.name.toLowerCase() === spelled.toLowerCase() ? spelled : record.name;
        return { ...record, name, class: 'IN' } as WireAnswer;
      });
    return encode({
      type: 'response',
      id: query.id ?? 0,
      flags:
        AUTHORITATIVE_ANSWER |
        RECURSION_AVAILABLE |
        ((query.flags ?? 0) & RECURSION_DESIRED) |
        (parts.truncated ? TRUNCATED_RESPONSE : 0) |
        rcodes[rcode],
      questions: asked,
      answers: onWire(parts.answers),
      authorities: onWire(parts.authorities),
      additionals: onWire(parts.additionals),
    });
  }

  async function forward(question: Buffer, limit: number): Promise<Buffer | undefined> {
    for (const server of upstream) {
      const [host = '', port = '53'] = server.split(':');
      try {
        return limit > 65_000 ? await askTcp(host, Number(port), question) : await askUdp(host, Number(port), question);
      } catch (error) {
        log.debug('upstream name server did not answer', { server, error });
      }
    }
    return undefined;
  }

  return {
    name: 'dns',
    listening: listening.promise,
    async run(signal) {
      const udp = createSocket('udp4');
      udp.on('message', (message, from) => {
        answer(message, udpLimit(message))
          .then((bytes) => bytes && !signal.aborted && udp.send(bytes, from.port, from.address))
          .catch((error: unknown) => log.error('could not answer a DNS question', { error }));
      });
      const tcp = createServer((socket) => serveTcp(socket, answer, log));
      try {
        const port = await bindBoth(udp, tcp, options);
        log.info('DNS is listening', { address: options.address, port });
        listening.resolve({ address: options.address, port });
        await new Promise<void>((resolve) => {
          if (signal.aborted) resolve();
          else signal.addEventListener('abort', () => resolve(), { once: true });
        });
      } catch (error) {
        listening.reject(error);
        throw error;
      } finally {
        tcp.close();
        udp.close();
      }
    },
  };
}

/** What the client says it can take in one datagram (EDNS, RFC 6891), else the classic 512 bytes. */
function udpLimit(question: Buffer): number {
  try {
    const option = decode(question).additionals?.find((record) => record.type === 'OPT');
    const size = option && 'udpPayloadSize' in option ? Number(option.udpPayloadSize) : 0;
    return Math.max(plainUdpBytes, Math.min(size, 4096));
  } catch {
    return plainUdpBytes;
  }
}

async function bindBoth(udp: DatagramSocket, tcp: Server, { address, port }: DnsServerOptions): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    tcp.once('error', reject);
    tcp.listen({ host: address, port }, resolve);
  });
  const bound = tcp.address();
  const number = typeof bound === 'object' && bound ? bound.port : port;
  await new Promise<void>((resolve, reject) => {
    udp.once('error', reject);
    udp.bind(number, address, resolve);
  });
  return number;
}

/** Messages over TCP carry their length in front (RFC 1035, 4.2.2). */
function serveTcp(socket: Socket, answer: (question: Buffer, limit: number) => Promise<Buffer | undefined>, log: Logger): void {
  let buffered = Buffer.alloc(0);
  socket.setTimeout(10_000, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    while (buffered.length >= 2 && buffered.length >= 2 + buffered.readUInt16BE(0)) {
      const length = buffered.readUInt16BE(0);
      const question = Buffer.from(buffered.subarray(2, 2 + length));
      buffered = buffered.subarray(2 + length);
      answer(question, 65_535)
        .then((bytes) => {
          if (!bytes || socket.destroyed) return;
          socket.write(framed(bytes));
        })
        .catch((error: unknown) => log.error('could not answer a DNS question', { error }));
    }
  });
}

function framed(bytes: Buffer): Buffer {
  const out = Buffer.alloc(2 + bytes.length);
  out.writeUInt16BE(bytes.length, 0);
  bytes.copy(out, 2);
  return out;
}

function askUdp(host: string, port: number, question: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4');
  return new Promise<Buffer>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('no answer in time')), upstreamTimeoutMs);
    socket.once('error', reject);
    socket.once('message', (message) => {
      clearTimeout(late);
      resolve(message);
    });
    socket.send(question, port, host);
  }).finally(() => socket.close());
}

function askTcp(host: string, port: number, question: Buffer): Promise<Buffer> {
  const socket = connect({ host, port, timeout: upstreamTimeoutMs });
  return new Promise<Buffer>((resolve, reject) => {
    let buffered = Buffer.alloc(0);
    socket.once('error', reject);
    socket.once('timeout', () => reject(new Error('no answer in time')));
    socket.once('close', () => reject(new Error('closed without an answer')));
    socket.on('data', (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk]);
      if (buffered.length >= 2 && buffered.length >= 2 + buffered.readUInt16BE(0))
        resolve(buffered.subarray(2, 2 + buffered.readUInt16BE(0)));
    });
    socket.write(framed(question));
  }).finally(() => socket.destroy());
}
