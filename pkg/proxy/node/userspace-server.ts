/**
 * The user-space proxy itself: a small program that runs inside a node's network namespace, takes the wanted
 * service ports as lines of JSON on stdin, listens on the services' own addresses (put on the loopback interface)
 * and carries bytes to the endpoints. Ends, and takes its addresses away, when stdin ends.
 *
 * Each line `{"id":1,"ports":[...]}` is answered by `{"id":1,"problems":[...]}` once it is in force.
 */
import { execFileSync } from 'node:child_process';
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { ProxyEndpoint, ServicePort } from '../service-ports.ts';

/** One socket that listens, for one address and port of a service. */
interface Listener {
  /** What it serves now; replaced in place when endpoints change, so that connections go on. */
  port: ServicePort;
  endpoints: readonly ProxyEndpoint[];
  close(): void;
  /** Ends datagram flows to endpoints that are gone. */
  forgetGone(): void;
}

const anyAddress = '0.0.0.0';
/** A UDP flow without traffic for so long is forgotten; Linux's conntrack does the same for streams of datagrams. */
const udpIdleMs = 60_000;
const connectTimeoutMs = 2_000;

const listeners = new Map<string, Listener>();
const addresses = new Set<string>();
/** Service port id and client to endpoint and expiry. */
const affinity = new Map<string, { endpoint: ProxyEndpoint; until: number }>();
let turn = 0;

/** Endpoints in the order to try: the client's own first, else round robin. */
function order(listener: Listener, client: string): ProxyEndpoint[] {
  const { endpoints, port } = listener;
  if (endpoints.length === 0) return [];
  turn = (turn + 1) % 1_000_000;
  const start = turn % endpoints.length;
  const rotated = [...endpoints.slice(start), ...endpoints.slice(0, start)];
  const kept = port.affinitySeconds === undefined ? undefined : affinity.get(`${port.id} ${client}`);
  if (!kept || kept.until < Date.now()) return rotated;
  const own = endpoints.find((e) => e.address === kept.endpoint.address && e.port === kept.endpoint.port);
  return own ? [own, ...rotated.filter((e) => e !== own)] : rotated;
}

function remember(listener: Listener, client: string, endpoint: ProxyEndpoint): void {
  const { affinitySeconds, id } = listener.port;
  if (affinitySeconds !== undefined) affinity.set(`${id} ${client}`, { endpoint, until: Date.now() + affinitySeconds * 1000 });
}

function listenTcp(address: string, portNumber: number, port: ServicePort, endpoints: readonly ProxyEndpoint[]): Promise<Listener> {
  const open = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    open.add(client);
    client.on('close', () => open.delete(client));
    client.on('error', () => client.destroy());
    const from = client.remoteAddress ?? '';
    const candidates = order(listener, from);
    const attempt = (): void => {
      const endpoint = candidates.shift();
      if (!endpoint) {
        client.resetAndDestroy();
        return;
      }
      const upstream = connect({ host: endpoint.address, port: endpoint.port, allowHalfOpen: true });
      const late = setTimeout(() => upstream.destroy(new Error('connect timed out')), connectTimeoutMs);
      upstream.once('connect', () => {
        clearTimeout(late);
        remember(listener, from, endpoint);
        upstream.removeAllListeners('error');
        upstream.on('error', () => client.resetAndDestroy());
        client.on('close', () => upstream.destroy());
        client.pipe(upstream).pipe(client);
      });
      upstream.once('error', () => {
        clearTimeout(late);
        attempt();
      });
    };
    attempt();
  });
  const listener: Listener = {
    port,
    endpoints,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
    forgetGone() {},
  };
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port: portNumber }, () => resolve(listener));
  });
}

