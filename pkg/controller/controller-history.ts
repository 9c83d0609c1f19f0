/**
 * ControllerRevisions: the templates that a DaemonSet or StatefulSet had, numbered, so that pods can be told apart by
 * them and `kubectl rollout undo` can go back. Kubernetes: pkg/controller/history.
 */
import type { ControllerRevision } from '../api/generated/apps-v1.ts';
import type { PodTemplateSpec } from '../api/generated/core-v1.ts';
import { controllerRef, type Draft, type KubeObject } from '../api/object.ts';
import { equal } from './equal.ts';
import { inOrder, templateHash } from './template-hash.ts';

/** On the revision and on each pod that was made from it. */
export const revisionHashLabel = 'controller-revision-hash';

/**
 * What a revision keeps: a patch that puts the template in place of whatever is there. Its fields are in order, since
 * clients that look for the present template among the revisions compare bytes.
 */
export function templateData(template: PodTemplateSpec): unknown {
  return inOrder({ spec: { template: { ...template, $patch: 'replace' } } });
}

export interface HistoryPlan {
  /** The revision of the present template, as it will be; its hash is what new pods are labelled with. */
  readonly hash: string;
  readonly current: ControllerRevision | undefined;
  readonly create: Draft<ControllerRevision> | undefined;
  /** The present template is an old one again: its revision becomes the newest. */
  readonly renumber: { readonly revision: ControllerRevision; readonly to: number } | undefined;
  /** Other revisions, oldest first. */
  readonly old: readonly ControllerRevision[];
}

export function planHistory(options: {
  readonly owner: KubeObject;
  readonly template: PodTemplateSpec;
  readonly revisions: readonly ControllerRevision[];
  readonly collisionCount: number;
}): HistoryPlan {
  const { owner, template, revisions, collisionCount } = options;
  const data = templateData(template);
  const sorted = [...revisions].sort((a, b) => a.revision - b.revision || (a.metadata.name < b.metadata.name ? -1 : 1));
  const current = sorted.findLast((revision) => equal(revision.data, data));
  const old = sorted.filter((revision) => revision !== current);
  const next = Math.max(0, ...old.map(({ revision }) => revision)) + 1;
  if (current) {
    const hash = current.metadata.labels?.[revisionHashLabel] ?? '';
    return { hash, current, create: undefined, renumber: current.revision < next ? { revision: current, to: next } : undefined, old };
  }
  const hash = templateHash(data, collisionCount);
  const create: Draft<ControllerRevision> = {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${owner.metadata.name}-${hash}`,
      namespace: owner.metadata.namespace ?? '',
      labels: { ...template.metadata.labels, [revisionHashLabel]: hash },
      ownerReferences: [controllerRef(owner)],
    },
    data,
    revision: next,
  };
  return { hash, current: undefined, create, renumber: undefined, old };
}

/** The oldest revisions that no pod was made from, beyond the number to keep. */
export function beyondHistory(
  old: readonly ControllerRevision[],
  limit: number,
  inUse: (hash: string) => boolean,
): readonly ControllerRevision[] {
  const unused = old.filter(({ metadata }) => !inUse(metadata.labels?.[revisionHashLabel] ?? ''));
  return unused.slice(0, Math.max(0, unused.length - limit));
}
