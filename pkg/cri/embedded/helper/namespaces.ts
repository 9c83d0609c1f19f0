import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { RuntimeError } from '../../cri.ts';
import { launch } from './launch.ts';
import { LaunchReport } from './launch-report.ts';
import { type LaunchedProcess, launcherEnvironment } from './launched-process.ts';
import type { Pipes } from './pipes.ts';
import type { HelperEvent, NamespacePaths, NamespacesParams } from './protocol.ts';

/**
 * The namespaces of pod sandboxes, held open by file descriptors of this process: no process and no mount per pod,
 * and all of them are gone when the helper is. Others reach them by `/proc/<helper>/fd/<n>`.
 */
export class Namespaces {
  readonly #emit: (event: HelperEvent) => void;
  readonly #pipes: Pipes;
  readonly #held = new Map<string, { descriptors: number[]; pause?: LaunchedProcess }>();

  constructor(emit: (event: HelperEvent) => void, pipes: Pipes) {
    this.#emit = emit;
    this.#pipes = pipes;
  }

  async create(params: NamespacesParams): Promise<NamespacePaths> {
    const kinds = ['uts', ...(params.net ? ['net'] : []), ...(params.ipc ? ['ipc'] : [])];
    const settings = Object.entries(params.sysctls).map(([name, value]) => ({ file: `/proc/sys/${name.replaceAll('.', '/')}`, value }));
    // Names and values go in as arguments: nothing of a pod is ever part of the script's text.
    const script = 'set -e; printf %s "$1" >/proc/sys/kernel/hostname; shift; while [ $# -gt 0 ]; do printf %s "$2" >"$1"; shift 2; done';
    const hold = params.loopback ? 'ip link set lo up; echo ready; read -r hold' : 'echo ready; read -r hold';
    const args = [params.hostname, ...settings.flatMap(({ file, value }) => [file, value])];
    const child = spawn('unshare', [...kinds.map((kind) => `--${kind}`), 'sh', '-c', `${script}; ${hold}`, 'sh', ...args], {
      env: launcherEnvironment,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve());
      child.once('error', reject);
      child.once('close', () => reject(new RuntimeError('StartFailed', `cannot create the sandbox's namespaces: ${complaint.trim()}`)));
    });
    const entry = { descriptors: [] as number[] };
    this.#held.set(params.sandbox, entry);
    const path = (kind: string): string => this.#hold(entry, `/proc/${child.pid}/ns/${kind}`);
    const paths: NamespacePaths = {
      uts: path('uts'),
      ...(params.net ? { net: path('net') } : {}),
      ...(params.ipc ? { ipc: path('ipc') } : {}),
    };
    child.stdin.end();
    return paths;
  }

  async startPause(sandbox: string, argv: readonly string[]): Promise<{ pidNamespace: string }> {
    const entry = this.#held.get(sandbox);
    if (!entry) throw new RuntimeError('NotFound', `sandbox ${sandbox} has no namespaces`);
    const process = await launch({ argv, stdin: true, tty: false }, this.#pipes);
    const report = new LaunchReport();
    const ok = new Promise<boolean>((resolve) => {
      process.onOutput((_lane, chunk) => {
        if (report.push(chunk) !== undefined) resolve(true);
      });
      void process.ended.then(() => resolve(false));
    });
    if (!(await ok) || report.pid === undefined)
      throw new RuntimeError('StartFailed', `cannot start the pod's first process: ${report.message}`);
    const pidNamespace = this.#hold(entry, `/proc/${report.pid}/ns/pid`);
    this.#held.set(sandbox, { descriptors: entry.descriptors, pause: process });
    void process.ended.then(() => {
      if (this.#held.has(sandbox)) this.#emit({ type: 'pauseExited', sandbox, at: Date.now() });
    });
    return { pidNamespace };
  }

  async release(sandbox: string): Promise<void> {
    const entry = this.#held.get(sandbox);
    if (!entry) return;
    this.#held.delete(sandbox);
    for (const descriptor of entry.descriptors) closeSync(descriptor);
    // The end of its input is the end of the pause process; the kernel then kills what is left in its namespace.
    entry.pause?.endInput();
    await entry.pause?.ended;
  }

  #hold(entry: { descriptors: number[] }, path: string): string {
    const descriptor = openSync(path, 'r');
    entry.descriptors.push(descriptor);
    return `/proc/${process.pid}/fd/${descriptor}`;
  }
}
