/** What became of a namespace's content in one attempt to delete it, and how that reads as conditions. Pure. */
import type { NamespaceCondition } from '../../api/generated/core-v1.ts';
import { withCondition } from '../conditions.ts';

export interface RemainingContent {
  /** `pods.`, `deployments.apps`: as Kubernetes' messages name resources (a dot also after a core one). */
  readonly resource: string;
  readonly count: number;
  /** Finalizers on what remains, and on how many objects each. */
  readonly finalizers: ReadonlyMap<string, number>;
}

export interface Attempt {
  /** Why the server's resources could not be listed. */
  readonly discoveryFailure: string | undefined;
  /** Why content could not be deleted, resource by resource. */
  readonly failures: readonly string[];
  readonly remaining: readonly RemainingContent[];
}

export function isEmptied({ discoveryFailure, failures, remaining }: Attempt): boolean {
  return discoveryFailure === undefined && failures.length === 0 && remaining.length === 0;
}

/** The five conditions that Kubernetes sets on a namespace on its way out. */
export function deletionConditions(
  before: readonly NamespaceCondition[] | undefined,
  attempt: Attempt,
  time: string,
): readonly NamespaceCondition[] {
  const { discoveryFailure, failures, remaining } = attempt;
  const finalizers = new Map<string, number>();
  for (const each of remaining) for (const [name, count] of each.finalizers) finalizers.set(name, (finalizers.get(name) ?? 0) + count);
  const verdicts: readonly (readonly [type: string, trouble: string | undefined, bad: string, good: string, fine: string])[] = [
    [
      'NamespaceDeletionDiscoveryFailure',
      discoveryFailure && `Discovery failed for some groups: ${discoveryFailure}`,
      'DiscoveryFailed',
      'ResourcesDiscovered',
      'All resources successfully discovered',
    ],
    [
      'NamespaceDeletionGroupVersionParsingFailure',
      undefined,
      'GroupVersionParsingFailed',
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ],
    [
      'NamespaceDeletionContentFailure',
      failures.length > 0 ? `Failed to delete all resource types, ${failures.length} remaining: ${failures.join(', ')}` : undefined,
      'ContentDeletionFailed',
      'ContentDeleted',
      'All content successfully deleted, may be waiting on finalization',
    ],
    [
      'NamespaceContentRemaining',
      remaining.length > 0
        ? `Some resources are remaining: ${remaining.map(({ resource, count }) => `${resource} has ${count} resource instances`).join(', ')}`
        : undefined,
      'SomeResourcesRemain',
      'ContentRemoved',
      'All content successfully removed',
    ],
    [
      'NamespaceFinalizersRemaining',
      finalizers.size > 0
        ? `Some content in the namespace has finalizers remaining: ${[...finalizers]
            .sort()
            .map(([name, count]) => `${name} in ${count} resource instances`)
            .join(', ')}`
        : undefined,
      'SomeFinalizersRemain',
      'ContentHasNoFinalizers',
      'All content-preserving finalizers finished',
    ],
  ];
  return verdicts.reduce<readonly NamespaceCondition[]>((conditions, [type, trouble, bad, good, fine]) => {
    const condition: NamespaceCondition = {
      type,
      status: trouble ? 'True' : 'False',
      reason: trouble ? bad : good,
      message: trouble ?? fine,
      lastTransitionTime: time,
    };
    // A message that counts what is left changes while the reason stays.
    return withCondition(conditions, condition).map((each) => (each.type === type ? { ...each, message: condition.message ?? '' } : each));
  }, before ?? []);
}
