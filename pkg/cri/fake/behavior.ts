/**
 * What a fake container does, as data. Sources, the later one wins: the runtime's defaults, what the runtime was
 * told about the image, annotations of the pod (`fake.gokube.dev/KEY`), annotations for one of its containers
 * (`fake.gokube.dev/CONTAINER.KEY`).
 *
 * | KEY                   | value          | meaning                                                                |
 * |-----------------------|----------------|------------------------------------------------------------------------|
 * | `start-delay`         | duration       | time that startContainer takes                                         |
 * | `start-error`         | text           | startContainer fails with this message                                 |
 * | `run-for`             | duration       | the process ends by itself after this long                             |
 * | `exit-code`           | `0`, `1,1,0`   | its exit code, one for each attempt, the last one repeated             |
 * | `oom-after`           | duration       | the kernel kills it for want of memory: exit code 137, OOMKilled       |
 * | `stop-delay`          | duration/never | time from SIGTERM to its end; `never`: only SIGKILL ends it            |
 * | `stop-code`           | number         | exit code after SIGTERM (default 0, or 143 for a shell command)        |
 * | `termination-message` | text           | written to the container's termination log when it ends                |
 * | `log`                 | text           | printed when it starts; several lines separated by newlines            |
 * | `log-every`           | duration       | prints `tick N` again and again                                        |
 * | `ready-after`         | duration       | HTTP and TCP connections to it are refused until it has run this long  |
 * | `unready-after`       | duration       | and again after it has run this long                                   |
 * | `http-status`         | number         | what it answers to HTTP (default 200)                                  |
 * | `port`                | number         | the one port it listens at (default: whichever is asked for)           |
 * | `cpu`, `memory`       | millicores, bytes | what its statistics show                                            |
 *
 * A container that says nothing runs a command that the tiny shell knows, and otherwise stays. Init containers and
 * those of a Job's pods do not stay: they end with success (or their `exit-code`) after a tenth of a second. The image
 * `pause` always stays.
 *
 * Durations are written as in Go: `500ms`, `10s`, `1m30s`, `2h`.
 */
export interface FakeBehavior {
  readonly startDelay?: number;
  readonly startError?: string;
  readonly runFor?: number;
  readonly exitCode?: readonly number[];
  readonly oomAfter?: number;
  /** Infinity: never. */
  readonly stopDelay?: number;
  readonly stopCode?: number;
  readonly terminationMessage?: string;
  readonly log?: string;
  readonly logEvery?: number;
  readonly readyAfter?: number;
  readonly unreadyAfter?: number;
  readonly httpStatus?: number;
  readonly port?: number;
  readonly cpu?: number;
  readonly memory?: number;
}

export const behaviorPrefix = 'fake.gokube.dev/';

/** Throws a plain Error that names the annotation when a value cannot be read. */
export function behaviorOf(container: string, annotations: Readonly<Record<string, string>>, base: FakeBehavior = {}): FakeBehavior {
  const out: Record<string, unknown> = { ...base };
  for (const scope of ['', `${container}.`]) {
    for (const [key, read] of Object.entries(readers)) {
      const name = `${behaviorPrefix}${scope}${key}`;
      const text = annotations[name];
      if (text === undefined) continue;
      const value = read(text);
      if (value === undefined || Number.isNaN(value)) throw new Error(`annotation ${name}: ${JSON.stringify(text)} cannot be read`);
      out[camel(key)] = value;
    }
  }
  return out;
}

/** Milliseconds of a Go duration, or undefined for what is none. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^(\d+(\.\d+)?(ms|h|m|s))+$/.test(text)) return undefined;
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  let total = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)) total += Number(digits) * (units[unit as string] as number);
  return total;
}

const codes = (text: string): number[] | undefined => (/^\d+(,\d+)*$/.test(text) ? text.split(',').map(Number) : undefined);
const text = (value: string): string => value;

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  'start-delay': parseDuration,
  'start-error': text,
  'run-for': parseDuration,
  'exit-code': codes,
  'oom-after': parseDuration,
  'stop-delay': (value) => (value === 'never' ? Number.POSITIVE_INFINITY : parseDuration(value)),
  'stop-code': Number,
  'termination-message': text,
  log: text,
  'log-every': parseDuration,
  'ready-after': parseDuration,
  'unready-after': parseDuration,
  'http-status': Number,
  port: Number,
  cpu: Number,
  memory: Number,
};

function camel(key: string): string {
  return key.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
