/** A Job's pods: how they are marked, and which state they are in. Pure. */
import type { Job } from '../../api/generated/batch-v1.ts';
import type { Container, Pod } from '../../api/generated/core-v1.ts';
import type { Draft } from '../../api/object.ts';
import { type Selector, selectorFromLabelSelector } from '../../api/selectors.ts';
import { timeOf } from '../pod-state.ts';
import { podFromTemplate } from '../pod-template.ts';

/** Holds an ended pod until its Job has counted it. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';
export const failureCountAnnotation = 'batch.kubernetes.io/job-index-failure-count';

/** What the server's strategy puts on a Job's template, and selects its pods by, unless the Job brings its own. */
export const controllerUidLabel = 'batch.kubernetes.io/controller-uid';

/** A Job that came without a selector, past the server's strategy, selects what this loop labels. */
export function selectorOf({ spec, metadata }: Job): Selector {
  return selectorFromLabelSelector(spec.selector ?? { matchLabels: { [controllerUidLabel]: metadata.uid } });
}

function ownLabels({ spec, metadata }: Job): Readonly<Record<string, string>> {
  if (spec.selector) return {};
  return {
    [controllerUidLabel]: metadata.uid,
    'batch.kubernetes.io/job-name': metadata.name,
    'controller-uid': metadata.uid,
    'job-name': metadata.name,
  };
}

export const isIndexed = ({ spec }: Job): boolean => spec.completionMode === 'Indexed';
export const isTracked = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(trackingFinalizer) === true;

/** undefined for a pod without an index, or with one that is out of range. */
export function indexOf({ spec }: Job, { metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[indexAnnotation] ?? metadata.labels?.[indexAnnotation];
  const index = text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
  return index !== undefined && index < (spec.completions ?? 0) ? index : undefined;
}

export const isSucceeded = ({ status }: Pod): boolean => status.phase === 'Succeeded';

/** With a failure policy, or where only failed pods are replaced, a pod has failed when it says so; else already when it is deleted. */
export function isFailed(job: Job, { status, metadata }: Pod): boolean {
  if (status.phase === 'Failed') return true;
  return !replacesOnlyFailed(job) && metadata.deletionTimestamp !== undefined && status.phase !== 'Succeeded';
}

export function replacesOnlyFailed({ spec }: Job): boolean {
  return spec.podReplacementPolicy === 'Failed' || spec.podFailurePolicy !== undefined;
}

/** How often this pod's index had failed before it. */
export function earlierFailures({ metadata }: Pod): number {
  return Number(metadata.annotations?.[failureCountAnnotation] ?? 0) || 0;
}

/** When its last container ended, or when it was deleted; milliseconds. */
export function finishTime({ status, metadata }: Pod): number {
  const times = (status.containerStatuses ?? [])
    .map(({ state }) => timeOf(state?.terminated?.finishedAt))
    .filter((time) => time !== undefined);
  const ready = timeOf(status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime);
  return times.length > 0 ? Math.max(...times) : (ready ?? timeOf(metadata.deletionTimestamp) ?? timeOf(metadata.creationTimestamp) ?? 0);
}

/** `index`: for Indexed Jobs; `failures`: of that index so far, where they are limited. */
export function jobPod(job: Job, index: number | undefined, failures: number | undefined): Draft<Pod> {
  const { template } = job.spec;
  const finalizers = [...(template.metadata.finalizers ?? []), trackingFinalizer];
  if (index === undefined) {
    const pod = podFromTemplate(job, template, { labels: ownLabels(job) });
    return { ...pod, metadata: { ...pod.metadata, finalizers } };
  }
  const withIndex = (containers: readonly Container[]): Container[] =>
    containers.map((container) => {
      if (container.env?.some(({ name }) => name === 'JOB_COMPLETION_INDEX')) return container;
      const fieldRef = { fieldPath: `metadata.labels['${indexAnnotation}']` };
      return { ...container, env: [...(container.env ?? []), { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef } }] };
    });
  const { containers, initContainers } = template.spec;
  const pod = podFromTemplate(job, template, {
    labels: { ...ownLabels(job), [indexAnnotation]: String(index) },
    annotations: { [indexAnnotation]: String(index), ...(failures === undefined ? {} : { [failureCountAnnotation]: String(failures) }) },
    spec: {
      hostname: `${job.metadata.name}-${index}`,
      containers: withIndex(containers),
      ...(initContainers ? { initContainers: withIndex(initContainers) } : {}),
    },
  });
  return { ...pod, metadata: { ...pod.metadata, generateName: `${job.metadata.name}-${index}-`, finalizers } };
}
