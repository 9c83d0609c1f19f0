import type { Job, JobCondition, JobStatus } from '../../api/generated/batch-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { findCondition, withCondition } from '../conditions.ts';
import { isPodActive, isPodReady, isPodTerminating, timeOf } from '../pod-state.ts';
import { formatIndexes, parseIndexes } from './index-set.ts';
import { earlierFailures, finishTime, indexOf, isFailed, isIndexed, isSucceeded, isTracked, replacesOnlyFailed } from './job-pods.ts';
import { failureAction, metSuccessRule } from './policies.ts';

export interface ObservedJob {
  readonly job: Job;
  /** Those that the Job controls. */
  readonly pods: readonly Pod[];
  /** Milliseconds since the epoch, and the same as an API time. */
  readonly now: number;
  readonly time: string;
}

export interface JobPlan {
  /** Written first. */
  readonly status: JobStatus;
  /** Pods that need not be counted any more, mostly because the status accounts for them: once it is written, their finalizers can go. */
  readonly release: readonly Pod[];
  readonly remove: readonly Pod[];
  /** One entry a pod: its index and that index's failures so far, where they matter. */
  readonly create: readonly { readonly index: number | undefined; readonly failures: number | undefined }[];
  readonly after: number | undefined;
}

interface Verdict {
  readonly type: 'FailureTarget' | 'SuccessCriteriaMet';
  readonly reason: string;
  readonly message: string;
}

/** Between failures: 10 s, doubling up to 10 minutes; as kube-controller-manager. */
const backoffMs = 10_000;
const maxBackoffMs = 600_000;
/** No more pods in one go. */
const burst = 500;

