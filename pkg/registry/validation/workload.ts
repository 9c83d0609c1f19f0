/** Workloads: their selectors and templates must fit, and how they are rolled out must be possible. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { selectorFromLabelSelector } from '../../api/selectors.ts';
import { forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { dnsLabel, isPercent } from './names.ts';
import { fields, named, notNegative, object, oneOf, present } from './rules.ts';
import { below, checkNotNegative, type Report, type Validator, type Validators } from './validator.ts';

const templateLabels = (spec: Raw): Record<string, string> =>
  objectAt(objectAt(objectAt(spec['template'])['metadata'])['labels']) as Record<string, string>;

export const isEmptySelector = (selector: Raw): boolean =>
  Object.keys(objectAt(selector['matchLabels'])).length === 0 && objects(selector['matchExpressions']).length === 0;

/** For workloads that select by a LabelSelector. An empty one is refused for `what`, where that is given. */
export function checkSelectorOf(spec: Raw, path: string, report: Report, what?: string): void {
  const at = below(path, 'selector');
  const selector = spec['selector'];
  if (!isObject(selector)) {
    report(requiredField(at));
    return;
  }
  if (what !== undefined && isEmptySelector(selector)) {
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

/** Pods of a workload that replaces them run until they are told otherwise. `what` names it in messages. */
function checkTemplate(spec: Raw, path: string, report: Report, what: string): void {
  const pod = objectAt(objectAt(spec['template'])['spec']);
  const at = below(path, 'template.spec');
  if (text(pod['restartPolicy']) !== 'Always') report(unsupportedField(below(at, 'restartPolicy'), pod['restartPolicy'], ['Always']));
  if (pod['activeDeadlineSeconds'] !== undefined)
    report(forbiddenField(below(at, 'activeDeadlineSeconds'), `activeDeadlineSeconds in ${what} is not Supported`));
  if (objects(pod['ephemeralContainers']).length > 0)
    report(forbiddenField(below(at, 'ephemeralContainers'), 'ephemeral containers not allowed in pod template'));
}

const counts = fields({ replicas: notNegative, minReadySeconds: notNegative, revisionHistoryLimit: notNegative });

/** A number of pods, or a share of them. */
export function checkAmount(report: Report, path: string, value: unknown, max?: number): void {
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
  counts(spec, path, report);
  checkSelectorOf(spec, path, report, 'deployment');
  checkTemplate(spec, path, report, 'ReplicaSet');
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
  counts(spec, path, report);
  checkSelectorOf(spec, path, report, 'deployment');
  checkTemplate(spec, path, report, 'ReplicaSet');
};

const replicationController: Validator = (spec, path, report) => {
  counts(spec, path, report);
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
  checkTemplate(spec, path, report, 'ReplicationController');
};

const rollingStatefulSet = fields({
  partition: notNegative,
  maxUnavailable: (value, path, report) => {
    checkAmount(report, path, value, 100);
    if (isNothing(value)) report(invalidField(path, value, 'cannot be 0'));
  },
});

const retention = oneOf(['Delete', 'Retain']);
const statefulSetFields = fields({
  podManagementPolicy: (value, path, report) => {
    if (text(value) === '') report(requiredField(path));
    else if (value !== 'OrderedReady' && value !== 'Parallel') report(invalidField(path, value, "must be 'OrderedReady' or 'Parallel'"));
  },
  updateStrategy: object(({ type, rollingUpdate, ...rest }, path, report) => {
    if (text(type) === '') report(requiredField(path));
    else if (type === 'OnDelete') {
      if (rollingUpdate !== undefined)
        report(invalidField(below(path, 'rollingUpdate'), rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'"));
    } else if (type === 'RollingUpdate') object(rollingStatefulSet)(rollingUpdate, below(path, 'rollingUpdate'), report);
    else report(invalidField(path, { type, ...rest }, "must be 'RollingUpdate' or 'OnDelete'"));
  }),
  persistentVolumeClaimRetentionPolicy: object(fields({ whenDeleted: retention, whenScaled: retention })),
  ordinals: object(fields({ start: notNegative })),
  serviceName: named(dnsLabel),
});

const statefulSet: Validator = (spec, path, report) => {
  counts(spec, path, report);
  statefulSetFields(spec, path, report);
  checkSelectorOf(spec, path, report, 'statefulset');
  checkTemplate(spec, path, report, 'StatefulSet');
};

const daemonSet: Validator = (spec, path, report) => {
  counts(spec, path, report);
  checkSelectorOf(spec, path, report, 'daemonset');
  checkTemplate(spec, path, report, 'DaemonSet');
  const strategy = objectAt(spec['updateStrategy']);
  const at = below(path, 'updateStrategy');
  const where = below(at, 'rollingUpdate');
  if (strategy['type'] === 'OnDelete') return;
  if (strategy['type'] !== 'RollingUpdate') {
    report(unsupportedField(at, strategy, ['RollingUpdate', 'OnDelete']));
    return;
  }
  const rolling = strategy['rollingUpdate'];
  if (!isObject(rolling)) {
    report(requiredField(where));
    return;
  }
  checkAmount(report, below(where, 'maxUnavailable'), rolling['maxUnavailable'], 100);
  checkAmount(report, below(where, 'maxSurge'), rolling['maxSurge'], 100);
  const [none, surge] = [isNothing(rolling['maxUnavailable']), isNothing(rolling['maxSurge'])];
  if (none && surge) report(requiredField(below(where, 'maxUnavailable'), 'cannot be 0 when maxSurge is 0'));
  if (!none && !surge && rolling['maxSurge'] !== undefined) {
    report(invalidField(below(where, 'maxSurge'), rolling['maxSurge'], 'may not be set when maxUnavailable is non-zero'));
  }
};

export const workloadValidators: Validators = {
  'api.apps.v1.DeploymentSpec': deployment,
  'api.apps.v1.ReplicaSetSpec': replicaSet,
  'api.apps.v1.StatefulSetSpec': statefulSet,
  'api.apps.v1.DaemonSetSpec': daemonSet,
  'api.core.v1.ReplicationControllerSpec': replicationController,
  'api.apps.v1.ControllerRevision': fields({ data: present('data is mandatory'), revision: notNegative }),
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
