/** The processes of the benchmark: the API server as it is served to everyone, the bare server, the load generator. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import https from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BareServerOptions } from './bare-server.ts';
import type { Measured, Order } from './generator.ts';
import type { Target } from './target.ts';

const root = resolve(import.meta.dirname, '../../..');

export interface ServerProcess {
  readonly pid: number;
  readonly target: Target;
  /** The same target where HTTP/2 is spoken. */
  readonly h2: Target;
  stop(): Promise<void>;
}

/** Text and headers of an answer; throws unless it is a success. */
export interface Answer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export async function ask(target: Target, method: string, path: string, object?: unknown): Promise<Answer> {
  const { port, authority, certificate, key } = target;
  const headers = { 'user-agent': 'bench/1', accept: 'application/json', 'content-type': 'application/json' };
  const request = https.request({ host: '127.0.0.1', port, method, path, headers, ca: authority, cert: certificate, key, agent: false });
  const answered = Promise.withResolvers<Answer>();
  request.on('error', answered.reject);
  request.on('response', (response) => {
    const chunks: Buffer[] = [];
    response.on('error', answered.reject);
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => {
      const body = Buffer.concat(chunks);
      if ((response.statusCode ?? 500) < 300) answered.resolve({ headers: response.headers as Record<string, string>, body });
      else answered.reject(new Error(`${method} ${path}: ${response.statusCode} ${body.toString()}`));
    });
  });
  request.end(object === undefined ? undefined : JSON.stringify(object));
  return answered.promise;
}

export interface ApiServerOptions {
  /** Its data directory: credentials and objects. */
  readonly directory: string;
  /** What is run: the sources, or what has been built from them. */
  readonly program?: string;
  /** Flags for Node.js. */
  readonly node?: readonly string[];
}

export const apiServerSource = join(root, 'cmd/apiserver/main.ts');
export const apiServerBundle = join(root, 'dist/bin/apiserver.mjs');

export function spawnApiServer({ directory, program = apiServerSource, node = [] }: ApiServerOptions, port: number): ChildProcess {
  const flags = ['--data-dir', directory, '--port', String(port), '--log-level', 'error'];
  const argv = ['--disable-warning=ExperimentalWarning', ...node, program, ...flags];
  return spawn(join(root, 'bin/node'), argv, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The API server, once it answers. */
export async function startApiServer(options: ApiServerOptions): Promise<ServerProcess> {
  const port = await freePort();
  const child = spawnApiServer(options, port);
  // Written last, when the server listens.
  while (!existsSync(join(options.directory, 'admin.kubeconfig'))) {
    if (child.exitCode !== null) throw new Error('the API server has ended');
    await sleep(20);
  }
  const target = credentialsIn(options.directory, port);
  return { pid: child.pid as number, target, h2: target, stop: () => stop(child, 'SIGTERM') };
}

export function credentialsIn(directory: string, port: number, who = 'admin'): Target {
  const read = (file: string): string => readFileSync(join(directory, 'pki', file), 'utf8');
  return { port, authority: read('ca.crt'), certificate: read(`${who}.crt`), key: read(`${who}.key`) };
}

/** `directory`: the API server's, whose certificates it uses. */
export async function startBareServer(
  directory: string,
  content: Omit<BareServerOptions, 'authority' | 'certificate' | 'key'>,
): Promise<ServerProcess> {
  const { authority, certificate, key } = credentialsIn(directory, 0, 'apiserver');
  const child = fork(join(import.meta.dirname, 'bare-server.ts'), { execArgv: ['--disable-warning=ExperimentalWarning'] });
  const options: BareServerOptions = { ...content, authority, certificate, key };
  child.send(options);
  const ports = await new Promise<{ http1: number; h2: number }>((done) => child.once('message', (message) => done(message as never)));
  return {
    pid: child.pid as number,
    target: credentialsIn(directory, ports.http1),
    h2: credentialsIn(directory, ports.h2),
    stop: () => stop(child, 'SIGTERM'),
  };
}

export interface Generator {
  run(order: Order): Promise<Measured>;
  stop(): Promise<void>;
}

export function startGenerator(): Generator {
  const child = fork(join(import.meta.dirname, 'generator.ts'), { execArgv: ['--disable-warning=ExperimentalWarning'] });
  return {
    run: (order) =>
      new Promise((done, reject) => {
        child.once('message', (message: Measured | { readonly error: string }) => {
          if ('error' in message) reject(new Error(message.error));
          else done(message);
        });
        child.send(order);
      }),
    stop: () => stop(child, 'SIGTERM'),
  };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((done) => child.once('exit', done));
  child.kill(signal);
  // Connections that stay open are given no time here.
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(timer);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === 'object' && address ? address.port : 0;
}

export async function withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'gokube-bench-'));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Processor seconds of a process so far, or undefined where /proc does not tell. */
export function cpuOf(pid: number): number | undefined {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return undefined;
  // After the name in parentheses come state and numbers; user and system time are the 14th and 15th of all, in ticks of 10 ms.
  const fields = readFileSync(file, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Bytes of a process's memory that belong to no file: neither the program's text nor LMDB's pages. */
export function privateMemoryOf(pid: number): number | undefined {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return undefined;
  const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(file, 'utf8')) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}