export function isFinished({ status }: Job): boolean {
  return status.conditions?.some(({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True') === true;
}

/**
 * One look at a Job. An ended pod is counted exactly once, whatever breaks: its uid stands in `uncounted` before its
 * finalizer is taken off, and it is added to the counters when its finalizer is seen to be gone. (Succeeded pods of
 * an Indexed Job need no such care: their index is in a set.)
 */
export function decideJob({ job, pods, now, time }: ObservedJob): JobPlan {
  const counted = count(job, pods);
  const active = pods.filter(isPodActive);
  const terminating = pods.filter(isPodTerminating);
  const release = pods.filter((pod) => isTracked(pod) && (isSucceeded(pod) || isFailed(job, pod)));
  if (isFinished(job)) return { status: counted.status, release: pods.filter(isTracked), remove: [], create: [], after: undefined };

  const suspended = job.spec.suspend === true;
  let { conditions = [] } = job.status;
  const startTime = suspended ? undefined : (job.status.startTime ?? time);
  const set = (type: string, is: 'True' | 'False', reason: string, message: string): void => {
    const next: JobCondition = { type, status: is, reason, message, lastProbeTime: time, lastTransitionTime: time };
    conditions = withCondition(conditions, next);
  };
  const verdict = standingVerdict(conditions) ?? judge(job, pods, counted, startTime, now);
  const { startTime: _, ...kept } = counted.status;
  const base = { ...kept, active: active.length, ready: active.filter(isPodReady).length, terminating: terminating.length };

  if (verdict) {
    set(verdict.type, 'True', verdict.reason, verdict.message);
    // It is over when nothing of it runs any more, and all are counted: who starts a successor can be sure of that.
    const { succeeded = [], failed = [] } = counted.status.uncountedTerminatedPods ?? {};
    const over = active.length + terminating.length + succeeded.length + failed.length === 0;
    const success = verdict.type === 'SuccessCriteriaMet';
    if (over) set(success ? 'Complete' : 'Failed', 'True', verdict.reason, verdict.message);
    const completionTime = over && success ? { completionTime: time } : {};
    const status = compact({ ...base, ...(startTime ? { startTime } : {}), ...completionTime, conditions });
    return { status, release, remove: active, create: [], after: undefined };
  }

  if (suspended) set('Suspended', 'True', 'JobSuspended', 'Job suspended');
  else if (findCondition(conditions, 'Suspended')?.status === 'True') set('Suspended', 'False', 'JobResumed', 'Job resumed');
  const resumed = !suspended && findCondition(job.status.conditions, 'Suspended')?.status === 'True';
  const start = resumed ? time : startTime;
  const status = compact({ ...base, ...(start ? { startTime: start } : {}), conditions });
  const deadline =
    start && job.spec.activeDeadlineSeconds !== undefined ? (timeOf(start) as number) + job.spec.activeDeadlineSeconds * 1000 : undefined;
  const untilDeadline = deadline === undefined ? undefined : Math.max(0, deadline - now);
  // What this loop itself takes away is let go first, so that it does not count as failed.
  if (suspended) return { status, release: [...release, ...active], remove: active, create: [], after: undefined };

  const wanted = wantedActive(job, counted, active.length);
  if (active.length > wanted) {
    const remove = leastAdvanced(active).slice(0, active.length - wanted);
    return { status, release: [...release, ...remove], remove, create: [], after: untilDeadline };
  }
  const waiting = replacesOnlyFailed(job) ? terminating.length : 0;
  const missing = Math.min(burst, wanted - active.length - waiting);
  if (missing <= 0) return { status, release, remove: [], create: [], after: untilDeadline };
  const backoff = isIndexed(job) && job.spec.backoffLimitPerIndex !== undefined ? 0 : remainingBackoff(job, pods, now);
  if (backoff > 0) return { status, release, remove: [], create: [], after: Math.min(backoff, untilDeadline ?? backoff) };
  const create = isIndexed(job)
    ? nextIndexes(job, pods, counted, missing)
    : Array.from({ length: missing }, () => ({ index: undefined, failures: undefined }));
  return { status, release, remove: [], create, after: untilDeadline };
}

interface Counted {
  readonly status: JobStatus;
  /** With those that are not counted yet. */
  readonly succeeded: number;
  readonly failed: number;
  readonly completed: ReadonlySet<number>;
  readonly failedIndexes: ReadonlySet<number>;
}

function count(job: Job, pods: readonly Pod[]): Counted {
  const { status, spec } = job;
  const indexed = isIndexed(job);
  const completions = spec.completions ?? 0;
  const tracked = new Set(pods.filter(isTracked).map(({ metadata }) => metadata.uid));
  const before = { succeeded: status.uncountedTerminatedPods?.succeeded ?? [], failed: status.uncountedTerminatedPods?.failed ?? [] };
  const known = new Set([...before.succeeded, ...before.failed]);
  const fresh = pods.filter((pod) => isTracked(pod) && !known.has(pod.metadata.uid));
  const completed = new Set(parseIndexes(status.completedIndexes, completions));
  if (indexed) {
    for (const pod of pods.filter((each) => isTracked(each) && isSucceeded(each))) {
      const index = indexOf(job, pod);
      if (index !== undefined) completed.add(index);
    }
  }
  const freshFailed = fresh.filter((pod) => !isSucceeded(pod) && isFailed(job, pod));
  // What a rule says to ignore is released without being counted.
  const countedFailed = freshFailed.filter((pod) => failureAction(job, pod).action !== 'Ignore');
  const uncounted = {
    succeeded: [
      ...before.succeeded.filter((uid) => tracked.has(uid)),
      ...(indexed ? [] : fresh.filter(isSucceeded).map(({ metadata }) => metadata.uid)),
    ],
    failed: [...before.failed.filter((uid) => tracked.has(uid)), ...countedFailed.map(({ metadata }) => metadata.uid)],
  };
  const gone = (uids: readonly string[]): number => uids.filter((uid) => !tracked.has(uid)).length;
  const succeeded = indexed ? completed.size : (status.succeeded ?? 0) + gone(before.succeeded);
  const failed = (status.failed ?? 0) + gone(before.failed);
  const failedIndexes = new Set(parseIndexes(status.failedIndexes, completions));
  if (indexed && spec.backoffLimitPerIndex !== undefined) {
    for (const pod of pods.filter((each) => !isSucceeded(each) && isFailed(job, each))) {
      const index = indexOf(job, pod);
      const { action } = failureAction(job, pod);
      const failures = earlierFailures(pod) + (action === 'Ignore' ? 0 : 1);
      if (index !== undefined && !completed.has(index) && (action === 'FailIndex' || failures > spec.backoffLimitPerIndex))
        failedIndexes.add(index);
    }
  }
  return {
    succeeded: succeeded + uncounted.succeeded.length,
    failed: failed + uncounted.failed.length,
    completed,
    failedIndexes,
    status: compact({
      ...status,
      succeeded,
      failed,
      ...(indexed ? { completedIndexes: formatIndexes(completed) } : {}),
      ...(spec.backoffLimitPerIndex === undefined ? {} : { failedIndexes: formatIndexes(failedIndexes) }),
      uncountedTerminatedPods: {
        ...(uncounted.succeeded.length > 0 ? { succeeded: uncounted.succeeded } : {}),
        ...(uncounted.failed.length > 0 ? { failed: uncounted.failed } : {}),
      },
    }),
  };
}

/** What was decided earlier stands. */
function standingVerdict(conditions: readonly JobCondition[]): Verdict | undefined {
  for (const type of ['FailureTarget', 'SuccessCriteriaMet'] as const) {
    const found = findCondition(conditions, type);
    if (found?.status === 'True') return { type, reason: found.reason ?? '', message: found.message ?? '' };
  }
  return undefined;
}

function judge(job: Job, pods: readonly Pod[], counted: Counted, startTime: string | undefined, now: number): Verdict | undefined {
  const { spec } = job;
  const failed = (reason: string, message: string): Verdict => ({ type: 'FailureTarget', reason, message });
  const { completions } = spec;

  for (const pod of pods.filter((each) => isTracked(each) && isFailed(job, each) && !isSucceeded(each))) {
    const { action, message } = failureAction(job, pod);
    if (action === 'FailJob') return failed('PodFailurePolicy', message);
  }
  if (isIndexed(job) && completions !== undefined) {
    const rule = metSuccessRule(spec.successPolicy, counted.completed, completions);
    if (rule !== undefined) return { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: `Matched rules at index ${rule}` };
  }
  const limit = spec.backoffLimit ?? (spec.backoffLimitPerIndex === undefined ? 6 : Number.POSITIVE_INFINITY);
  if (counted.failed > limit || restartsExceed(job, pods, limit))
    return failed('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  if (
    startTime !== undefined &&
    spec.activeDeadlineSeconds !== undefined &&
    now >= (timeOf(startTime) as number) + spec.activeDeadlineSeconds * 1000
  ) {
    return failed('DeadlineExceeded', 'Job was active longer than specified deadline');
  }
  if (spec.maxFailedIndexes !== undefined && counted.failedIndexes.size > spec.maxFailedIndexes) {
    return failed('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
  }
  const done = { type: 'SuccessCriteriaMet', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' } as const;
  if (completions === undefined) return counted.succeeded > 0 && !pods.some(isPodActive) ? done : undefined;
  if (counted.succeeded >= completions) return done;
  if (counted.failedIndexes.size > 0 && counted.completed.size + counted.failedIndexes.size >= completions)
    return failed('FailedIndexes', 'Job has failed indexes');
  return undefined;
}

/** With restartPolicy OnFailure pods do not fail, they restart. */
function restartsExceed({ spec }: Job, pods: readonly Pod[], limit: number): boolean {
  if (spec.template.spec.restartPolicy !== 'OnFailure') return false;
  const restarts = pods
    .filter(({ status }) => status.phase === 'Running' || status.phase === 'Pending')
    .flatMap(({ status }) => [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** Without completions (a work queue), the first success means that no more are needed. */
function wantedActive({ spec }: Job, counted: Counted, active: number): number {
  const parallelism = spec.parallelism ?? 1;
  if (spec.completions === undefined) return counted.succeeded > 0 ? active : parallelism;
  return Math.max(0, Math.min(parallelism, spec.completions - counted.succeeded - counted.failedIndexes.size));
}

function leastAdvanced(active: readonly Pod[]): Pod[] {
  const rank = (pod: Pod): number => (!pod.spec.nodeName ? 0 : pod.status.phase === 'Pending' ? 1 : isPodReady(pod) ? 3 : 2);
  const born = (pod: Pod): number => timeOf(pod.metadata.creationTimestamp) ?? 0;
  return [...active].sort((a, b) => rank(a) - rank(b) || born(b) - born(a) || (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** Milliseconds to wait after the failures since the last success; told from the pods alone, so also after a restart. */
function remainingBackoff(job: Job, pods: readonly Pod[], now: number): number {
  const lastSuccess = Math.max(0, ...pods.filter(isSucceeded).map(finishTime));
  const failures = pods.filter((pod) => !isSucceeded(pod) && isFailed(job, pod) && finishTime(pod) >= lastSuccess).map(finishTime);
  if (failures.length === 0) return 0;
  const wait = Math.min(maxBackoffMs, backoffMs * 2 ** (failures.length - 1));
  return Math.max(0, Math.max(...failures) + wait - now);
}

/** The lowest indexes that neither run nor are done, with how often they have failed. */
function nextIndexes(job: Job, pods: readonly Pod[], { completed, failedIndexes }: Counted, limit: number): JobPlan['create'] {
  const busy = new Set(
    pods.filter((pod) => isPodActive(pod) || (replacesOnlyFailed(job) && isPodTerminating(pod))).map((pod) => indexOf(job, pod)),
  );
  const next: JobPlan['create'][number][] = [];
  for (let index = 0; index < (job.spec.completions ?? 0) && next.length < limit; index++) {
    if (busy.has(index) || completed.has(index) || failedIndexes.has(index)) continue;
    const failures = pods
      .filter((pod) => indexOf(job, pod) === index && !isSucceeded(pod) && isFailed(job, pod))
      .map((pod) => earlierFailures(pod) + (failureAction(job, pod).action === 'Ignore' ? 0 : 1));
    next.push({ index, failures: job.spec.backoffLimitPerIndex === undefined ? undefined : Math.max(0, ...failures) });
  }
  return next;
}

/** Zero counts and empty sets are absent in the API, but for `ready` and `terminating`. */
function compact(status: JobStatus): JobStatus {
  const out: Record<string, unknown> = { ...status };
  for (const field of ['active', 'succeeded', 'failed', 'completedIndexes'] as const) if (!out[field]) delete out[field];
  if (status.conditions?.length === 0) delete out['conditions'];
  return out;
}
