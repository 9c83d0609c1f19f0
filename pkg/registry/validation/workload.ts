/** Workloads: their selectors and templates must fit, and how they are rolled out must be possible. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { selectorFromLabelSelector } from '../../api/selectors.ts';
import { forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { checkOneOf } from './container.ts';
import { immutable } from './immutability.ts';
import { isPercent } from './names.ts';
import { below, checkNotNegative, checkPositive, type Report, type Validator, type Validators } from './validator.ts';

const templateLabels = (spec: Raw): Record<string, string> =>
  objectAt(objectAt(objectAt(spec['template'])['metadata'])['labels']) as Record<string, string>;

/** For workloads that select by a LabelSelector; `what` names the kind in messages. */
function checkSelector(spec: Raw, path: string, report: Report, what: string): void {
  const at = below(path, 'selector');
  const selector = spec['selector'];
  if (!isObject(selector)) {
    report(requiredField(at));
    return;
  }
  const empty = Object.keys(objectAt(selector['matchLabels'])).length === 0 && objects(selector['matchExpressions']).length === 0;
  if (empty) {
    report(invalidField(at, selector, `empty selector is invalid for ${what}`));
    return;
  }
  try {
    if (selectorFromLabelSelector(selector).matches(templateLabels(spec))) return;
  } catch {
    // What is wrong with the selector itself is said where its requirements are looked at.
    return;
  }
  report(invalidField(below(path, 'template.metadata.labels'), templateLabels(spec), '`selector` does not match template `labels`'));
}

/** Pods of a workload that replaces them run until they are told otherwise. */
function checkTemplate(spec: Raw, path: string, report: Report): void {
  const pod = objectAt(objectAt(spec['template'])['spec']);
  const at = below(path, 'template.spec');
  if (text(pod['restartPolicy']) !== 'Always') report(unsupportedField(below(at, 'restartPolicy'), pod['restartPolicy'], ['Always']));
  if (pod['activeDeadlineSeconds'] !== undefined)
    report(forbiddenField(below(at, 'activeDeadlineSeconds'), 'may not be set for pods that are replaced'));
  if (objects(pod['ephemeralContainers']).length > 0)
    report(forbiddenField(below(at, 'ephemeralContainers'), 'ephemeral containers not allowed in pod template'));
}

function checkReplicas(spec: Raw, path: string, report: Report): void {
  for (const field of ['replicas', 'minReadySeconds', 'revisionHistoryLimit']) checkNotNegative(report, below(path, field), spec[field]);
}

/** A number of pods, or a share of them. */
function checkAmount(report: Report, path: string, value: unknown, max?: number): void {
  if (typeof value === 'number') {
    checkNotNegative(report, path, value);
    return;
  }
  if (value === undefined) return;
  if (!isPercent(value)) {
    report(
      invalidField(
        path,
        value,
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      ),
    );
  } else if (max !== undefined && Number(value.slice(0, -1)) > max) {
    report(invalidField(path, value, `must not be greater than ${max}%`));
  }
}

const isNothing = (value: unknown): boolean => value === 0 || (isPercent(value) && Number(value.slice(0, -1)) === 0);

function checkRolling(rolling: Raw, path: string, report: Report): void {
  checkAmount(report, below(path, 'maxUnavailable'), rolling['maxUnavailable'], 100);
  checkAmount(report, below(path, 'maxSurge'), rolling['maxSurge']);
  if (isNothing(rolling['maxUnavailable']) && isNothing(rolling['maxSurge'])) {
    report(invalidField(below(path, 'maxUnavailable'), rolling['maxUnavailable'], 'may not be 0 when `maxSurge` is 0'));
  }
}

