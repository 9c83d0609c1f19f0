/**
 * The `eviction` subresource: a deletion that asks the pod's disruption budget first.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
 */
import { ApiError, conflict, notFound } from '../../api/errors.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import type { DeleteOptions } from '../../api/generated/meta-v1.ts';
import type { PodDisruptionBudget } from '../../api/generated/policy-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { selectorFromLabelSelector } from '../../api/selectors.ts';
import { formatTime } from '../../clock/clock.ts';
import { filterOf } from '../cache/filter.ts';
import type { Change, RequestContext } from '../contract.ts';
import { child, kube, objectAt, objects, type Raw } from '../raw.ts';
import type { Resource } from '../resource.ts';
import { deleteEntry } from '../verbs/delete.ts';
import { findEntry } from '../verbs/get.ts';
import { type UpdateCall, type Updated, updateEntry } from '../verbs/update.ts';
import { admit, draftOf, mutate, type Write } from '../verbs/write.ts';

/** More pods than these on their way out at once: the disruption controller does not keep up. */
const maxDisrupted = 2_000;

/** Throws TooManyRequests while the budget allows no disruption. */
export async function evictPod(resource: Resource, call: UpdateCall, change: Change): Promise<Updated> {
  const { key, context, declaration } = call;
  const found = await findEntry(resource, key);
  if (!found) throw notFound(declaration, key.name);
  const now = resource.environment.clock.now();
  const write: Write = { resource, declaration, context, key, subresource: 'eviction', operation: 'CREATE', now };
  const { object: eviction } = await mutate(write, draftOf(await change(found.object)), undefined);
  await admit(write, eviction, undefined);
  const options = objectAt(eviction['deleteOptions']) as DeleteOptions;
  const dryRun = context.dryRun || (options.dryRun?.includes('All') ?? false);
  const evicting = { ...context, dryRun };

  const pod = found.object as Pod;
  checkUid(pod, options);
  if (needsBudget(pod)) await takeFromBudget(resource, pod, evicting, now);
  if (needsBudget(pod)) await markDisrupted(resource, { ...call, context: evicting }, now);
  const deleted = await deleteEntry(resource, { declaration, context: evicting, key }, withoutRevision(options));
  return { entry: deleted.entry, created: false };
}

function checkUid(pod: Pod, { preconditions }: DeleteOptions): void {
  if (preconditions?.uid === undefined || preconditions.uid === pod.metadata.uid) return;
  throw conflict(
    { group: '', resource: 'pods' },
    pod.metadata.name,
    `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${pod.metadata.uid}). The object might have been deleted and then recreated`,
  );
}

/** The pod's own marking moves its revision: the caller's has been checked against what was there before. */
function withoutRevision(options: DeleteOptions): DeleteOptions {
  if (options.preconditions?.resourceVersion === undefined) return options;
  const { resourceVersion: _revision, ...preconditions } = options.preconditions;
  return { ...options, preconditions };
}

/** A pod that serves nobody can go at any time. */
function needsBudget({ metadata, status }: Pod): boolean {
  const phase = status?.phase;
  return metadata.deletionTimestamp === undefined && phase !== 'Succeeded' && phase !== 'Failed' && phase !== 'Pending';
}

async function takeFromBudget(resource: Resource, pod: Pod, context: RequestContext, now: number): Promise<void> {
  const budgets = resource.environment.resource('policy', 'poddisruptionbudgets');
  await budgets.cache.ready(true);
  const namespace = pod.metadata.namespace ?? '';
  const inNamespace = budgets.cache.entries(filterOf({ namespace }, budgets.declaration, undefined));
  const concerned = inNamespace
    .map((entry) => entry.object as PodDisruptionBudget)
    .filter(({ spec }) => spec?.selector !== undefined && selectorFromLabelSelector(spec.selector).matches(pod.metadata.labels));
  const [budget, another] = concerned;
  if (!budget) return;
  if (another) {
    const why = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw new ApiError('InternalError', why);
  }
  if (!isReady(pod) && ignoresUnready(budget)) return;
  const { declaration } = budgets;
  const key = { namespace, name: budget.metadata.name };
  await updateEntry(budgets, { declaration, context, key, subresource: 'status' }, (current) =>
    oneLess(current as PodDisruptionBudget & KubeObject, pod.metadata.name, now),
  );
}

function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}

/** Pods that are not ready may go when the budget says so, or when enough others are healthy. */
function ignoresUnready({ spec, status }: PodDisruptionBudget): boolean {
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  return (status?.currentHealthy ?? 0) >= (status?.desiredHealthy ?? 0) && (status?.desiredHealthy ?? 0) > 0;
}

function oneLess(budget: PodDisruptionBudget, pod: string, now: number): KubeObject {
  const { name, generation = 0 } = budget.metadata;
  const draft = draftOf(budget);
  const status = child(draft, 'status');
  const allowed = Number(status['disruptionsAllowed'] ?? 0);
  if (Number(status['observedGeneration'] ?? 0) < generation) {
    throw tooMany(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  if (allowed < 0) throw forbiddenBudget(name, 'pdb disruptions allowed is negative');
  const disrupted = child(status, 'disruptedPods');
  if (Object.keys(disrupted).length > maxDisrupted) {
    throw forbiddenBudget(name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  }
  if (allowed === 0) {
    const { desiredHealthy = 0, currentHealthy = 0 } = status;
    throw tooMany(`The disruption budget ${name} needs ${String(desiredHealthy)} healthy pods and has ${String(currentHealthy)} currently`);
  }
  status['disruptionsAllowed'] = allowed - 1;
  if (allowed === 1) noneLeft(status, generation, now);
  disrupted[pod] = formatTime(now);
  return kube(draft);
}

function noneLeft(status: Raw, generation: number, now: number): void {
  const others = objects(status['conditions']).filter((condition) => condition['type'] !== 'DisruptionAllowed');
  const condition = {
    type: 'DisruptionAllowed',
    status: 'False',
    reason: 'InsufficientPods',
    message: '',
    observedGeneration: generation,
    lastTransitionTime: formatTime(now),
  };
  status['conditions'] = [...others, condition];
}

function tooMany(cause: string, retryAfterSeconds = 0): ApiError {
  return new ApiError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    details: { causes: [{ reason: 'DisruptionBudget', message: cause }], ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}) },
  });
}

function forbiddenBudget(name: string, why: string): ApiError {
  return new ApiError('Forbidden', `poddisruptionbudgets.policy "${name}" is forbidden: ${why}`, {
    details: { name, group: 'policy', kind: 'poddisruptionbudgets' },
  });
}

/** So that whoever counts failures can tell an eviction from a fault. */
async function markDisrupted(resource: Resource, call: UpdateCall, now: number): Promise<void> {
  await updateEntry(resource, { ...call, subresource: 'status', admission: false, tracked: false }, (current) => {
    const draft = draftOf(current as KubeObject);
    const status = child(draft, 'status');
    const others = objects(status['conditions']).filter((condition) => condition['type'] !== 'DisruptionTarget');
    const target = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',

      lastTransitionTime: formatTime(now),
    };
    status['conditions'] = [...others, target];
    return kube(draft);
  });
}
