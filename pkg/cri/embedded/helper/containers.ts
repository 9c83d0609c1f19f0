import { readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RuntimeError } from '../../cri.ts';
import type { Call } from './calls.ts';
import { type Lane, lanes } from './frames.ts';
import { launch } from './launch.ts';
import { LaunchReport, launcherComplaint } from './launch-report.ts';
import type { LaunchedProcess } from './launched-process.ts';
import { LogWriter } from './log-writer.ts';
import type { Pipes } from './pipes.ts';
import type { HelperEvent, StartParams, StartResult } from './protocol.ts';

/**
 * The containers' first processes: started, watched, logged, attached to, killed.
 *
 * A start has three steps. The start script prepares the container and reports (launch-report.ts); `ok` means that
 * it now turns into the program by way of setpriv and env. Only when the kernel shows another program than those
 * has the container started: what is written before that may be their complaint, and is held back.
 */
export class Containers {
  readonly #emit: (event: HelperEvent) => void;
  readonly #pipes: Pipes;
  readonly #running = new Map<string, Running>();
  /** Between the wish and the process: a kill that comes now holds for what will be there. */
  readonly #starting = new Map<string, { killed: boolean }>();

  constructor(emit: (event: HelperEvent) => void, pipes: Pipes) {
    this.#emit = emit;
    this.#pipes = pipes;
  }