const deployment: Validator = (spec, path, report) => {
  checkReplicas(spec, path, report);
  checkSelector(spec, path, report, 'deployment');
  checkTemplate(spec, path, report);
  const strategy = objectAt(spec['strategy']);
  const at = below(path, 'strategy');
  if (strategy['type'] === 'Recreate') {
    if (strategy['rollingUpdate'] !== undefined) {
      report(forbiddenField(below(at, 'rollingUpdate'), "may not be specified when strategy `type` is 'Recreate'"));
    }
  } else if (strategy['type'] === 'RollingUpdate') {
    if (!isObject(strategy['rollingUpdate']))
      report(requiredField(below(at, 'rollingUpdate'), 'this should be defaulted and never be nil'));
    else checkRolling(strategy['rollingUpdate'], below(at, 'rollingUpdate'), report);
  } else {
    report(unsupportedField(at, strategy, ['Recreate', 'RollingUpdate']));
  }
  const deadline = spec['progressDeadlineSeconds'];
  if (typeof deadline !== 'number') return;
  checkNotNegative(report, below(path, 'progressDeadlineSeconds'), deadline);
  if (deadline <= Number(spec['minReadySeconds'] ?? 0)) {
    report(invalidField(below(path, 'progressDeadlineSeconds'), deadline, 'must be greater than minReadySeconds'));
  }
};

const replicaSet: Validator = (spec, path, report) => {
  checkReplicas(spec, path, report);
  checkSelector(spec, path, report, 'deployment');
  checkTemplate(spec, path, report);
};

const replicationController: Validator = (spec, path, report) => {
  checkReplicas(spec, path, report);
  const selector = objectAt(spec['selector']);
  if (Object.keys(selector).length === 0) report(requiredField(below(path, 'selector')));
  if (!isObject(spec['template'])) {
    report(requiredField(below(path, 'template')));
    return;
  }
  const labels = templateLabels(spec);
  if (Object.entries(selector).some(([key, value]) => labels[key] !== value)) {
    report(invalidField(below(path, 'template.metadata.labels'), labels, '`selector` does not match template `labels`'));
  }
  checkTemplate(spec, path, report);
};

const statefulSet: Validator = (spec, path, report) => {
  checkReplicas(spec, path, report);
  checkSelector(spec, path, report, 'statefulset');
  checkTemplate(spec, path, report);
  checkOneOf(report, below(path, 'podManagementPolicy'), spec['podManagementPolicy'], ['OrderedReady', 'Parallel']);
  const strategy = objectAt(spec['updateStrategy']);
  const at = below(path, 'updateStrategy');
  checkOneOf(report, below(at, 'type'), strategy['type'], ['RollingUpdate', 'OnDelete']);
  if (strategy['type'] === 'OnDelete' && strategy['rollingUpdate'] !== undefined) {
    report(invalidField(below(at, 'rollingUpdate'), strategy['rollingUpdate'], "only allowed for updateStrategy 'RollingUpdate'"));
  }
  checkNotNegative(report, below(at, 'rollingUpdate.partition'), objectAt(strategy['rollingUpdate'])['partition']);
};

const daemonSet: Validator = (spec, path, report) => {
  checkReplicas(spec, path, report);
  checkSelector(spec, path, report, 'daemonset');
  checkTemplate(spec, path, report);
  const strategy = objectAt(spec['updateStrategy']);
  const at = below(path, 'updateStrategy');
  checkOneOf(report, below(at, 'type'), strategy['type'], ['RollingUpdate', 'OnDelete']);
  if (strategy['type'] !== 'RollingUpdate') return;
  const rolling = objectAt(strategy['rollingUpdate']);
  const where = below(at, 'rollingUpdate');
  checkAmount(report, below(where, 'maxUnavailable'), rolling['maxUnavailable'], 100);
  checkAmount(report, below(where, 'maxSurge'), rolling['maxSurge'], 100);
  const [none, surge] = [isNothing(rolling['maxUnavailable']), isNothing(rolling['maxSurge'])];
  if (none && surge) report(requiredField(below(where, 'maxUnavailable'), 'cannot be 0 when maxSurge is 0'));
  if (!none && !surge && rolling['maxSurge'] !== undefined) {
    report(invalidField(below(where, 'maxSurge'), rolling['maxSurge'], 'may not be set when maxUnavailable is non-zero'));
  }
};

const job: Validator = (spec, path, report) => {
  for (const field of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ]) {
    checkNotNegative(report, below(path, field), spec[field]);
  }
  checkOneOf(report, below(path, 'completionMode'), spec['completionMode'], ['NonIndexed', 'Indexed']);
  if (spec['completionMode'] === 'Indexed' && spec['completions'] === undefined) {
    report(requiredField(below(path, 'completions'), 'when completion mode is Indexed'));
  }
  const pod = objectAt(objectAt(spec['template'])['spec']);
  const policy = text(pod['restartPolicy']);
  const at = below(path, 'template.spec.restartPolicy');
  if (policy === '' || policy === 'Always') {
    report(requiredField(at, 'valid values: "OnFailure", "Never"'));
  } else {
    checkOneOf(report, at, policy, ['OnFailure', 'Never']);
  }
};

