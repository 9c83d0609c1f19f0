import { isNotFound } from '../api/errors.ts';
import type { Pod, PodCondition, PodStatus } from '../api/generated/core-v1.ts';
import { pods } from '../api/generated/resources.ts';
import type { Client } from '../client/client.ts';
import type { Clock, Timer } from '../clock/clock.ts';
import type { Logger } from '../log/log.ts';
import { withDeadline } from './deadline.ts';

/** The fields that are the kubelet's to say; the server and others own the rest of a pod's status. */
const ownFields = [
  'observedGeneration',
  'phase',
  'reason',
  'message',
  'hostIP',
  'hostIPs',
  'podIP',
  'podIPs',
  'startTime',
  'initContainerStatuses',
  'containerStatuses',
  'ephemeralContainerStatuses',
] as const satisfies readonly (keyof PodStatus)[];
export const ownConditions: ReadonlySet<string> = new Set([
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
]);

const requestTimeout = 10_000;
const firstRetry = 1000;
const longestRetry = 10_000;

interface Entry {
  pod: Pod;
  /** What this node says; undefined until it has said something. */
  status: PodStatus | undefined;
  /** The pod is over here: delete it once its last status has been told, if its deletion was asked for. */
  finished: boolean;
  deleted: boolean;
  writing: boolean;
  failures: number;
  retry: Timer | undefined;
}

/**
 * Tells the API server what has become of pods: each change at once, one request a pod at a time, again until it is
 * taken. Also the last step of a deletion: the final status, then the delete with no grace left.
 *
 * Guarantees: statuses of one pod arrive in the order they were set, though some may be skipped; what others write
 * over is put right when the informer shows it; a pod of the same name with another uid is never touched.
 */
export class StatusManager {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #entries = new Map<string, Entry>();
  #signal: AbortSignal | undefined;

  constructor(options: { readonly client: Client; readonly clock: Clock; readonly log: Logger }) {
    this.#client = options.client;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Writes until the signal is aborted; what was set before is written first. */
  start(signal: AbortSignal): void {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#stop(), { once: true });
    for (const uid of this.#entries.keys()) this.#write(uid);
  }

  /** What was said last about the pod, else what the API server has. */
  statusOf(pod: Pod): PodStatus {
    const entry = this.#entries.get(pod.metadata.uid);
    if (!entry?.status) return pod.status;
    // Others' conditions as they are now.
    const others = (entry.pod.status.conditions ?? []).filter(({ type }) => !ownConditions.has(type));
    const own = (entry.status.conditions ?? []).filter(({ type }) => ownConditions.has(type));
    return { ...entry.pod.status, ...entry.status, conditions: [...own, ...others] };
  }

  /** The pod as the server shows it now: which answers, so that what it did not take may be told again. */
  see(pod: Pod): void {
    const entry = this.#entry(pod);
    entry.retry?.cancel();
    entry.retry = undefined;
    if (Number(pod.metadata.resourceVersion) > Number(entry.pod.metadata.resourceVersion)) entry.pod = pod;
    this.#write(pod.metadata.uid);
  }

  set(pod: Pod, status: PodStatus): void {
    this.#entry(pod).status = status;
    this.#write(pod.metadata.uid);
  }

  /** Nothing of the pod runs here any more, and nothing will. */
  finish(pod: Pod): void {
    this.#entry(pod).finished = true;
    this.#write(pod.metadata.uid);
  }

  forget(uid: string): void {
    this.#entries.get(uid)?.retry?.cancel();
    this.#entries.delete(uid);
  }

  #entry(pod: Pod): Entry {
    const uid = pod.metadata.uid;
    let entry = this.#entries.get(uid);
    if (!entry) {
      entry = { pod, status: undefined, finished: false, deleted: false, writing: false, failures: 0, retry: undefined };
      this.#entries.set(uid, entry);
    }
    return entry;
  }

  #stop(): void {
    this.#signal = undefined;
    for (const { retry } of this.#entries.values()) retry?.cancel();
  }

  #write(uid: string): void {
    const entry = this.#entries.get(uid);
    if (!entry || entry.writing || entry.retry || !this.#signal || !this.#pending(entry)) return;
    entry.writing = true;
    void this.#writeAll(uid, entry, this.#signal);
  }

  #pending(entry: Entry): boolean {
    return statusPatch(entry) !== undefined || mayDelete(entry);
  }

