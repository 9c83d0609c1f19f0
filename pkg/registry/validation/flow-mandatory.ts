/** The flow schemas and priority levels that every API server needs: what they say is fixed. */
import { invalidField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { type GoShape, goValue } from './go-value.ts';
import type { Report } from './validator.ts';

const everything = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
};
const group = (name: string): Raw => ({ kind: 'Group', group: { name } });

const flowSchemas: Readonly<Record<string, Raw>> = {
  exempt: {
    priorityLevelConfiguration: { name: 'exempt' },
    matchingPrecedence: 1,
    rules: [{ subjects: [group('system:masters')], ...everything }],
  },
  'catch-all': {
    priorityLevelConfiguration: { name: 'catch-all' },
    matchingPrecedence: 10_000,
    distinguisherMethod: { type: 'ByUser' },
    rules: [{ subjects: [group('system:unauthenticated'), group('system:authenticated')], ...everything }],
  },
};

/** Of the exempt level, how much it may lend is for the administrator to say. */
const priorityLevels: Readonly<Record<string, Raw>> = {
  exempt: { type: 'Exempt' },
  'catch-all': { type: 'Limited', limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: 'Reject' } } },
};

const nameOf = ({ root }: Report): string => text(objectAt(root['metadata'])['name']);

export function mandatoryFlowSchema(spec: Raw, path: string, report: Report): void {
  const name = nameOf(report);
  const fixed = Object.hasOwn(flowSchemas, name) ? flowSchemas[name] : undefined;
  if (fixed && !equalValues(spec, fixed)) report(invalidField(path, goFlowSchema(spec), `spec of '${name}' must equal the fixed value`));
}

export function mandatoryPriorityLevel(spec: Raw, path: string, report: Report): void {
  const name = nameOf(report);
  const fixed = Object.hasOwn(priorityLevels, name) ? priorityLevels[name] : undefined;
  const { exempt: _exempt, ...rest } = spec;
  if (!fixed || equalValues(name === 'exempt' ? rest : spec, fixed)) return;
  const but = name === 'exempt' ? " except the 'spec.exempt' field" : '';
  report(invalidField(path, goValue(spec, levelShape), `spec of '${name}'${but} must equal the fixed value`));
}

const queuing: GoShape = { Queues: ['queues', 0], HandSize: ['handSize', 0], QueueLengthLimit: ['queueLengthLimit', 0] };
const limited: GoShape = {
  NominalConcurrencyShares: ['nominalConcurrencyShares', 0],
  LimitResponse: ['limitResponse', { Type: ['type', ''], Queuing: ['queuing', null, queuing] }],
  LendablePercent: ['lendablePercent', null],
  BorrowingLimitPercent: ['borrowingLimitPercent', null],
};
const exempt: GoShape = { NominalConcurrencyShares: ['nominalConcurrencyShares', null], LendablePercent: ['lendablePercent', null] };
const levelShape: GoShape = { Type: ['type', ''], Limited: ['limited', null, limited], Exempt: ['exempt', null, exempt] };

const named: GoShape = { Name: ['name', ''] };
const subject: GoShape = {
  Kind: ['kind', ''],
  User: ['user', null, named],
  Group: ['group', null, named],
  ServiceAccount: ['serviceAccount', null, { Namespace: ['namespace', ''], ...named }],
};
const resourceRule: GoShape = {
  Verbs: ['verbs', null],
  APIGroups: ['apiGroups', null],
  Resources: ['resources', null],
  ClusterScope: ['clusterScope', false],
  Namespaces: ['namespaces', null],
};
const nonResourceRule: GoShape = { Verbs: ['verbs', null], NonResourceURLs: ['nonResourceURLs', null] };

const listed = (list: unknown, shape: GoShape): Raw[] | null =>
  Array.isArray(list) ? objects(list).map((one) => goValue(one, shape)) : null;

function goFlowSchema(spec: Raw): Raw {
  const { distinguisherMethod, rules } = spec;
  return {
    PriorityLevelConfiguration: goValue(objectAt(spec['priorityLevelConfiguration']), named),
    MatchingPrecedence: spec['matchingPrecedence'] ?? 0,
    DistinguisherMethod: isObject(distinguisherMethod) ? { Type: text(distinguisherMethod['type']) } : null,
    Rules: Array.isArray(rules)
      ? objects(rules).map((rule) => ({
          Subjects: listed(rule['subjects'], subject),
          ResourceRules: listed(rule['resourceRules'], resourceRule),
          NonResourceRules: listed(rule['nonResourceRules'], nonResourceRule),
        }))
      : null,
  };
}
