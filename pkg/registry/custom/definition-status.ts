/**
 * What the server says of a CustomResourceDefinition: which of its names it has, and how far it is. Pure.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
 */
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionStatus,
} from '../../api/generated/apiextensions-v1.ts';
import { equalValues } from '../../runtime/values.ts';
import { approvalCondition } from './api-approval.ts';

export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

export function conditionOf(definition: CustomResourceDefinition, type: string): CustomResourceDefinitionCondition | undefined {
  return definition.status.conditions?.find((condition) => condition.type === type);
}

export function hasCondition(definition: CustomResourceDefinition, type: string): boolean {
  return conditionOf(definition, type)?.status === 'True';
}

/** Whether its resources are there: from when they first were, whatever becomes of the names later. */
export function isEstablished(definition: CustomResourceDefinition): boolean {
  return hasCondition(definition, 'Established');
}

/** What others of the same group are called: the built-in resources, and the accepted names of other definitions. */
export interface TakenNames {
  /** Plurals, singulars and short names: what stands in a request or on a command line. */
  readonly resources: ReadonlySet<string>;
  readonly kinds: ReadonlySet<string>;
}

/** The names that a definition has been granted, added to the sets. */
export function takenNames(definitions: Iterable<CustomResourceDefinition>): TakenNames {
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const { status } of definitions) {
    const { plural, singular, shortNames = [], kind, listKind } = status.acceptedNames;
    for (const name of [plural, singular, ...shortNames]) if (name) resources.add(name);
    for (const name of [kind, listKind]) if (name) kinds.add(name);
  }
  return { resources, kinds };
}

/** The status as it should be; the same object when it is so already. `now`: RFC 3339. */
export function settleStatus(definition: CustomResourceDefinition, taken: TakenNames, now: string): CustomResourceDefinitionStatus {
  const { status } = definition;
  const { acceptedNames, conflict } = acceptNames(definition, taken);
  const namesAccepted = conflict
    ? { type: 'NamesAccepted', status: 'False', ...conflict }
    : { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' };
  let established: CustomResourceDefinitionCondition | undefined;
  if (!isEstablished(definition)) {
    established = conflict
      ? { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }
      : { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' };
  }
  let conditions = withCondition(status.conditions ?? [], namesAccepted, now);
  if (established) conditions = withCondition(conditions, established, now);
  const approval = approvalCondition(definition);
  if (approval) conditions = withCondition(conditions, approval, now);
  const next = { ...status, acceptedNames, conditions };
  return equalValues(next, { ...status, conditions: status.conditions ?? [] }) ? status : next;
}

/** With that condition in the place of the one of its type; its time is kept when its status is. */
export function withCondition(
  conditions: readonly CustomResourceDefinitionCondition[],
  condition: CustomResourceDefinitionCondition,
  now: string,
): readonly CustomResourceDefinitionCondition[] {
  const before = conditions.find(({ type }) => type === condition.type);
  const lastTransitionTime = before?.status === condition.status && before.lastTransitionTime ? before.lastTransitionTime : now;
  const next = { lastTransitionTime, ...condition };
  return before ? conditions.map((each) => (each === before ? next : each)) : [...conditions, next];
}

interface Conflict {
  readonly reason: string;
  readonly message: string;
}

/** As many of the asked names as are free; the last that is not names the conflict, as in Kubernetes. */
function acceptNames(
  { spec, status }: CustomResourceDefinition,
  taken: TakenNames,
): { acceptedNames: CustomResourceDefinitionNames; conflict: Conflict | undefined } {
  const asked = spec.names;
  const accepted = status.acceptedNames;
  let names: CustomResourceDefinitionNames = accepted;
  let conflict: Conflict | undefined;
  const refusal = (name: string | undefined, had: string | undefined, used: ReadonlySet<string>): string | undefined =>
    name !== undefined && name !== had && used.has(name) ? `${JSON.stringify(name)} is already in use` : undefined;
  const accept = (field: 'plural' | 'singular' | 'kind' | 'listKind', reason: string, used: ReadonlySet<string>): void => {
    const message = refusal(asked[field], accepted[field], used);
    if (message === undefined) names = { ...names, [field]: asked[field] ?? '' };
    else conflict = { reason, message };
  };
  accept('plural', 'PluralConflict', taken.resources);
  accept('singular', 'SingularConflict', taken.resources);
  const own = accepted.shortNames ?? [];
  const refused = (asked.shortNames ?? [])
    .filter((name) => !own.includes(name))
    .flatMap((name) => refusal(name, undefined, taken.resources) ?? []);
  if (refused.length > 0) {
    conflict = { reason: 'ShortNamesConflict', message: refused.length === 1 ? (refused[0] as string) : `[${refused.join(', ')}]` };
  } else names = withList(names, 'shortNames', asked.shortNames);
  accept('kind', 'KindConflict', taken.kinds);
  accept('listKind', 'ListKindConflict', taken.kinds);
  names = withList(names, 'categories', asked.categories);
  return { acceptedNames: names, conflict };
}

function withList(
  names: CustomResourceDefinitionNames,
  field: 'shortNames' | 'categories',
  list: readonly string[] | undefined,
): CustomResourceDefinitionNames {
  const { [field]: _, ...others } = names;
  return list && list.length > 0 ? { ...others, [field]: list } : others;
}
