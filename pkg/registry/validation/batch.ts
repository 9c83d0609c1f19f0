/** Jobs and CronJobs: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/ */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { duplicateField, invalidField, requiredField, tooLongField, unsupportedField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { scheduleFault, timeZoneFault } from './cron-schedule.ts';
import { type GoShape, goValue } from './go-value.ts';
import { immutable } from './immutability.ts';
import { indexesOf } from './job-indexes.ts';
import { isTrue, validateJobStatus } from './job-status.ts';
import { dnsLabel, qualifiedName } from './names.ts';
import { podTemplateSpec } from './pod.ts';
import {
  atMost,
  both,
  domainPrefixedPath,
  enumOf,
  fields,
  neededOneOf,
  noLongerThan,
  notNegative,
  type Rule,
  strictName,
  strictOneOf,
} from './rules.ts';
import { validateLabelSelector } from './selectors.ts';
import { below, type Report, type Validator, type Validators } from './validator.ts';
import { matcherOf, mismatch, templateLabels } from './workload.ts';

const maxManagedBy = 63;
const maxIndexedParallelism = 100_000;
const maxFailedIndexes = 100_000;
/** Above so many completions, counting failures by index costs too much without limits of their own. */
const manyCompletions = 100_000;
const maxParallelismOfMany = 10_000;
const maxFailedOfMany = 10_000;
/** 64 KiB of ranges of indexes. */
const maxIndexesText = 64 * 1024;
const maxPolicyRules = 20;
const maxExitCodes = 255;

const numbers = fields({
  parallelism: notNegative,
  completions: notNegative,
  activeDeadlineSeconds: notNegative,
  backoffLimit: notNegative,
  ttlSecondsAfterFinished: notNegative,
  backoffLimitPerIndex: notNegative,
  maxFailedIndexes: notNegative,
});

/** Of a Job and of the jobs of a CronJob; the template comes last, and what is then said of its pods. */
const jobSpec: Validator = (spec, path, report) => {
  numbers(spec, path, report);
  if (spec['maxFailedIndexes'] !== undefined && spec['backoffLimitPerIndex'] === undefined) {
    report(requiredField(below(path, 'backoffLimitPerIndex'), 'when maxFailedIndexes is specified'));
  }
  checkManager(spec['managedBy'], below(path, 'managedBy'), report);
  const { completionMode: mode } = spec;
  if (mode !== undefined) strictOneOf(['NonIndexed', 'Indexed'])(mode, below(path, 'completionMode'), report);
  if (mode === 'Indexed') checkIndexed(spec, path, report);
  else if (mode === undefined || mode === 'NonIndexed') checkNotIndexed(spec, path, report);
  checkFailureRules(spec, below(path, 'podFailurePolicy.rules'), report);
  checkSuccessRules(spec, below(path, 'successPolicy'), report);
  const { podReplacementPolicy: replaced } = spec;
  const ways = isObject(spec['podFailurePolicy']) ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  if (replaced !== undefined) strictOneOf(ways)(replaced, below(path, 'podReplacementPolicy'), report);
  podTemplateSpec(objectAt(spec['template']), below(path, 'template'), report);
  checkRestarts(spec, below(path, 'template.spec.restartPolicy'), report);
};

/** The job's own selector, which the server has generated unless it was told not to, must match what the job makes. */
const ownJob: Validator = (spec, path, report) => {
  jobSpec(spec, path, report);
  const { selector } = spec;
  if (isObject(selector)) validateLabelSelector(selector, below(path, 'selector'), report);
  else report(requiredField(below(path, 'selector')));
  const matches = matcherOf(selector);
  if (matches && !matches(objectAt(templateLabels(spec)) as Record<string, string>)) report(mismatch(spec, path));
  if (report.old) return;
  const { completionMode, completions } = spec;
  const name = text(objectAt(report.root['metadata'])['name']);
  if (completionMode !== 'Indexed' || typeof completions !== 'number' || completions <= 0) return;
  const last = `${name}-${completions - 1}`;
  if (dnsLabel(last).length > 0) {
    report(invalidField('metadata.name', name, `will not able to create pod with invalid DNS label: ${last}`));
  }
};

const templatedJob: Validator = (spec, path, report) => {
  jobSpec(spec, path, report);
  checkTemplated(spec, path, report);
};

function checkManager(manager: unknown, path: string, report: Report): void {
  if (manager !== undefined) both(domainPrefixedPath, noLongerThan(maxManagedBy))(manager, path, report);
}

function checkIndexed(spec: Raw, path: string, report: Report): void {
  const { completions, parallelism, maxFailedIndexes: failed } = spec as Record<string, number | undefined>;
  const limit = (field: string, value: number | undefined, max: number, what: string): void => {
    if (value !== undefined && value > max) report(invalidField(below(path, field), value, `must be less than or equal to ${what}`));
  };
  if (completions === undefined) report(requiredField(below(path, 'completions'), 'when completion mode is Indexed'));
  limit('parallelism', parallelism, maxIndexedParallelism, `${maxIndexedParallelism} when completion mode is Indexed`);
  if (completions !== undefined) limit('maxFailedIndexes', failed, completions, 'completions');
  limit('maxFailedIndexes', failed, maxFailedIndexes, String(maxFailedIndexes));
  if (completions === undefined || completions <= manyCompletions || spec['backoffLimitPerIndex'] === undefined) return;
  if (failed === undefined) {
    report(requiredField(below(path, 'maxFailedIndexes'), `must be specified when completions is above ${manyCompletions}`));
  }
  const many = `when completions are above ${manyCompletions} and used with backoff limit per index`;
  limit('parallelism', parallelism, maxParallelismOfMany, `${maxParallelismOfMany} ${many}`);
  limit('maxFailedIndexes', failed, maxFailedOfMany, `${maxFailedOfMany} ${many}`);
}

function checkNotIndexed(spec: Raw, path: string, report: Report): void {
  for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes']) {
    if (spec[field] !== undefined) report(invalidField(below(path, field), spec[field], 'requires indexed completion mode'));
  }
}

