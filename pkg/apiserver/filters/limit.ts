/**
 * The ceiling on requests in flight. Reads and writes are counted apart, so that a flood of one leaves room for the
 * other; requests that stay open (watches, logs, exec) and callers in this process are not counted. Above the
 * ceiling a request waits its turn, in order; above the waiting room's size, or after its patience, it is told to
 * come back (429 with Retry-After).
 */
import { ApiError } from '../../api/errors.ts';
import type { Clock } from '../../clock/clock.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { Exchange, Filter } from '../exchange.ts';
import { isLongRunning } from '../request-info.ts';

export interface LimitOptions {
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Kubernetes' --max-requests-inflight. */
  readonly maxReads: number;
  /** Kubernetes' --max-mutating-requests-inflight. */
  readonly maxWrites: number;
}

/** A request waits at most a quarter of the usual request timeout of 60 s. */
const patience = 15_000;
/** As many may wait as may run, times this. */
const waitingRoom = 4;

export function limit({ clock, metrics, maxReads, maxWrites }: LimitOptions): Filter {
  const gauge = metrics.gauge({
    name: 'apiserver_current_inflight_requests',
    help: 'Requests that are being carried out, by kind',
    labels: ['request_kind'],
  });
  const [readOnly, mutating] = [{ request_kind: 'readOnly' }, { request_kind: 'mutating' }];
  const reads = new Ceiling(maxReads, clock, (n) => gauge.set(n, readOnly));
  const writes = new Ceiling(maxWrites, clock, (n) => gauge.set(n, mutating));
  const readVerbs = new Set(['get', 'list', 'head', 'options']);
  return {
    name: 'limit',
    apply(exchange) {
      const { info, request } = exchange;
      if (request.peer.user || isLongRunning(info, request.query)) return undefined;
      return (readVerbs.has(info.verb) ? reads : writes).enter(exchange);
    },
  };
}

class Ceiling {
  readonly #max: number;
  readonly #clock: Clock;
  readonly #report: (running: number) => void;
  #running = 0;
  readonly #waiting = new Set<() => void>();

  constructor(max: number, clock: Clock, report: (running: number) => void) {
    this.#max = max;
    this.#clock = clock;
    this.#report = report;
  }

  enter(exchange: Exchange): undefined | Promise<undefined> {
    if (this.#running < this.#max) {
      this.#start(exchange);
      return undefined;
    }
    if (this.#waiting.size >= this.#max * waitingRoom) throw tooMany();
    return new Promise((resolve, reject) => {
      const leave = (error: unknown): void => {
        this.#waiting.delete(proceed);
        timer.cancel();
        exchange.signal.removeEventListener('abort', onAbort);
        reject(error);
      };
      const proceed = (): void => {
        timer.cancel();
        exchange.signal.removeEventListener('abort', onAbort);
        this.#start(exchange);
        resolve(undefined);
      };
      const onAbort = (): void => leave(exchange.signal.reason);
      const timer = this.#clock.setTimer(patience, () => leave(tooMany()));
      exchange.signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(proceed);
    });
  }

  #start(exchange: Exchange): void {
    this.#report(++this.#running);
    exchange.atEnd.push(() => {
      this.#report(--this.#running);
      const [next] = this.#waiting;
      if (!next) return;
      this.#waiting.delete(next);
      next();
    });
  }
}

function tooMany(): ApiError {
  return new ApiError('TooManyRequests', 'Too many requests, please try again later.', { details: { retryAfterSeconds: 1 } });
}
