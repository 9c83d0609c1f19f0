/** Workloads: their selectors and templates must fit, and how they are rolled out must be possible. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { selectorFromLabelSelector } from '../../api/selectors.ts';
import { forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { claimSpec } from './claim.ts';
import { validateAnnotations, validateLabels } from './metadata.ts';
import { dnsLabel } from './names.ts';
import { podAnnotations, podTemplateSpec } from './pod.ts';
import { daemonSetUpdates, deploymentUpdates, statefulSetUpdates } from './rollout.ts';
import { fields, items, named, notNegative, object, strictOneOf } from './rules.ts';
import { validateLabelSelector } from './selectors.ts';
import { below, collect, type Report, type Validator, type Validators } from './validator.ts';

export const templateLabels = (spec: Raw): unknown => objectAt(objectAt(spec['template'])['metadata'])['labels'];

const isEmptySelector = (selector: Raw): boolean =>
  Object.keys(objectAt(selector['matchLabels'])).length === 0 && objects(selector['matchExpressions']).length === 0;

/** What a LabelSelector selects by; undefined where it says something that cannot be. None at all selects nothing. */
export function matcherOf(selector: unknown): ((labels: Readonly<Record<string, string>>) => boolean) | undefined {
  if (!isObject(selector)) return () => false;
  if (collect(selector, (report) => validateLabelSelector(selector, '', report)).length > 0) return undefined;
  const compiled = selectorFromLabelSelector(selector);
  return (labels) => compiled.matches(labels);
}

export const mismatch = (spec: Raw, path: string): StatusCause =>
  invalidField(below(path, 'template.metadata.labels'), templateLabels(spec), '`selector` does not match template `labels`');

/** For workloads that select by a LabelSelector of their own: an empty one would take every pod there is. */
function checkSelector(spec: Raw, path: string, { report, what }: { readonly report: Report; readonly what: string }): void {
  const at = below(path, 'selector');
  const { selector } = spec;
  if (!isObject(selector)) {
    report(requiredField(at));
    return;
  }
  validateLabelSelector(selector, at, report);
  if (isEmptySelector(selector)) report(invalidField(at, selector, `empty selector is invalid for ${what}`));
}

interface TemplateCall {
  readonly report: Report;
  /** Said of a selector that cannot be read. */
  readonly unreadable: string;
  /** Where it is looked at otherwise than as it is. */
  readonly template?: Raw;
}

/** The template makes pods that the selector finds. False, and the template not looked at: nobody can tell. */
function checkSelected(spec: Raw, path: string, { report, unreadable, template = objectAt(spec['template']) }: TemplateCall): boolean {
  const { selector } = spec;
  const matches = matcherOf(selector);
  if (!matches) {
    report(invalidField(below(path, 'selector'), selector, unreadable));
    return false;
  }
  const empty = isObject(selector) && isEmptySelector(selector);
  if (!empty && !matches(objectAt(templateLabels(spec)) as Record<string, string>)) report(mismatch(spec, path));
  podTemplateSpec(template, below(path, 'template'), report);
  return true;
}

/** Pods of a workload that replaces them run until they are told otherwise. */
function checkEndless(spec: Raw, path: string, { report, what }: { readonly report: Report; readonly what: string }): void {
  const pod = objectAt(objectAt(spec['template'])['spec']);
  const at = below(path, 'template.spec');
  if (text(pod['restartPolicy']) !== 'Always') report(unsupportedField(below(at, 'restartPolicy'), pod['restartPolicy'], ['Always']));
  if (pod['activeDeadlineSeconds'] !== undefined)
    report(forbiddenField(below(at, 'activeDeadlineSeconds'), `activeDeadlineSeconds in ${what} is not Supported`));
}

const counted = fields({ replicas: notNegative });
const deploymentTimes = fields({
  strategy: object(deploymentUpdates),
  minReadySeconds: notNegative,
  revisionHistoryLimit: notNegative,
  progressDeadlineSeconds: notNegative,
});

const deployment: Validator = (spec, path, report) => {
  counted(spec, path, report);
  checkSelector(spec, path, { report, what: 'deployment' });
  if (checkSelected(spec, path, { report, unreadable: 'invalid label selector' })) checkEndless(spec, path, { report, what: 'ReplicaSet' });
  deploymentTimes(spec, path, report);
  const deadline = spec['progressDeadlineSeconds'];
  if (typeof deadline === 'number' && deadline <= Number(spec['minReadySeconds'] ?? 0))
    report(invalidField(below(path, 'progressDeadlineSeconds'), deadline, 'must be greater than minReadySeconds'));
};

const replicaSetCounts = fields({ replicas: notNegative, minReadySeconds: notNegative });
const replicaSet: Validator = (spec, path, report) => {
  replicaSetCounts(spec, path, report);
  checkSelector(spec, path, { report, what: 'deployment' });
  if (checkSelected(spec, path, { report, unreadable: 'invalid label selector' })) checkEndless(spec, path, { report, what: 'ReplicaSet' });
};