const failureActions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const goList = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(' ')}]`;
const validValues = (values: readonly string[]): string => `valid values: ${goList(values)}`;

const conditionStatuses = enumOf('core.v1.ConditionStatus');
const condition = fields({ type: strictName(qualifiedName), status: neededOneOf(conditionStatuses, validValues(conditionStatuses)) });

function checkFailureRules(spec: Raw, path: string, report: Report): void {
  const policy = spec['podFailurePolicy'];
  if (!isObject(policy)) return;
  const pod = objectAt(objectAt(spec['template'])['spec']);
  const containers = ['containers', 'initContainers'].flatMap((list) => objects(pod[list]).map((container) => text(container['name'])));
  atMost(maxPolicyRules)(policy['rules'], path, report);
  for (const [i, rule] of objects(policy['rules']).entries()) {
    const at = `${path}[${i}]`;
    neededOneOf(failureActions, validValues(failureActions))(rule['action'], below(at, 'action'), report);
    if (rule['action'] === 'FailIndex' && spec['backoffLimitPerIndex'] === undefined) {
      report(invalidField(below(at, 'action'), 'FailIndex', 'requires the backoffLimitPerIndex to be set'));
    }
    const conditions = objects(rule['onPodConditions']);
    if (isObject(rule['onExitCodes'])) checkExitCodes(rule['onExitCodes'], containers, below(at, 'onExitCodes'), report);
    atMost(maxPolicyRules)(conditions, below(at, 'onPodConditions'), report);
    for (const [j, one] of conditions.entries()) condition(one, `${below(at, 'onPodConditions')}[${j}]`, report);
    const [codes, some] = [rule['onExitCodes'] !== undefined, conditions.length > 0];
    if (codes && some) report(valueless(at, 'specifying both OnExitCodes and OnPodConditions is not supported'));
    if (!codes && !some) report(valueless(at, 'specifying one of OnExitCodes and OnPodConditions is required'));
  }
}

/** A value that says nothing in a message is left out of it. */
function valueless(field: string, detail: string): StatusCause {
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${detail}` };
}

