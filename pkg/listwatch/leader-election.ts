import { isAlreadyExists, isConflict, isNotFound } from '../api/errors.ts';
import type { Lease, LeaseSpec } from '../api/generated/coordination-v1.ts';
import { leases } from '../api/generated/resources.ts';
import type { Draft } from '../api/object.ts';
import { formatMicroTime } from '../clock/clock.ts';
import { jitter } from '../clock/random.ts';
import type { Environment } from './contract.ts';
import { pause } from './pause.ts';

export interface LeaderElectionOptions {
  /** The Lease that candidates compete for. */
  readonly lease: { readonly namespace: string; readonly name: string };
  /** Unique among the candidates. */
  readonly identity: string;
  /** How long others wait after a leader's last sign of life before they take over. Default 15 s. */
  readonly leaseDurationMs?: number;
  /** A leader that could not renew for so long stops leading. Shorter than the lease's duration. Default 10 s. */
  readonly renewDeadlineMs?: number;
  /** Between two tries to acquire or renew. Default 2 s. */
  readonly retryPeriodMs?: number;
  /** Leads until its signal is aborted, and then ends everything it began. */
  lead(signal: AbortSignal): Promise<void>;
  /** Called when another candidate, or this one, is seen to lead. */
  onNewLeader?(identity: string): void;
}

/** What a candidate knows of the lease: the spec seen last, and when it saw that, by its own clock. */
export interface Observation {
  readonly spec: LeaseSpec;
  readonly seenAt: number;
}

/**
 * May `identity` take or keep the lease at `now`? Nobody compares clocks of two machines: a lease has run out when
 * this candidate has seen it unchanged for its whole duration.
 */
export function mayHold(identity: string, observed: Observation | undefined, now: number): boolean {
  if (!observed) return true;
  const { holderIdentity, leaseDurationSeconds = 0 } = observed.spec;
  return !holderIdentity || holderIdentity === identity || observed.seenAt + leaseDurationSeconds * 1000 <= now;
}

/**
 * Takes part in the election until the signal is aborted: waits for the lease, leads while it can renew it, and
 * gives it back at the end so that the next need not wait. Returns also when leadership is lost (the caller decides
 * whether to stand again) and throws what `lead` throws. At most one candidate leads at any time, as long as no
 * candidate's clock runs faster than another's by more than leaseDuration / renewDeadline.
 * client-go: tools/leaderelection.
 */
export async function runLeaderElection(env: Environment, options: LeaderElectionOptions, signal: AbortSignal): Promise<void> {
  const { lease, identity, leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = options;
  const random = env.random.fork(`leader-election/${lease.name}/${identity}`);
  const log = env.log.child({ lease: `${lease.namespace}/${lease.name}`, identity });
  const client = env.client.resource(leases);
  let observed: Observation | undefined;
  let leader: string | undefined;

  const observe = (spec: LeaseSpec): void => {
    const known = observed?.spec;
    if (
      !known ||
      known.holderIdentity !== spec.holderIdentity ||
      known.renewTime !== spec.renewTime ||
      known.acquireTime !== spec.acquireTime
    ) {
      observed = { spec, seenAt: env.clock.monotonic() };
    }
    if (spec.holderIdentity && spec.holderIdentity !== leader) {
      leader = spec.holderIdentity;
      options.onNewLeader?.(leader);
    }
  };

  const tryHold = async (stop: AbortSignal): Promise<boolean> => {
    const now = formatMicroTime(env.clock.now());
    const mine = { holderIdentity: identity, leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000), renewTime: now };
    const current = await client.get(lease.name, { namespace: lease.namespace, signal: stop }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (!current) {
      const draft: Draft<Lease> = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: lease,
        spec: { ...mine, acquireTime: now, leaseTransitions: 0 },
      };
      observe((await client.create(draft, { namespace: lease.namespace, signal: stop })).spec);
      return true;
    }
    observe(current.spec);
    if (!mayHold(identity, observed, env.clock.monotonic())) return false;
    const held = current.spec.holderIdentity === identity;
    const spec: LeaseSpec = {
      ...current.spec,
      ...mine,
      acquireTime: held ? (current.spec.acquireTime ?? now) : now,
      leaseTransitions: (current.spec.leaseTransitions ?? 0) + (held ? 0 : 1),
    };
    // The resourceVersion in it makes this a compare-and-set: of several candidates one wins.
    observe((await client.update({ ...current, spec }, { namespace: lease.namespace, signal: stop })).spec);
    return true;
  };

  /** Like tryHold, but a failure is a "no". */
  const attempt = async (stop: AbortSignal): Promise<boolean> => {
    try {
      return await tryHold(stop);
    } catch (error) {
      if (!stop.aborted && !isConflict(error) && !isAlreadyExists(error)) log.warn('the lease could not be acquired or renewed', { error });
      return false;
    }
  };

  while (!signal.aborted && !(await attempt(signal))) await pause(env.clock, jitter(random, retryPeriodMs, 1.2), signal);
  if (signal.aborted) return;

  log.info('leading');
  const term = new AbortController();
  const onAbort = (): void => term.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  let failure: { readonly error: unknown } | undefined;
  const leading = options
    .lead(term.signal)
    .catch((error: unknown) => {
      if (!(term.signal.aborted && error === term.signal.reason)) failure = { error };
    })
    .finally(() => term.abort(new Error('the work of the leader has ended')));

  let renewed = env.clock.monotonic();
  while (!term.signal.aborted) {
    await pause(env.clock, retryPeriodMs, term.signal);
    if (term.signal.aborted) break;
    // A renewal that hangs must not outlive the deadline: the term ends in time, answered or not.
    const deadline = env.clock.setTimer(renewed + renewDeadlineMs - env.clock.monotonic(), () => {
      log.warn('leadership lost: the lease was not renewed in time');
      term.abort(new Error('leadership lost'));
    });
    if (await attempt(term.signal)) renewed = env.clock.monotonic();
    deadline.cancel();
    if (!term.signal.aborted && env.clock.monotonic() - renewed >= renewDeadlineMs) term.abort(new Error('leadership lost'));
  }
  signal.removeEventListener('abort', onAbort);
  await leading;
  await release();
  if (failure) throw failure.error;

  async function release(): Promise<void> {
    const patience = new AbortController();
    const timer = env.clock.setTimer(retryPeriodMs, () => patience.abort(new Error('the server did not answer in time')));
    const call = { namespace: lease.namespace, signal: patience.signal };
    try {
      const current = await client.get(lease.name, call);
      if (current.spec.holderIdentity !== identity) return;
      const spec: LeaseSpec = { ...current.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: formatMicroTime(env.clock.now()) };
      await client.update({ ...current, spec }, call);
    } catch (error) {
      log.debug('the lease was not given back', { error });
    } finally {
      timer.cancel();
    }
  }
}
