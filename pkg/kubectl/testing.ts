/** A kubectl on an API server in this process, for tests: command lines in, what was printed out. */
import { ApiServer } from '../apiserver/api-server.ts';
import type { Client } from '../client/client.ts';
import { createClient } from '../client/create-client.ts';
import { InProcessTransport } from '../client/in-process-transport.ts';
import { SeededRandom } from '../clock/random.ts';
import type { VirtualClock } from '../clock/virtual-clock.ts';
import { silentLogger } from '../log/log.ts';
import { MemoryMetrics } from '../metrics/memory-metrics.ts';
import { testRegistry } from '../registry/testing/test-registry.ts';
import type { KubectlIo } from './io.ts';
import { runKubectl } from './kubectl.ts';

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions extends Partial<KubectlIo> {
  /** Path → content. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly input?: string;
}

/** Runs one command line; time passes until it has ended, but no more than a minute. */
export async function runLine(client: Client, clock: VirtualClock, argv: readonly string[], options: RunOptions = {}): Promise<Output> {
  const { files = {}, input, ...io } = options;
  let stdout = '';
  let stderr = '';
  const decoder = new TextDecoder();
  const full: KubectlIo = {
    client,
    clock,
    stdout: (chunk) => {
      stdout += typeof chunk === 'string' ? chunk : decoder.decode(chunk);
    },
    stderr: (text) => {
      stderr += text;
    },
    ...(input === undefined ? {} : { stdin: oneChunk(input) }),
    isTerminal: false,
    readFile: async (path) => {
      const content = files[path];
      if (content === undefined) throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' });
      return typeof content === 'string' ? new TextEncoder().encode(content) : content;
    },
    listDirectory: async (asked) => {
      const path = asked.replace(/\/+$/, '');
      if (files[path] !== undefined) return undefined;
      const inside = Object.keys(files).filter((name) => name.startsWith(`${path}/`));
      if (inside.length === 0) throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' });
      return [...new Set(inside.map((name) => name.slice(path.length + 1).split('/')[0] as string))];
    },
    signal: new AbortController().signal,
    ...io,
  };
  let code: number | undefined;
  const running = runKubectl(argv, full).then((ended) => {
    code = ended;
  });
  await clock.advanceUntil(() => code !== undefined, 60_000);
  if (code === undefined) throw new Error(`kubectl ${argv.join(' ')} has not ended after a minute: ${stdout}${stderr}`);
  await running;
  return { code, stdout, stderr };
}

async function* oneChunk(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

export interface TestKubectl {
  readonly client: Client;
  readonly clock: VirtualClock;
  /** A command line, split at spaces (or given in parts). */
  run(line: string | readonly string[], options?: RunOptions): Promise<Output>;
  /** The same, for what must succeed: only what was printed. */
  ok(line: string | readonly string[], options?: RunOptions): Promise<string>;
  close(): Promise<void>;
}

export async function createTestKubectl(): Promise<TestKubectl> {
  const { registry, clock } = await testRegistry();
  const server = new ApiServer({ registry, clock, random: new SeededRandom(2), log: silentLogger, metrics: new MemoryMetrics() });
  const user = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };
  const client = createClient(new InProcessTransport({ server, user }), { agent: 'kubectl' });
  const parts = (line: string | readonly string[]): readonly string[] => (typeof line === 'string' ? line.split(' ') : line);
  const kubectl: TestKubectl = {
    client,
    clock,
    run: (line, options) => runLine(client, clock, parts(line), options),
    async ok(line, options) {
      const { code, stdout, stderr } = await kubectl.run(line, options);
      if (code !== 0) throw new Error(`kubectl ${line} ended with ${code}: ${stderr}`);
      return stdout;
    },
    async close() {
      server.close();
      await registry.close();
    },
  };
  // The registry brings the namespaces; the account that pods need is a control loop's to make.
  await kubectl.ok('create serviceaccount default');
  return kubectl;
}
