import { connectivityState, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { StoreError } from '../store.ts';
import { createMember, type Member, type Tls, type UnaryMethods, type WatchCall } from './protocol.ts';

export interface EtcdOptions {
  /** `http://host:port` or `https://host:port` of the cluster's members, in order of preference. */
  readonly endpoints: readonly string[];
  /** With https endpoints. */
  readonly tls?: Tls;
  /** Milliseconds until one member has to answer, before another is asked; default 5,000. */
  readonly attemptTimeout?: number;
  /** Milliseconds until a call is given up altogether; default 15,000. */
  readonly callTimeout?: number;
}

export interface CallControl {
  /** It may be sent again when its fate is unknown: reads may, writes may not. */
  readonly repeatable: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly timeout?: number;
}

/**
 * The members of one cluster. Calls go to one of them, as long as it answers; when it does not, the next one is
 * preferred. What is certain not to have happened is tried again until its time is over; what may have happened is
 * tried again only if it is repeatable.
 */
export class EtcdConnection {
  readonly #members: readonly Member[];
  readonly #attemptTimeout: number;
  readonly #callTimeout: number;
  readonly #versions = new Map<Member, { version: string; until: number }>();
  #preferred = 0;
  #closed = false;

  constructor(options: EtcdOptions) {
    if (options.endpoints.length === 0) throw new StoreError('Invalid', 'etcd: no endpoints');
    this.#members = options.endpoints.map((endpoint) => {
      const url = URL.parse(endpoint);
      if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
        throw new StoreError('Invalid', `etcd: "${endpoint}" is no http(s) URL`);
      const tls = url.protocol === 'https:' ? (options.tls ?? {}) : undefined;
      return createMember(url.hostname, url.port || '2379', tls, channelOptions);
    });
    this.#attemptTimeout = options.attemptTimeout ?? 5_000;
    this.#callTimeout = options.callTimeout ?? 15_000;
  }

  async call<M extends keyof UnaryMethods>(method: M, request: UnaryMethods[M][0], control: CallControl): Promise<UnaryMethods[M][1]> {
    control.signal?.throwIfAborted();
    const end = performance.now() + (control.timeout ?? this.#callTimeout);
    for (let attempt = 0; ; attempt++) {
      const index = this.#preferred;
      const member = this.#members[index] as Member;
      const deadline = Math.min(end, performance.now() + (control.timeout ?? this.#attemptTimeout));
      let failure: StoreError;
      try {
        await this.#ready(member, deadline);
        return await this.#send(member, method, request, deadline, control.signal);
      } catch (error) {
        const fault = error instanceof NotSent || error instanceof StoreError ? error : explain(error as ServiceError);
        if (!(fault instanceof StoreError && fault.code === 'Unknown' && !control.repeatable)) control.signal?.throwIfAborted();
        if (fault instanceof StoreError && (fault.code !== 'Unknown' || !control.repeatable)) throw fault;
        failure = fault instanceof StoreError ? fault : new StoreError('Unavailable', `etcd: ${fault.message}`, { cause: error });
      }
      this.#leave(index);
      if (this.#closed) throw new StoreError('Closed', 'the store has been closed');
      // All members once without delay, then with pauses.
      const delay = attempt + 1 < this.#members.length ? 0 : Math.min(1_000, 50 * 2 ** (attempt + 1 - this.#members.length));
      if (performance.now() + delay >= end) throw new StoreError('Unavailable', failure.message, { cause: failure });
      await sleep(delay, control.signal);
    }
  }

  /** A watch stream to the preferred member, once that can be reached. `leave`: prefer another one from now on. */
  async watch(signal: AbortSignal): Promise<{ call: WatchCall; answersProgress: boolean; leave: () => void }> {
    const index = this.#preferred;
    const member = this.#members[index] as Member;
    try {
      await this.#ready(member, performance.now() + this.#attemptTimeout);
      const version =
        this.#knownVersion(member) ?? (await this.#send(member, 'Status', {}, performance.now() + this.#attemptTimeout, undefined)).version;
      signal.throwIfAborted();
      return { call: member.watch(requireLeader()), answersProgress: answersProgress(version), leave: () => this.#leave(index) };
    } catch (error) {
      this.#leave(index);
      throw error;
    }
  }

  /** Whether the member that is asked at present answers progress requests. */
  async answersProgress(): Promise<boolean> {
    const known = this.#knownVersion(this.#members[this.#preferred] as Member);
    return answersProgress(known ?? (await this.call('Status', {}, { repeatable: true })).version);
  }

  close(): void {
    this.#closed = true;
    for (const member of this.#members) member.close();
  }

  /** Servers are exchanged for newer ones, but not often. */
  #knownVersion(member: Member): string | undefined {
    const known = this.#versions.get(member);
    return known && performance.now() < known.until ? known.version : undefined;
  }

  /** Prefers another member than this one, unless somebody has done so already. */
  #leave(index: number): void {
    if (this.#preferred === index) this.#preferred = (index + 1) % this.#members.length;
  }

  /** Nothing is sent before there is a connection, so that a member that is down leaves no write in doubt. */
  #ready(member: Member, deadline: number): Promise<void> {
    if (this.#closed) return Promise.reject(new StoreError('Closed', 'the store has been closed'));
    const channel = member.client.getChannel();
    if (channel.getConnectivityState(true) === connectivityState.READY) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const until = Math.min(deadline, performance.now() + connectTimeout);
      member.client.waitForReady(onWallClock(until), (error) =>
        error ? reject(new NotSent(`no connection to ${channel.getTarget().replace(/^dns:/, '')}`)) : resolve(),
      );
    });
  }

  #send<M extends keyof UnaryMethods>(
    member: Member,
    method: M,
    request: UnaryMethods[M][0],
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<UnaryMethods[M][1]> {
    return new Promise((resolve, reject) => {
      const call = member.unary[method](request, requireLeader(), { deadline: onWallClock(deadline) }, (error, response) => {
        signal?.removeEventListener('abort', cancel);
        if (error || !response) {
          reject(error ?? new Error('no response'));
          return;
        }
        if ('version' in response) this.#versions.set(member, { version: response.version, until: performance.now() + versionLifetime });
        resolve(response);
      });
      const cancel = (): void => call.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }
}

/** A call that certainly changed nothing, and may be made again. */
class NotSent extends Error {}

/** Sorts an error that a member (or gRPC) reported; `Unknown` for everything that leaves the outcome open. */
function explain(error: ServiceError): StoreError | NotSent {
  const text = error.details || error.message;
  const options = { cause: error };
  if (text.includes('has been compacted')) return new StoreError('Compacted', `etcd: ${text}`, options);
  if (text.includes('future revision')) return new StoreError('FutureRevision', `etcd: ${text}`, options);
  if (text.includes('database space exceeded')) {
    return new StoreError('NoSpace', 'etcd: its database is full: compact and defragment it, then clear its NOSPACE alarm', options);
  }
  if (text.includes('no leader') || text.includes('too many requests') || text.includes('not supported for learner'))
    return new NotSent(text);
  switch (error.code) {
    case status.INVALID_ARGUMENT:
      return new StoreError('Invalid', `etcd: ${text}`, options);
    case status.RESOURCE_EXHAUSTED:
      return new StoreError('Invalid', `etcd: ${text}`, options);
    case status.PERMISSION_DENIED:
    case status.UNAUTHENTICATED:
    case status.UNIMPLEMENTED:
      return new StoreError('Unavailable', `etcd: ${text}`, options);
    default:
      return new StoreError('Unknown', `etcd: ${text}: whether it happened is not known`, options);
  }
}

/** gRPC takes its deadlines on the wall clock, which may jump in between; here they are kept on the other one. */
function onWallClock(deadline: number): number {
  return Date.now() + (deadline - performance.now());
}

/** A member that has lost its cluster answers at once instead of never. */
function requireLeader(): Metadata {
  const metadata = new Metadata();
  metadata.set('hasleader', 'true');
  return metadata;
}

const connectTimeout = 2_000;
const versionLifetime = 60_000;
const channelOptions = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  // Whether a call may be sent again is decided here alone.
  'grpc.enable_retries': 0,
  // etcd takes pings every 5 s for an attack; a paused member is noticed after 15 s.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
};

export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Servers that answer progress requests, and only after the events before it: 3.4.31, 3.5.13, 3.6. */
export function answersProgress(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  if (major !== 3 || minor > 5) return major > 3 || minor > 5;
  return minor === 5 ? patch >= 13 : minor === 4 && patch >= 31;
}