const controllerCounts = fields({
  minReadySeconds: notNegative,
  selector: (value, path, report) => {
    if (Object.keys(objectAt(value)).length === 0) report(requiredField(path));
  },
  replicas: notNegative,
});
const replicationController: Validator = (spec, path, report) => {
  controllerCounts(spec, path, report);
  const { template } = spec;
  if (!isObject(template)) {
    report(requiredField(below(path, 'template')));
    return;
  }
  const labels = objectAt(templateLabels(spec));
  if (Object.entries(objectAt(spec['selector'])).some(([key, value]) => labels[key] !== value)) report(mismatch(spec, path));
  podTemplateSpec(template, below(path, 'template'), report);
  checkEndless(spec, path, { report, what: 'ReplicationController' });
};

const retention = strictOneOf(['Retain', 'Delete']);
const statefulSetFields = fields({
  podManagementPolicy: (value, path, report) => {
    if (text(value) === '') report(requiredField(path));
    else if (value !== 'OrderedReady' && value !== 'Parallel') report(invalidField(path, value, "must be 'OrderedReady' or 'Parallel'"));
  },
  updateStrategy: object(statefulSetUpdates),
  persistentVolumeClaimRetentionPolicy: object(fields({ whenDeleted: retention, whenScaled: retention })),
});
const claimTemplates = items((claim, path, report) => claimSpec(objectAt(claim['spec']), below(path, 'spec'), report));
const statefulSetCounts = fields({
  replicas: notNegative,
  minReadySeconds: notNegative,
  ordinals: object(fields({ start: notNegative })),
});

const statefulSet: Validator = (spec, path, report) => {
  statefulSetFields(spec, path, report);
  // What may never change is looked at when it comes.
  if (!report.old) claimTemplates(spec['volumeClaimTemplates'], below(path, 'volumeClaimTemplates'), report);
  statefulSetCounts(spec, path, report);
  if (!report.old) named(dnsLabel)(spec['serviceName'], below(path, 'serviceName'), report);
  checkSelector(spec, path, { report, what: 'statefulset' });
  if (checkSelected(spec, path, { report, unreadable: '', template: withClaims(spec) })) {
    // Kubernetes says this twice.
    const { metadata, spec: pod } = objectAt(spec['template']);
    const { labels, annotations } = objectAt(metadata);
    const at = below(path, 'template.annotations');
    validateLabels(labels, below(path, 'template.labels'), report);
    validateAnnotations(annotations, at, report);
    podAnnotations(objectAt(annotations), objectAt(pod), { path: at, report });
  }
  checkEndless(spec, path, { report, what: 'StatefulSet' });
};

/** Its pods' names are the set's to give, and its claims are volumes of theirs. */
function withClaims(spec: Raw): Raw {
  const template = objectAt(spec['template']);
  const { subdomain: _subdomain, hostname: _hostname, ...pod } = objectAt(template['spec']);
  const names = objects(spec['volumeClaimTemplates']).map((claim) => text(objectAt(claim['metadata'])['name']));
  if (names.length > 0) {
    const claims = [...new Set(names)].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
    pod['volumes'] = [...claims, ...objects(pod['volumes']).filter((volume) => !names.includes(text(volume['name'])))];
  }
  return { ...template, spec: pod };
}

const daemonSetRest = fields({
  minReadySeconds: notNegative,
  updateStrategy: object(daemonSetUpdates),
  revisionHistoryLimit: notNegative,
});
const daemonSet: Validator = (spec, path, report) => {
  const { selector } = spec;
  if (isObject(selector)) validateLabelSelector(selector, below(path, 'selector'), report);
  const matches = matcherOf(selector);
  if (matches && !matches(objectAt(templateLabels(spec)) as Record<string, string>)) report(mismatch(spec, path));
  if (isObject(selector) && isEmptySelector(selector))
    report(invalidField(below(path, 'selector'), selector, 'empty selector is invalid for daemonset'));
  podTemplateSpec(objectAt(spec['template']), below(path, 'template'), report);
  checkEndless(spec, path, { report, what: 'DaemonSet' });
  daemonSetRest(spec, path, report);
};

export const workloadValidators: Validators = {
  'api.apps.v1.DeploymentSpec': { whole: deployment },
  'api.apps.v1.ReplicaSetSpec': { whole: replicaSet },
  'api.apps.v1.StatefulSetSpec': { whole: statefulSet },
  'api.apps.v1.DaemonSetSpec': { whole: daemonSet },
  'api.core.v1.ReplicationControllerSpec': { whole: replicationController },
  'api.apps.v1.ControllerRevision': {
    whole: (revision, path, report) => {
      notNegative(revision['revision'], below(path, 'revision'), report);
      const { data } = revision;
      const at = below(path, 'data');
      // What it holds never changes, and is looked at when it comes.
      if (report.old || isObject(data)) return;
      report(requiredField(at, data === undefined || data === null ? 'data is mandatory' : 'data must be a valid JSON object'));
    },
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
