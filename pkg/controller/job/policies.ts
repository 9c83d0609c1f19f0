/** What a Job says about failures and successes. Pure. */
import type { Job, PodFailurePolicyRule, SuccessPolicy } from '../../api/generated/batch-v1.ts';
import type { ContainerStatus, Pod } from '../../api/generated/core-v1.ts';
import { parseIndexes } from './index-set.ts';

export type FailureAction = 'FailJob' | 'FailIndex' | 'Ignore' | 'Count';

/** https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy : the first rule that matches. */
export function failureAction({ spec }: Job, pod: Pod): { readonly action: FailureAction; readonly message: string } {
  const rules = spec.podFailurePolicy?.rules ?? [];
  for (const [at, rule] of rules.entries()) {
    const why = matchRule(rule, pod);
    if (why) return { action: rule.action as FailureAction, message: `${why} matching ${rule.action} rule at index ${at}` };
  }
  return { action: 'Count', message: '' };
}

function matchRule({ onExitCodes, onPodConditions }: PodFailurePolicyRule, pod: Pod): string | undefined {
  const { name, namespace } = pod.metadata;
  if (onExitCodes) {
    const { containerName, operator, values } = onExitCodes;
    const containers: readonly ContainerStatus[] = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
    for (const container of containers) {
      const code = container.state?.terminated?.exitCode;
      if (code === undefined || code === 0 || (containerName && containerName !== container.name)) continue;
      if (values.includes(code) === (operator === 'In'))
        return `Container ${container.name} for pod ${namespace}/${name} failed with exit code ${code}`;
    }
    return undefined;
  }
  const found = onPodConditions?.find(({ type, status = 'True' }) =>
    pod.status.conditions?.some((each) => each.type === type && each.status === status),
  );
  return found ? `Pod ${namespace}/${name} has condition ${found.type}` : undefined;
}

/** https://kubernetes.io/docs/concepts/workloads/controllers/job/#success-policy : which rule is met, if one is. */
export function metSuccessRule(policy: SuccessPolicy | undefined, completed: ReadonlySet<number>, completions: number): number | undefined {
  const at = (policy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    const wanted = succeededIndexes === undefined ? undefined : parseIndexes(succeededIndexes, completions);
    const met = wanted ? [...wanted].filter((index) => completed.has(index)).length : completed.size;
    return met >= (succeededCount ?? wanted?.size ?? completions);
  });
  return at < 0 ? undefined : at;
}
