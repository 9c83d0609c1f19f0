import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerConfig, ContainerStatus, PodSandboxConfig } from '../../cri.ts';
import type { EmbeddedRuntime } from '../embedded-runtime.ts';
import { EmbeddedMachine } from '../machine.ts';
import { busyboxArchive } from './image-archives.ts';

let machines = 0;

/** A machine with one node and `busybox:test`, and short ways to run things on it. */
export class TestMachine {
  readonly directory: string;
  readonly machine: EmbeddedMachine;
  readonly runtime: EmbeddedRuntime;
  #count = 0;

  static async start(): Promise<TestMachine> {
    const directory = await mkdtemp(join(tmpdir(), 'gokube-machine-'));
    machines += 1;
    const machine = await EmbeddedMachine.start({ cluster: `t${process.pid}x${machines}`, directory: join(directory, 'runtime') });
    await machine.images.load(archiveStream(await busyboxArchive('busybox:test')));
    return new TestMachine(directory, machine);
  }

  private constructor(directory: string, machine: EmbeddedMachine) {
    this.directory = directory;
    this.machine = machine;
    this.runtime = machine.runtime('node-1', undefined);
  }

  sandbox(config: Partial<PodSandboxConfig> = {}): Promise<string> {
    this.#count += 1;
    const name = `pod-${this.#count}`;
    return this.runtime.runPodSandbox({
      metadata: { name, namespace: 'test', uid: name, attempt: 0 },
      hostname: name,
      logDirectory: join(this.directory, 'logs', name),
      ...config,
    });
  }

  create(sandbox: string, command: readonly string[], config: Partial<ContainerConfig> = {}): Promise<string> {
    this.#count += 1;
    return this.runtime.createContainer(sandbox, {
      metadata: { name: 'main', attempt: 0 },
      image: 'busybox:test',
      imageReference: 'busybox:test',
      command,
      env: [],
      mounts: [],
      logPath: `main/${this.#count}.log`,
      stdin: false,
      stdinOnce: false,
      tty: false,
      ...config,
    });
  }

  async start(sandbox: string, command: readonly string[], config: Partial<ContainerConfig> = {}): Promise<string> {
    const id = await this.create(sandbox, command, config);
    await this.runtime.startContainer(id);
    return id;
  }

  async ended(id: string): Promise<ContainerStatus> {
    await this.eventually(async () => (await this.runtime.containerStatus(id)).state === 'exited');
    return this.runtime.containerStatus(id);
  }

  /** Runs a shell script in a container of its own, in a pod of its own, and returns what it wrote. */
  async sh(
    script: string,
    config: Partial<ContainerConfig> = {},
    sandboxConfig: Partial<PodSandboxConfig> = {},
  ): Promise<{ readonly stdout: string; readonly stderr: string; readonly exitCode: number; readonly status: ContainerStatus }> {
    const sandbox = await this.sandbox(sandboxConfig);
    const id = await this.start(sandbox, ['sh', '-c', script], config);
    const status = await this.ended(id);
    const log = this.log(status.logPath);
    await this.runtime.removePodSandbox(sandbox);
    return { ...log, exitCode: status.exitCode ?? -1, status };
  }

  log(path: string): { readonly stdout: string; readonly stderr: string } {
    const text = { stdout: '', stderr: '' };
    for (const line of readFileSync(path, 'utf8').split('\n').filter(Boolean)) {
      const [, stream = '', flag = '', rest = ''] = /^\S+ (stdout|stderr) ([PF]) (.*)$/s.exec(line) ?? [];
      text[stream as 'stdout' | 'stderr'] += rest + (flag === 'F' ? '\n' : '');
    }
    return text;
  }

  async exec(id: string, ...command: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await this.runtime.execSync(id, command, 10);
    const text = new TextDecoder().decode(Buffer.concat([stdout, stderr]));
    return exitCode === 0 ? text : `${text}[${exitCode}]`;
  }

  async eventually(check: () => Promise<boolean> | boolean, ms = 10_000): Promise<void> {
    for (const end = Date.now() + ms; !(await check()); await sleep(10)) if (Date.now() > end) throw new Error('it never came true');
  }

  async close(): Promise<void> {
    await this.machine.close();
    await rm(this.directory, { recursive: true });
  }
}

export async function* archiveStream(archive: Uint8Array): AsyncIterable<Uint8Array> {
  yield archive;
}
