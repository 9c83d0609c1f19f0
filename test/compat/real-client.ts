import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type Ran, RunningCluster } from '../e2e/running-cluster.ts';
import { realClient } from './clients.ts';

/** A cluster without containers, for the clients of one file of tests; its own port and directory, so that files run side by side. */
export async function startCluster(): Promise<RunningCluster> {
  const cluster = await RunningCluster.create(`compat-${process.pid}`);
  try {
    await cluster.up('--runtime', 'fake', '--nodes', '2');
  } catch (error) {
    await cluster.delete();
    throw error;
  }
  return cluster;
}

interface Options {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * A client that nobody here wrote, against one cluster. Command lines are written as in a terminal; single quotes hold
 * together what belongs together. It has a home of its own: what it remembers is gone with the cluster.
 */
export class RealClient {
  readonly #file: string;
  readonly #always: readonly string[];
  readonly #directory: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(cluster: RunningCluster, file: string, always: readonly string[] = []) {
    this.#file = file;
    this.#always = always;
    this.#directory = cluster.directory;
    this.#env = {
      ...process.env,
      HOME: cluster.directory,
      KUBECONFIG: cluster.kubeconfig,
      HELM_CACHE_HOME: join(cluster.directory, 'helm'),
      HELM_CONFIG_HOME: join(cluster.directory, 'helm'),
      HELM_DATA_HOME: join(cluster.directory, 'helm'),
    };
  }

  run(line: string, { input = '', env = {} }: Options = {}): Ran {
    const { status, stdout, stderr, error } = spawnSync(this.#file, [...this.#always, ...words(line)], {
      encoding: 'utf8',
      input,
      cwd: this.#directory,
      env: { ...this.#env, ...env },
      timeout: 90_000,
      maxBuffer: 2 ** 26,
    });
    if (error) throw error;
    return { code: status ?? -1, out: stdout, err: stderr };
  }

  /** What it prints when all is well. */
  ok(line: string, options: Options = {}): string {
    const { code, out, err } = this.run(line, options);
    if (code !== 0) throw new Error(`${line}\nended with exit code ${code}:\n${out}${err}`);
    return out;
  }

  /** What it says when it fails, with the exit code 1 unless stated. */
  fails(line: string, options: Options & { readonly code?: number } = {}): string {
    const { code, out, err } = this.run(line, options);
    if (code !== (options.code ?? 1)) throw new Error(`${line}\nended with exit code ${code}, not ${options.code ?? 1}:\n${out}${err}`);
    return `${out}${err}`;
  }

  /** Leaves it running until `stop`, which gives all that it printed. */
  start(line: string): Running {
    return new Running(spawn(this.#file, [...this.#always, ...words(line)], { cwd: this.#directory, env: this.#env }));
  }
}

export class Running {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = '';
  #onOutput = (): void => undefined;

  constructor(process: ChildProcess) {
    this.#process = process;
    this.#ended = new Promise((done) => process.once('close', done));
    for (const stream of [process.stdout, process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
        this.#onOutput();
      });
    }
  }

  /** Resolves once it has printed this; rejects after half a minute. */
  printed(what: RegExp): Promise<RegExpMatchArray> {
    return new Promise((done, failed) => {
      const late = setTimeout(() => failed(new Error(`waited in vain for ${what}; printed so far:\n${this.#output}`)), 30_000);
      this.#onOutput = () => {
        const match = what.exec(this.#output);
        if (!match) return;
        clearTimeout(late);
        done(match);
      };
      this.#onOutput();
    });
  }

  type(text: string): void {
    this.#process.stdin?.write(text);
  }

  async stop(): Promise<string> {
    this.#process.kill('SIGINT');
    await this.#ended;
    return this.#output;
  }
}

export function kubectlOf(cluster: RunningCluster, minor = '1.35', namespace = 'default'): RealClient {
  return new RealClient(cluster, realClient('kubectl', minor) as string, ['-n', namespace]);
}

function words(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) => word.replaceAll("'", ''));
}
