import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ProxyBackend } from '../proxy.ts';
import type { ServicePort } from '../service-ports.ts';

/**
 * Carries service traffic in user space, for kernels without nftables. One helper process listens inside the
 * node's network namespace (`netns`: its path; undefined: the machine's own) and ends with this process.
 */
export function createUserspaceBackend(options: { readonly netns: string | undefined; readonly program?: string }): ProxyBackend {
  const program = options.program ?? fileURLToPath(new URL('./userspace-server.ts', import.meta.url));
  const waiting = new Map<number, { resolve: (problems: string[]) => void; reject: (error: Error) => void }>();
  let helper: ChildProcess | undefined;
  let ended: Promise<void> = Promise.resolve();
  let nextId = 1;

  function start(): ChildProcess {
    const node = [process.execPath, '--max-old-space-size=64', '--disable-warning=ExperimentalWarning', program];
    const argv = options.netns ? ['nsenter', `--net=${options.netns}`, ...node] : node;
    const child = spawn(argv[0] as string, argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
    ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        helper = undefined;
        const why = new Error(`the user-space proxy ended (${signal ?? `exit code ${code}`})`);
        for (const { reject } of waiting.values()) reject(why);
        waiting.clear();
        resolve();
      });
    });
    child.once('error', (error) => {
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    });
    child.stdin?.on('error', () => {
      // The helper has ended: 'close' tells those who wait.
    });
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const { id, problems } = JSON.parse(line) as { id: number; problems: string[] };
      waiting.get(id)?.resolve(problems);
      waiting.delete(id);
    });
    return child;
  }

  return {
    name: 'userspace',
    async apply(ports: readonly ServicePort[]) {
      helper ??= start();
      const id = nextId++;
      const problems = await new Promise<string[]>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        helper?.stdin?.write(`${JSON.stringify({ id, ports })}\n`);
      });
      if (problems.length > 0) throw new Error(`cannot serve ${problems.join('; ')}`);
    },
    async close() {
      helper?.stdin?.end();
      await ended;
    },
  };
}