const cronJob: Validator = (spec, path, report) => {
  const schedule = text(spec['schedule']);
  if (schedule === '') report(requiredField(below(path, 'schedule')));
  else if (!schedule.startsWith('@')) {
    const fields = schedule.trim().split(/\s+/);
    if (/(^|\s)(CRON_)?TZ=/.test(schedule)) {
      report(invalidField(below(path, 'schedule'), schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
    } else if (fields.length !== 5) {
      report(invalidField(below(path, 'schedule'), schedule, `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`));
    }
  }
  checkOneOf(report, below(path, 'concurrencyPolicy'), spec['concurrencyPolicy'], ['Allow', 'Forbid', 'Replace']);
  for (const field of ['startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit']) {
    checkNotNegative(report, below(path, field), spec[field]);
  }
};

const budget: Validator = (spec, path, report) => {
  if (spec['minAvailable'] !== undefined && spec['maxUnavailable'] !== undefined) {
    report(invalidField(path, spec, 'minAvailable and maxUnavailable cannot be both set'));
  }
  checkAmount(report, below(path, 'minAvailable'), spec['minAvailable'], 100);
  checkAmount(report, below(path, 'maxUnavailable'), spec['maxUnavailable'], 100);
  checkOneOf(report, below(path, 'unhealthyPodEvictionPolicy'), spec['unhealthyPodEvictionPolicy'], ['IfHealthyBudget', 'AlwaysAllow']);
};

const autoscaler: Validator = (spec, path, report) => {
  const min = spec['minReplicas'];
  const max = Number(spec['maxReplicas'] ?? 0);
  if (typeof min === 'number' && min < 1) report(invalidField(below(path, 'minReplicas'), min, 'must be greater than or equal to 1'));
  if (max < 1) report(invalidField(below(path, 'maxReplicas'), max, 'must be greater than 0'));
  if (typeof min === 'number' && max < min)
    report(invalidField(below(path, 'maxReplicas'), max, 'must be greater than or equal to `minReplicas`'));
};

export const workloadValidators: Validators = {
  'api.apps.v1.DeploymentSpec': deployment,
  'api.apps.v1.ReplicaSetSpec': replicaSet,
  'api.apps.v1.StatefulSetSpec': statefulSet,
  'api.apps.v1.DaemonSetSpec': daemonSet,
  'api.core.v1.ReplicationControllerSpec': replicationController,
  'api.batch.v1.JobSpec': job,
  'api.batch.v1.CronJobSpec': cronJob,
  'api.policy.v1.PodDisruptionBudgetSpec': budget,
  'api.autoscaling.v1.HorizontalPodAutoscalerSpec': autoscaler,
  'api.autoscaling.v2.HorizontalPodAutoscalerSpec': autoscaler,
  'api.coordination.v1.LeaseSpec'(spec, path, report) {
    checkPositive(report, below(path, 'leaseDurationSeconds'), spec['leaseDurationSeconds']);
    checkNotNegative(report, below(path, 'leaseTransitions'), spec['leaseTransitions']);
  },
};

const statefulSetMutable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

/** Of a StatefulSet only what its pods are and how many may change. */
export function validateStatefulSetUpdate(next: Raw, old: Raw): StatusCause[] {
  const rest = (spec: unknown): Raw =>
    Object.fromEntries(Object.entries(objectAt(spec)).filter(([field]) => !statefulSetMutable.includes(field)));
  if (equalValues(rest(next['spec']), rest(old['spec']))) return [];
  return [
    forbiddenField(
      'spec',
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ),
  ];
}

/** A job's pods are made from one template, and counted by one selector. */
export function validateJobUpdate(next: Raw, old: Raw): StatusCause[] {
  const suspended = objectAt(old['spec'])['suspend'] === true && objectAt(old['status'])['startTime'] === undefined;
  const fields = ['selector', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'];
  if (objectAt(next['spec'])['completionMode'] !== 'Indexed') fields.unshift('completions');
  const paths = (suspended ? fields : [...fields, 'template']).map((field) => `spec.${field}`);
  return immutable(...paths)(next, old);
}
