import type { Clock, Timer } from '../../clock/clock.ts';
import type { FakeBehavior } from './behavior.ts';
import { knowsCommand, runCommand, type ShellSystem } from './tiny-shell.ts';

/** How long a process that is waited for takes, in milliseconds, where nothing says it. */
const workTime = 100;

export interface ProcessEnd {
  readonly exitCode: number;
  readonly reason: string;
}

export interface FakeProcessOptions {
  readonly clock: Clock;
  readonly behavior: FakeBehavior;
  /** Number of the container's attempt: which of several exit codes is its own. */
  readonly attempt: number;
  readonly command: readonly string[];
  /** It is waited for: what would stay ends by itself, and with success, unless its behaviour says otherwise. */
  readonly ends: boolean;
  /** Everything the command may touch, except time: the process adds its own sleep, which ends with it. */
  readonly system: Omit<ShellSystem, 'sleep'>;
  onEnd(end: ProcessEnd): void;
}

/**
 * The main process of a fake container: a command that the tiny shell knows is really run; anything else just stays,
 * until its behaviour, a signal or the kernel ends it, or, where it is waited for, does what it had to do. Ends exactly once, and leaves no timer behind.
 */
export class FakeProcess {
  readonly startedAt: number;
  readonly #options: FakeProcessOptions;
  readonly #timers = new Set<Timer>();
  readonly #killed = new AbortController();
  readonly #scripted: boolean;
  #ended = false;
  #stopping = false;

  constructor(options: FakeProcessOptions) {
    this.#options = options;
    this.startedAt = options.clock.now();
    this.#scripted = options.behavior.runFor === undefined && knowsCommand(options.command);
  }

  start(): void {
    const { clock, behavior, system } = this.#options;
    if (behavior.log !== undefined) system.stdout(`${behavior.log}\n`);
    if (behavior.oomAfter !== undefined) this.#after(behavior.oomAfter, () => this.end({ exitCode: 137, reason: 'OOMKilled' }));
    const runFor = behavior.runFor ?? (this.#options.ends && !this.#scripted && behavior.oomAfter === undefined ? workTime : undefined);
    if (runFor !== undefined) this.#after(runFor, () => this.#exit(this.#ownExitCode() ?? 0));
    if (behavior.logEvery !== undefined) this.#tick(behavior.logEvery, 0);
    if (this.#scripted) {
      const sleep = (ms: number): Promise<void> => clock.sleep(ms, this.#killed.signal);
      runCommand(this.#options.command, { ...system, sleep }).then(
        (code) => this.#exit(this.#ownExitCode() ?? code),
        (error: unknown) => {
          // Killed in its sleep: whoever killed it has said how it ended.
          if (this.#ended) return;
          system.stderr(`${error instanceof Error ? error.message : String(error)}\n`);
          this.#exit(126);
        },
      );
    }
  }

  /** SIGTERM. */
  terminate(): void {
    if (this.#stopping || this.#ended) return;
    this.#stopping = true;
    const { stopDelay = 0, stopCode = this.#scripted ? 143 : 0 } = this.#options.behavior;
    if (stopDelay === 0) this.#exit(stopCode);
    else if (Number.isFinite(stopDelay)) this.#after(stopDelay, () => this.#exit(stopCode));
  }

  end(end: ProcessEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const timer of this.#timers) timer.cancel();
    this.#killed.abort(new Error('the process has ended'));
    this.#options.onEnd(end);
  }

  /** Whether it takes connections, as its behaviour says. */
  get answers(): boolean {
    const { readyAfter = 0, unreadyAfter = Number.POSITIVE_INFINITY } = this.#options.behavior;
    const age = this.#options.clock.now() - this.startedAt;
    return !this.#ended && age >= readyAfter && age < unreadyAfter;
  }

  #exit(exitCode: number): void {
    this.end({ exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' });
  }

  #ownExitCode(): number | undefined {
    const codes = this.#options.behavior.exitCode;
    return codes?.[Math.min(this.#options.attempt, codes.length - 1)];
  }

  #tick(every: number, n: number): void {
    this.#after(every, () => {
      this.#options.system.stdout(`tick ${n}\n`);
      this.#tick(every, n + 1);
    });
  }

  #after(ms: number, fn: () => void): void {
    const timer = this.#options.clock.setTimer(ms, () => {
      this.#timers.delete(timer);
      fn();
    });
    this.#timers.add(timer);
  }
}
