/** Status conditions, as every kind has them: one a type, with the time of its last change of status. */
export interface StatusCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

export function findCondition<C extends StatusCondition>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/**
 * With `condition` in the place of the one of its type. Its lastTransitionTime is kept from the present one when the
 * status stays the same; where status and reason stay the same, nothing changes at all.
 */
export function withCondition<C extends StatusCondition>(conditions: readonly C[] | undefined, condition: C): readonly C[] {
  const present = findCondition(conditions, condition.type);
  if (present && present.status === condition.status && present.reason === condition.reason) return conditions ?? [];
  const next =
    present?.status === condition.status && present.lastTransitionTime
      ? { ...condition, lastTransitionTime: present.lastTransitionTime }
      : condition;
  return [...withoutCondition(conditions, condition.type), next];
}

export function withoutCondition<C extends StatusCondition>(conditions: readonly C[] | undefined, type: string): readonly C[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}