const exitOperators = ['In', 'NotIn'];

function checkExitCodes(codes: Raw, containers: readonly string[], path: string, report: Report): void {
  neededOneOf(exitOperators, validValues(exitOperators))(codes['operator'], below(path, 'operator'), report);
  const { containerName } = codes;
  if (containerName !== undefined && !containers.includes(text(containerName))) {
    const detail = 'must be one of the container or initContainer names in the pod template';
    report(invalidField(below(path, 'containerName'), containerName, detail));
  }
  const at = below(path, 'values');
  const values = (Array.isArray(codes['values']) ? codes['values'] : []) as number[];
  if (values.length === 0) report(invalidField(at, values, 'at least one value is required'));
  else atMost(maxExitCodes)(values, at, report);
  const seen = new Set<number>();
  for (const [i, value] of values.entries()) {
    if (value === 0 && codes['operator'] === 'In') report(invalidField(`${at}[${i}]`, value, 'must not be 0 for the In operator'));
    if (seen.has(value)) report(duplicateField(`${at}[${i}]`, value));
    seen.add(value);
  }
  if (values.some((value, i) => i > 0 && (values[i - 1] as number) > value)) report(invalidField(at, values, 'must be ordered'));
}

const successShape: GoShape = { Rules: ['rules', null] };

function checkSuccessRules(spec: Raw, path: string, report: Report): void {
  const policy = spec['successPolicy'];
  if (!isObject(policy)) return;
  if (spec['completionMode'] !== 'Indexed') {
    report(invalidField(path, goValue(policy, successShape), 'requires indexed completion mode'));
    return;
  }
  const at = below(path, 'rules');
  const completions = Number(spec['completions'] ?? 0);
  if (objects(policy['rules']).length === 0) {
    report(requiredField(at, 'at least one rules must be specified when the successPolicy is specified'));
  }
  atMost(maxPolicyRules)(policy['rules'], at, report);
  for (const [i, rule] of objects(policy['rules']).entries()) checkSuccessRule(rule, completions, `${at}[${i}]`, report);
}

function checkSuccessRule(rule: Raw, completions: number, path: string, report: Report): void {
  const { succeededCount: count, succeededIndexes: indexes } = rule;
  if (count === undefined && indexes === undefined) {
    report(requiredField(path, 'at least one of succeededCount or succeededIndexes must be specified'));
  }
  let total = 0;
  if (indexes !== undefined) {
    const at = below(path, 'succeededIndexes');
    if (text(indexes).length > maxIndexesText) report(tooLongField(at, maxIndexesText));
    const parsed = indexesOf(text(indexes), completions);
    if (typeof parsed === 'string') report(invalidField(at, indexes, `error parsing succeededIndexes: ${parsed}`));
    else total = parsed;
  }
  if (typeof count !== 'number') return;
  const at = below(path, 'succeededCount');
  notNegative(count, at, report);
  const most = (max: number, what: string): void => {
    if (count > max) report(invalidField(at, count, `must be less than or equal to ${max} (${what})`));
  };
  most(completions, 'the number of specified completions');
  if (indexes !== undefined) most(total, 'the number of indexes in the specified succeededIndexes field');
}

function checkRestarts(spec: Raw, path: string, report: Report): void {
  const policy = text(objectAt(objectAt(spec['template'])['spec'])['restartPolicy']);
  const supported = ['OnFailure', 'Never'];
  if (policy === '' || policy === 'Always') report(requiredField(path, 'valid values: "OnFailure", "Never"'));
  else if (!supported.includes(policy)) report(unsupportedField(path, policy, supported));
  else if (spec['podFailurePolicy'] !== undefined && policy !== 'Never') {
    report(invalidField(path, policy, 'only "Never" is supported when podFailurePolicy is specified'));
  }
}