function listenUdp(address: string, portNumber: number, port: ServicePort, endpoints: readonly ProxyEndpoint[]): Promise<Listener> {
  const server = createSocket('udp4');
  const flows = new Map<string, { socket: DatagramSocket; endpoint: ProxyEndpoint; idle: NodeJS.Timeout }>();
  const drop = (key: string): void => {
    const flow = flows.get(key);
    if (!flow) return;
    clearTimeout(flow.idle);
    flow.socket.close();
    flows.delete(key);
  };
  server.on('message', (message, from) => {
    const key = `${from.address}:${from.port}`;
    let flow = flows.get(key);
    if (!flow) {
      const endpoint = order(listener, from.address)[0];
      if (!endpoint) return;
      remember(listener, from.address, endpoint);
      const socket = createSocket('udp4');
      socket.on('message', (answer) => server.send(answer, from.port, from.address));
      socket.on('error', () => drop(key));
      flow = { socket, endpoint, idle: setTimeout(() => drop(key), udpIdleMs) };
      flows.set(key, flow);
    }
    flow.idle.refresh();
    flow.socket.send(message, flow.endpoint.port, flow.endpoint.address);
  });
  const listener: Listener = {
    port,
    endpoints,
    close() {
      server.close();
      for (const key of [...flows.keys()]) drop(key);
    },
    forgetGone() {
      for (const [key, { endpoint }] of flows) {
        if (!listener.endpoints.some((e) => e.address === endpoint.address && e.port === endpoint.port)) drop(key);
      }
    },
  };
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.bind(portNumber, address, () => resolve(listener));
  });
}

/** Addresses that somebody else has put there (the node's own, for external IPs) are left alone. */
function setAddress(verb: 'add' | 'del', address: string): void {
  try {
    execFileSync('ip', ['addr', verb, `${address}/32`, 'dev', 'lo'], { stdio: 'pipe' });
  } catch (error) {
    if (verb === 'add' && !String(error).includes('File exists')) throw error;
  }
}

async function apply(ports: readonly ServicePort[]): Promise<string[]> {
  const problems: string[] = [];
  const wanted = new Map<string, { address: string; number: number; port: ServicePort; endpoints: readonly ProxyEndpoint[] }>();
  for (const port of ports) {
    for (const address of port.addresses) {
      wanted.set(`${port.protocol} ${address} ${port.port}`, { address, number: port.port, port, endpoints: port.endpoints });
    }
    if (port.nodePort) {
      wanted.set(`${port.protocol} ${anyAddress} ${port.nodePort}`, {
        address: anyAddress,
        number: port.nodePort,
        port,
        endpoints: port.nodePortEndpoints,
      });
    }
  }
  for (const [key, listener] of listeners) {
    if (wanted.has(key)) continue;
    listener.close();
    listeners.delete(key);
  }
  const wantedAddresses = new Set([...wanted.values()].map(({ address }) => address).filter((address) => address !== anyAddress));
  for (const address of addresses) {
    if (wantedAddresses.has(address)) continue;
    setAddress('del', address);
    addresses.delete(address);
  }
  for (const [key, { address, number, port, endpoints }] of wanted) {
    const known = listeners.get(key);
    if (known) {
      known.port = port;
      known.endpoints = endpoints;
      known.forgetGone();
      continue;
    }
    try {
      if (address !== anyAddress && !addresses.has(address)) {
        setAddress('add', address);
        addresses.add(address);
      }
      const listen = port.protocol === 'TCP' ? listenTcp : listenUdp;
      listeners.set(key, await listen(address, number, port, endpoints));
    } catch (error) {
      problems.push(`${key}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const now = Date.now();
  for (const [key, { until }] of affinity) if (until < now) affinity.delete(key);
  return problems;
}

let last: Promise<unknown> = Promise.resolve();
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { id, ports } = JSON.parse(line) as { id: number; ports: ServicePort[] };
    last = last.then(async () => {
      const problems = await apply(ports);
      process.stdout.write(`${JSON.stringify({ id, problems })}\n`);
    });
  })
  .on('close', () => {
    for (const listener of listeners.values()) listener.close();
    for (const address of addresses) setAddress('del', address);
    process.exit(0);
  });
