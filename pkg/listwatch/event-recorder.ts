import { isAlreadyExists, isApiError, isNotFound } from '../api/errors.ts';
import type { Event, ObjectReference } from '../api/generated/core-v1.ts';
import { events } from '../api/generated/resources.ts';
import type { Draft, KubeObject } from '../api/object.ts';
import { formatTime } from '../clock/clock.ts';
import { randomInt } from '../clock/random.ts';
import type { Environment, EventRecorder, Runnable } from './contract.ts';
import { type Correlation, EventCorrelator } from './event-correlator.ts';
import { pause } from './pause.ts';

/** Where events say they come from: `{ component: 'kubelet', host: 'node-1' }`. */
export interface EventOrigin {
  readonly component: string;
  readonly host?: string;
}

interface Pending {
  readonly about: ObjectReference;
  readonly revision: number;
  readonly type: string;
  readonly time: number;
  readonly reason: string;
  readonly correlation: Correlation;
}

/** Events that wait to be written; beyond that, the oldest are given up. */
const maxPending = 1000;
/** As client-go: an event that the server does not take is tried so many times, at this distance. */
const maxTries = 12;
const retryMs = 10_000;

/**
 * Publishes Events in the background, one at a time: `event` only notes them, `run` writes them until its signal is
 * aborted. Repetitions are merged by EventCorrelator. client-go: EventBroadcaster and EventRecorder.
 */
export function createEventRecorder(env: Environment, origin: EventOrigin): EventRecorder & Runnable {
  return new Recorder(env, origin);
}

class Recorder implements EventRecorder, Runnable {
  readonly name: string;
  readonly #env: Environment;
  readonly #origin: EventOrigin;
  readonly #correlator = new EventCorrelator();
  readonly #pending: Pending[] = [];
  #lastName = 0n;
  #wake: (() => void) | undefined;

  constructor(env: Environment, origin: EventOrigin) {
    this.name = `events of ${origin.component}`;
    this.#origin = origin;
    this.#env = {
      ...env,
      random: env.random.fork(`events/${origin.component}/${origin.host ?? ''}`),
      client: env.client.as(origin.component),
    };
  }

  event(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { apiVersion, kind, metadata } = object;
    const about: ObjectReference = {
      apiVersion,
      kind,
      name: metadata.name,
      ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
      uid: metadata.uid,
      resourceVersion: metadata.resourceVersion,
    };
    const time = this.#env.clock.now();
    const subject = JSON.stringify([kind, metadata.namespace, metadata.name, metadata.uid]);
    const correlation = this.#correlator.correlate({ subject, type, reason, message }, time);
    if (!correlation) return;
    if (this.#pending.length >= maxPending) this.#pending.shift();
    this.#pending.push({ about, revision: Number(metadata.resourceVersion), type, time, reason, correlation });
    this.#wake?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#wake?.();
    signal.addEventListener('abort', onAbort, { once: true });
    while (!signal.aborted) {
      const next = this.#pending.shift();
      if (next) await this.#deliver(next, signal);
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    signal.removeEventListener('abort', onAbort);
  }

  async #deliver(pending: Pending, signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#write(pending, signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        // The server has looked at it and said no: it would say so again (a namespace that is going away, for one).
        const refused = isApiError(error) && error.code >= 400 && error.code < 500 && error.code !== 429;
        if (refused || tries >= maxTries) {
          this.#env.log.warn('an event was not written', {
            event: pending.reason,
            about: `${pending.about.kind}/${pending.about.name}`,
            error,
          });
          return;
        }
        await pause(this.#env.clock, retryMs * (tries === 1 ? this.#env.random.next() : 1), signal);
      }
    }
  }

  async #write(pending: Pending, signal: AbortSignal): Promise<void> {
    const { about, correlation, time } = pending;
    const client = this.#env.client.because(pending.revision > 0 ? [pending.revision] : []).resource(events);
    const options = { namespace: about.namespace ?? 'default', signal };
    const name = this.#correlator.nameOf(correlation.key);
    if (name !== undefined) {
      try {
        const body = { count: correlation.count, lastTimestamp: formatTime(time), message: correlation.message };
        await client.patch(name, { type: 'merge', body }, options);
        return;
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    for (;;) {
      const draft = this.#draft(pending, options.namespace);
      try {
        await client.create(draft, options);
        this.#correlator.written(correlation.key, draft.metadata.name);
        return;
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
    }
  }
  #draft(pending: Pending, namespace: string): Draft<Event> & { readonly metadata: { readonly name: string } } {
    const { about, correlation, type, reason, time } = pending;
    const { component, host } = this.#origin;
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${about.name}.${this.#nanoseconds(time).toString(16)}`, namespace },
      involvedObject: about,
      reason,
      message: correlation.message,
      source: { component, ...(host ? { host } : {}) },
      firstTimestamp: formatTime(correlation.firstTime),
      lastTimestamp: formatTime(time),
      count: correlation.count,
      type,
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
  }
  /**
   * Kubernetes names events by the object and the time in nanoseconds, in hexadecimal; what the clock does not tell
   * below a millisecond is drawn. Never less than before, so that a list of events, which is sorted by name, tells
   * what happened to an object in the order in which it happened.
   */
  #nanoseconds(time: number): bigint {
    const drawn = BigInt(time) * 1_000_000n + BigInt(randomInt(this.#env.random, 1_000_000));
    this.#lastName = drawn > this.#lastName ? drawn : this.#lastName + 1n + BigInt(randomInt(this.#env.random, 1000));
    return this.#lastName;
  }
}