function checkTemplated(spec: Raw, path: string, report: Report): void {
  if (spec['selector'] !== undefined) report(invalidField(below(path, 'selector'), spec['selector'], '`selector` will be auto-generated'));
  if (spec['manualSelector'] === true) report(unsupportedField(below(path, 'manualSelector'), true, ['nil', 'false']));
}

const schedule: Rule = (value, path, report) => {
  const given = text(value);
  if (given === '') {
    report(requiredField(path));
    return;
  }
  const fault = scheduleFault(given);
  if (fault !== undefined) report(invalidField(path, given, fault));
  if (given.includes('TZ')) report(invalidField(path, given, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
};

const timeZone: Rule = (value, path, report) => {
  if (value === undefined) return;
  const fault = timeZoneFault(text(value));
  if (fault !== undefined) report(invalidField(path, value, fault));
};

export const batchValidators: Validators = {
  'api.batch.v1.JobSpec': { whole: (spec, path, report) => (path === 'spec' ? ownJob : templatedJob)(spec, path, report) },
  'api.batch.v1.CronJobSpec': {
    whole: fields({
      schedule,
      startingDeadlineSeconds: notNegative,
      timeZone,
      concurrencyPolicy: neededOneOf(['Allow', 'Forbid', 'Replace']),
      jobTemplate: (value, path, report) => templatedJob(objectAt(objectAt(value)['spec']), below(path, 'spec'), report),
      successfulJobsHistoryLimit: notNegative,
      failedJobsHistoryLimit: notNegative,
    }),
  },
};

const fixed = immutable(
  'spec.selector',
  'spec.completionMode',
  'spec.podFailurePolicy',
  'spec.backoffLimitPerIndex',
  'spec.managedBy',
  'spec.successPolicy',
);
/** A job's pods are made from one template, and counted by one selector. */
export function validateJobUpdate(next: Raw, old: Raw, subresource: string): StatusCause[] {
  if (subresource === 'status') return validateJobStatus(next, old);
  const [now, was] = [objectAt(next['spec']), objectAt(old['spec'])];
  const causes = [...checkCompletions(now, was), ...fixed(next, old, '')];
  const suspended = was['suspend'] === true && (objectAt(old['status'])['startTime'] === undefined || isTrue(old, 'Suspended'));
  const [template, before] = suspended
    ? [withoutPlacement(now['template']), withoutPlacement(was['template'])]
    : [now['template'], was['template']];
  if (!equalValues(template, before)) causes.push(invalidField('spec.template', now['template'], 'field is immutable'));
  return causes;
}

/** An indexed job may grow and shrink, as long as all its indexes run at once. */
function checkCompletions(now: Raw, was: Raw): StatusCause[] {
  const { completions, parallelism } = now;
  if (completions === was['completions']) return [];
  if (now['completionMode'] !== 'Indexed') return [invalidField('spec.completions', completions, 'field is immutable')];
  if (completions === undefined || completions === parallelism) return [];
  return [invalidField('spec.completions', completions, 'can only be modified in tandem with spec.parallelism')];
}

/** Of a job that waits, where its pods run and what they ask for may still be decided. */
function withoutPlacement(template: unknown): Raw {
  const { metadata, spec, ...rest } = objectAt(template);
  const { labels: _labels, annotations: _annotations, ...identity } = objectAt(metadata);
  const { nodeSelector: _nodeSelector, tolerations: _tolerations, schedulingGates: _gates, affinity, ...pod } = objectAt(spec);
  const { nodeAffinity: _nodeAffinity, ...others } = objectAt(affinity);
  for (const list of ['containers', 'initContainers']) {
    if (Array.isArray(pod[list])) pod[list] = objects(pod[list]).map(({ resources: _resources, ...container }) => container);
  }
  return { ...rest, metadata: identity, spec: { ...pod, affinity: others } };
}
