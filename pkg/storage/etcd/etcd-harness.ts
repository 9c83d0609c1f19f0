import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryDirectory } from '../contract/temporary-directory.node.ts';
import { EtcdStore } from './etcd-store.ts';
import type { Tls } from './protocol.ts';

/** An etcd that tests can be run against, or why there is none. */
export interface EtcdBinary {
  readonly name: string;
  readonly path: string;
  readonly skip: string | undefined;
}

/** Debian's etcd, and a newer one that answers progress requests. */
export const etcdBinaries: readonly EtcdBinary[] = [
  found('etcd of the distribution', process.env.GOKUBE_ETCD ?? '/usr/bin/etcd', 'needs etcd: apt-get install etcd-server'),
  found(
    'etcd with progress requests',
    process.env.GOKUBE_ETCD_NEW ?? '',
    'needs etcd 3.5.13 or newer: go build -o /usr/local/bin/etcd-new go.etcd.io/etcd/server/v3 (in a module that requires it), then set GOKUBE_ETCD_NEW',
  ),
];

function found(name: string, path: string, skip: string): EtcdBinary {
  return { name, path, skip: existsSync(path) ? undefined : skip };
}

/** One etcd process with a data directory of its own. */
export class EtcdProcess {
  readonly endpoint: string;
  readonly #binary: string;
  readonly #arguments: readonly string[];
  #process: ChildProcess | undefined;
  #output = '';

  constructor(binary: string, endpoint: string, argumentsOfProcess: readonly string[]) {
    this.endpoint = endpoint;
    this.#binary = binary;
    this.#arguments = argumentsOfProcess;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  start(): void {
    const child = spawn(this.#binary, this.#arguments, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout?.on('data', (chunk: Buffer) => this.#remember(chunk));
    child.stderr?.on('data', (chunk: Buffer) => this.#remember(chunk));
    this.#process = child;
  }

  /** Ends the process with the signal and waits for that. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill(signal);
    await exited;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** The end of what it wrote, for messages about failures. */
  get output(): string {
    return this.#output;
  }

  #remember(chunk: Buffer): void {
    this.#output = (this.#output + chunk.toString()).slice(-4_000);
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Writes an authority into the directory, and certificates signed by it for 127.0.0.1: of a server and of a client. */
export async function makeCertificates(directory: string): Promise<Required<Tls>> {
  await mkdir(directory, { recursive: true });
  const openssl = (...rest: string[]): Buffer => execFileSync('openssl', rest, { cwd: directory, stdio: 'pipe' });
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=authority', '-days', '2');
  await writeFile(join(directory, 'extensions'), 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n');
  for (const name of ['server', 'client']) {
    openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'extensions', '-days', '2'];
    openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, ...signing);
  }
  const [ca, cert, key] = await Promise.all(['ca.crt', 'client.crt', 'client.key'].map((file) => readFile(join(directory, file))));
  return { ca: ca as Buffer, cert: cert as Buffer, key: key as Buffer };
}

/** What makes a server show its certificate, and insist on one of the same authority. */
export function tlsArguments(directory: string): string[] {
  const serving = ['--cert-file', join(directory, 'server.crt'), '--key-file', join(directory, 'server.key')];
  return [...serving, '--trusted-ca-file', join(directory, 'ca.crt'), '--client-cert-auth'];
}

export interface EtcdClusterOptions {
  /** Members; default 1. */
  readonly size?: number;
  readonly directory?: string;
  readonly arguments?: readonly string[];
  /** What clients need to connect, when `arguments` make the servers speak TLS. */
  readonly tls?: Tls;
}

/** A cluster of `size` members on loopback, in `directory`; `dispose` ends it and removes the directory. */
export class EtcdCluster {
  readonly members: readonly EtcdProcess[];
  readonly #directory: string;

  private constructor(members: readonly EtcdProcess[], directory: string) {
    this.members = members;
    this.#directory = directory;
  }

  static async start(binary: string, options: EtcdClusterOptions = {}): Promise<EtcdCluster> {
    const directory = options.directory ?? (await temporaryDirectory());
    const size = options.size ?? 1;
    const ports = await freePorts(2 * size);
    const peer = (i: number): string => `http://127.0.0.1:${ports[2 * i + 1]}`;
    const initial = Array.from({ length: size }, (_, i) => `m${i}=${peer(i)}`).join();
    const members = Array.from({ length: size }, (_, i) => {
      const endpoint = `${options.tls ? 'https' : 'http'}://127.0.0.1:${ports[2 * i]}`;
      return new EtcdProcess(binary, endpoint, [
        ...['--name', `m${i}`, '--data-dir', join(directory, `m${i}`)],
        ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
        ...['--listen-peer-urls', peer(i), '--initial-advertise-peer-urls', peer(i), '--initial-cluster', initial],
        ...(options.arguments ?? []),
      ]);
    });
    const cluster = new EtcdCluster(members, directory);
    for (const member of members) member.start();
    const store = new EtcdStore({ endpoints: cluster.endpoints, ...(options.tls && { tls: options.tls }) });
    try {
      for (let tries = 0; ; tries++) {
        const ready = await store.revision().then(
          () => true,
          () => false,
        );
        if (ready) return cluster;
        if (tries === 3) throw new Error(`etcd did not start:\n${members.map((member) => member.output).join('\n')}`);
        await sleep(100);
      }
    } catch (error) {
      await cluster.dispose();
      throw error;
    } finally {
      await store.close();
    }
  }

  get endpoints(): string[] {
    return this.members.map((member) => member.endpoint);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