  async start(params: StartParams): Promise<StartResult> {
    this.#starting.set(params.id, { killed: false });
    let container: Running;
    try {
      container = new Running(params, await launch(params, this.#pipes), this.#emit);
      this.#running.set(params.id, container);
      if (this.#starting.get(params.id)?.killed) container.kill();
    } finally {
      this.#starting.delete(params.id);
    }
    try {
      return await container.started();
    } catch (error) {
      this.#running.delete(params.id);
      throw error;
    }
  }

  signal(id: string, signal: number): boolean {
    return this.#running.get(id)?.signal(signal) ?? false;
  }
  kill(id: string): boolean {
    const starting = this.#starting.get(id);
    if (starting) starting.killed = true;
    return this.#running.get(id)?.kill() ?? starting !== undefined;
  }
  forget(id: string): void {
    this.#running.delete(id);
  }
  killAll(): void {
    for (const container of this.#running.values()) container.kill();
  }

  async attach(params: { id: string; stdin: boolean; closeStdin: boolean }, call: Call): Promise<void> {
    const container = this.#running.get(params.id);
    if (!container || container.over) throw new RuntimeError('NotRunning', `container ${params.id} is not running`);
    await container.attach(params, call);
  }
}

class Running {
  readonly #params: StartParams;
  readonly #process: LaunchedProcess;
  readonly #log: LogWriter;
  readonly #emit: (event: HelperEvent) => void;
  readonly #report = new LaunchReport();
  readonly #listeners = new Set<(lane: Lane, chunk: Buffer) => Promise<void>>();
  readonly #finished: Promise<void>;
  readonly #ok: Promise<void>;
  #sayOk: () => void = () => {};
  #phase: 'preparing' | 'launching' | 'running' | 'ended' = 'preparing';
  /** Output that came before it is known whose it is. */
  #held: [Lane, Buffer][] = [];
  #holdups = 0;
  #exitCode: number | undefined;

  constructor(params: StartParams, process: LaunchedProcess, emit: (event: HelperEvent) => void) {
    this.#params = params;
    this.#process = process;
    this.#emit = emit;
    this.#log = new LogWriter(params.logPath, (message) => emit({ type: 'log', level: 'warn', message }));
    this.#ok = new Promise((resolve) => {
      this.#sayOk = resolve;
    });
    process.onOutput((lane, chunk) => this.#onOutput(lane, chunk));
    void process.exited.then(() => this.#killGroup());
    this.#finished = process.ended.then((exitCode) => {
      this.#exitCode = exitCode;
    });
  }

  get over(): boolean {
    return this.#exitCode !== undefined;
  }

  async started(): Promise<StartResult> {
    await Promise.race([this.#ok, this.#finished]);
    if (this.#phase === 'preparing') {
      throw new RuntimeError('StartFailed', this.#report.message);
    }
    await this.#log.open();
    const complaint = await this.#launched();
    if (complaint !== undefined) {
      await this.#log.close();
      throw new RuntimeError('StartFailed', complaint);
    }
    const startedAt = Date.now();
    this.#phase = 'running';
    const held = this.#held;
    this.#held = [];
    for (const [lane, chunk] of held) this.#deliver(lane, chunk);
    // The answer to `start` comes first, then the end.
    setImmediate(() => this.#watch());
    return { pid: this.#report.pid ?? this.#process.pid, startedAt, identity: this.#report.identity };
  }

  /** Waits for the program itself to run; the launchers' complaint if they could not run it. */
  async #launched(): Promise<string | undefined> {
    const launchers = new Set(this.#params.launchers);
    const pid = this.#report.pid;
    for (let waited = 0; waited < 1000 && !this.over; waited++) {
      const program = pid === undefined ? undefined : programOf(pid);
      if (program !== undefined && !launchers.has(program)) return undefined;
      await Promise.race([sleep(1), this.#finished]);
    }
    if (this.#exitCode !== 126 && this.#exitCode !== 127) return undefined;
    return launcherComplaint(Buffer.concat(this.#held.map(([, chunk]) => chunk)).toString());
  }

  #watch(): void {
    void this.#finished.then(async () => {
      this.#phase = 'ended';
      await this.#log.close();
      this.#emit({ type: 'exited', id: this.#params.id, exitCode: this.#exitCode ?? 255, at: Date.now() });
    });
  }

  #onOutput(lane: Lane, chunk: Buffer): void {
    if (this.#phase === 'preparing') {
      // Until `ok` the script's own words, on either output.
      const rest = this.#report.push(chunk);
      if (rest === undefined) return;
      this.#phase = 'launching';
      if (rest.length > 0) this.#held.push([lane, rest]);
      this.#sayOk();
    } else if (this.#phase === 'launching') this.#held.push([lane, chunk]);
    else this.#deliver(lane, chunk);
  }

  #deliver(lane: Lane, chunk: Buffer): void {
    if (!this.#log.write(lane, chunk)) this.#holdUp(this.#log.drained());
    for (const listener of this.#listeners) this.#holdUp(listener(lane, chunk));
  }

  /** The process waits while anyone who takes its output is behind. */
  #holdUp(until: Promise<void>): void {
    if (this.#holdups++ === 0) this.#process.pause();
    void until.finally(() => {
      if (--this.#holdups === 0) this.#process.resume();
    });
  }

  async attach(params: { stdin: boolean; closeStdin: boolean }, call: Call): Promise<void> {
    const listener = (lane: Lane, chunk: Buffer): Promise<void> => call.flow.send(lane, chunk);
    this.#listeners.add(listener);
    call.onData((lane, data) => {
      if (lane === lanes.resize && data) {
        const { width, height } = JSON.parse(data.toString()) as { width: number; height: number };
        this.#process.resize(width, height);
      } else if (lane === lanes.stdin && params.stdin) {
        if (data) void this.#process.write(data).then(() => call.flow.consumed(data.length));
        else if (params.closeStdin) this.#process.endInput();
      }
    });
    const aborted = new Promise<void>((resolve) => call.signal.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([this.#finished, aborted]);
    this.#listeners.delete(listener);
    call.flow.close();
  }

  signal(signal: number): boolean {
    if (this.over || this.#report.pid === undefined) return false;
    try {
      return process.kill(this.#report.pid, signal);
    } catch {
      return false; // It ended in between.
    }
  }

  kill(): boolean {
    if (this.over) return false;
    if (!this.signal(9)) this.#process.kill();
    return true;
  }

  /** Whatever is left in the container's cgroup: with a pid namespace of its own there is nothing. */
  #killGroup(): void {
    for (const file of this.#params.procs) {
      let pids: string;
      try {
        pids = readFileSync(file, 'utf8');
      } catch {
        continue; // The cgroup is gone already.
      }
      for (const pid of pids.split('\n').filter(Boolean)) {
        try {
          process.kill(Number(pid), 9);
        } catch {
          // Ended in between.
        }
      }
    }
  }
}

/** Device and inode of the program that a process runs, as launchers are named. */
export function programOf(pid: number | string): string | undefined {
  try {
    const { dev, ino } = statSync(`/proc/${pid}/exe`);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
