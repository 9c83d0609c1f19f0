import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { realClient } from '../compat/clients.ts';

export const root = resolve(import.meta.dirname, '../..');
const main = join(root, 'cmd/gokube/main.ts');

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A cluster run by the `gokube` command itself, in a directory of the test's own. */
export class RunningCluster {
  readonly directory: string;
  readonly kubeconfig: string;
  readonly port: number;
  readonly name: string;
  #process: ChildProcess | undefined;
  #output = '';

  private constructor(port: number, name: string) {
    this.directory = mkdtempSync(join(tmpdir(), 'gokube-e2e-'));
    this.kubeconfig = join(this.directory, 'kubeconfig');
    this.port = port;
    this.name = name;
  }

  static async create(name = `e2e-${process.pid}`): Promise<RunningCluster> {
    return new RunningCluster(await freePort(), name);
  }

  get pid(): number {
    return this.#process?.pid as number;
  }

  /** Resolves when it says that it is up; rejects with what it said when it ends instead. */
  async up(...flags: string[]): Promise<string> {
    this.#output = '';
    const argv = [
      'up',
      '--name',
      this.name,
      '--data-dir',
      join(this.directory, 'data'),
      '--port',
      String(this.port),
      '--kubeconfig',
      this.kubeconfig,
      ...flags,
    ];
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    await new Promise<void>((done, failed) => {
      const read = (chunk: Buffer): void => {
        this.#output += chunk.toString();
        if (this.#output.includes('Try next')) done();
      };
      child.stdout?.on('data', read);
      child.stderr?.on('data', read);
      child.once('exit', (code) => failed(new Error(`gokube up ended with exit code ${code}:\n${this.#output}`)));
    });
    return this.#output;
  }

  /** Ctrl-C. */
  async stop(): Promise<void> {
    await this.#end('SIGINT');
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await ended;
  }

  async delete(): Promise<void> {
    await this.stop();
    this.gokube('delete', '--kubeconfig', this.kubeconfig);
    rmSync(this.directory, { recursive: true, force: true });
  }

  gokube(...argv: string[]): Ran {
    const [command = '', ...rest] = argv;
    const own = ['node', 'image', 'snapshot'].includes(command) ? [command, rest.shift() as string] : [command];
    return run(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      main,
      ...own,
      '--name',
      this.name,
      '--data-dir',
      join(this.directory, 'data'),
      ...rest,
    ]);
  }

  /** The real kubectl. */
  kubectl(...argv: string[]): Ran {
    return run(realClient('kubectl') as string, ['--kubeconfig', this.kubeconfig, ...argv]);
  }

  /** Asserts success and gives what was printed. */
  ok(...argv: string[]): string {
    const { code, out, err } = this.kubectl(...argv);
    if (code !== 0) throw new Error(`kubectl ${argv.join(' ')} ended with exit code ${code}: ${err}${out}`);
    return out;
  }

  apply(manifest: string): string {
    const file = join(this.directory, 'manifest.yaml');
    writeFileSync(file, manifest);
    return this.ok('apply', '-f', file);
  }

  get log(): string {
    return readFileSync(join(this.directory, 'data/gokube.log'), 'utf8');
  }
}

export function run(file: string, argv: readonly string[], input = ''): Ran {
  const { status, stdout, stderr } = spawnSync(file, argv, { encoding: 'utf8', input, timeout: 120_000, maxBuffer: 2 ** 26 });
  return { code: status ?? -1, out: stdout, err: stderr };
}

/** Looks again every quarter of a second; rejects with the last answer when time is up. */
export async function eventually(what: string, seconds: number, look: () => boolean | string): Promise<void> {
  const end = performance.now() + seconds * 1000;
  let last: boolean | string = false;
  while (performance.now() < end) {
    last = look();
    if (last === true) return;
    await new Promise((done) => setTimeout(done, 250));
  }
  throw new Error(`waited ${seconds} s in vain for ${what}: ${last}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === 'object' && address ? address.port : 0;
}