  /** Never rejects. Invariant: `writing` falls in the same step in which nothing was left to write. */
  async #writeAll(uid: string, entry: Entry, signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted && this.#entries.get(uid) === entry && this.#pending(entry)) {
        const { status } = entry;
        await withDeadline(this.#clock, requestTimeout, signal, (inner) => this.#writeOne(entry, inner));
        if (entry.status === status && statusPatch(entry)) throw new Error('the server keeps something else than what it was told');
        entry.failures = 0;
      }
    } catch (error) {
      if (!signal.aborted) this.#failed(uid, entry, error);
    } finally {
      entry.writing = false;
    }
  }

  #failed(uid: string, entry: Entry, error: unknown): void {
    if (isNotFound(error)) {
      // The informer will say so; until then there is nobody to tell.
      entry.deleted = true;
      entry.status = undefined;
      return;
    }
    entry.failures++;
    this.#log.warn('the status of a pod was not taken', { pod: entry.pod.metadata.name, namespace: entry.pod.metadata.namespace, error });
    entry.retry = this.#clock.setTimer(Math.min(firstRetry * 2 ** (entry.failures - 1), longestRetry), () => {
      entry.retry = undefined;
      this.#write(uid);
    });
  }

  async #writeOne(entry: Entry, signal: AbortSignal): Promise<void> {
    const { name, namespace = '', uid } = entry.pod.metadata;
    const revision = Number(entry.pod.metadata.resourceVersion);
    const client = this.#client.because(revision > 0 ? [revision] : []).resource(pods);
    const patch = statusPatch(entry);
    if (patch) {
      const body = { metadata: { uid }, status: patch };
      const told = await client.patch(name, { type: 'strategic', body }, { namespace, subresource: 'status', signal });
      if (Number(told.metadata.resourceVersion) >= Number(entry.pod.metadata.resourceVersion)) entry.pod = told;
    } else {
      await client.delete(name, { namespace, gracePeriodSeconds: 0, preconditions: { uid }, signal });
      entry.deleted = true;
    }
  }
}

function mayDelete(entry: Entry): boolean {
  return entry.finished && !entry.deleted && entry.pod.metadata.deletionTimestamp !== undefined;
}

/**
 * What has to change for the server to have what this node says, as a strategic merge patch of the status: absent
 * fields are removed, lists that merge by key lose what is no longer in them. Undefined: nothing.
 */
function statusPatch({ pod, status }: Entry): Record<string, unknown> | undefined {
  if (!status) return undefined;
  const patch: Record<string, unknown> = {};
  for (const field of ownFields) {
    if (same(status[field], pod.status[field])) continue;
    patch[field] = status[field] ?? null;
    if (field === 'podIPs' || field === 'hostIPs') patch[field] = replacingIPs(pod.status[field] ?? [], status[field] ?? []);
  }
  const own = (conditions: readonly PodCondition[] | undefined): PodCondition[] =>
    (conditions ?? []).filter(({ type }) => ownConditions.has(type));
  const byType = (conditions: readonly PodCondition[]): Record<string, PodCondition> =>
    Object.fromEntries(conditions.map((condition) => [condition.type, condition]));
  const wanted = own(status.conditions);
  const before = byType(own(pod.status.conditions));
  if (!same(byType(wanted), before)) patch['conditions'] = wanted.map((condition) => replacing(before[condition.type], condition));
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/** Conditions merge by type, field by field: one that has lost its reason must say so. */
function replacing(before: PodCondition | undefined, after: PodCondition): Record<string, unknown> {
  const lost = Object.keys(before ?? {}).filter((field) => !(field in after));
  return { ...after, ...Object.fromEntries(lost.map((field) => [field, null])) };
}

function replacingIPs(before: readonly { readonly ip: string }[], after: readonly { readonly ip: string }[]): unknown[] {
  const gone = before.filter(({ ip }) => !after.some((kept) => kept.ip === ip));
  return [...after, ...gone.map(({ ip }) => ({ $patch: 'delete', ip }))];
}

/** Equal as JSON; `null` is as good as absent, and so is an empty object, which the server puts where Go has structs. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isEmpty(a) && isEmpty(b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((element, i) => same(element, b[i]));
  }
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) => same(left[key], right[key]));
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}
