/** HorizontalPodAutoscalers, at both their versions. */
import { isQuantity, parseQuantity } from '../../api/quantity.ts';
import { forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { dnsLabel, pathSegment } from './names.ts';
import { checkContainerResource } from './resource-amounts.ts';
import {
  atLeast,
  between,
  both,
  fields,
  items,
  needed,
  neededName,
  object,
  oneOf,
  positive,
  type Rule,
  strictOneOf,
  validators,
} from './rules.ts';
import { below, type Report, type Validator, type Validators } from './validator.ts';

const maxWindowSeconds = 3_600;
const maxPeriodSeconds = 1_800;

/** Which field holds what a metric of that type is. */
const sources: Readonly<Record<string, string>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};

const replicas: Validator = (spec, path, report) => {
  const min = spec['minReplicas'];
  const max = Number(spec['maxReplicas'] ?? 0);
  atLeast(1)(min, below(path, 'minReplicas'), report);
  if (max === 0) report(requiredField(below(path, 'maxReplicas'), 'must be set and greater than 0'));
  else if (max < 0) report(invalidField(below(path, 'maxReplicas'), max, 'must be greater than or equal to 1'));
  if (typeof min === 'number' && max < min)
    report(invalidField(below(path, 'maxReplicas'), max, 'must be greater than or equal to `minReplicas`'));
};

const above: Rule = (value, path, report) => {
  const amount = text(value);
  if (isQuantity(amount) && parseQuantity(amount).nanos <= 0n) report(invalidField(path, amount, 'must be positive'));
};
const target = fields({
  type: both(needed('must specify a metric target type'), (value, path, report) => {
    if (!['Utilization', 'Value', 'AverageValue'].includes(text(value)))
      report(invalidField(path, text(value), 'must be either Utilization, Value, or AverageValue'));
  }),
  value: above,
  averageValue: above,
  averageUtilization: atLeast(1, 'must be greater than 0'),
});

/** One of the two must be said of a target; the second names where it is asked for. */
const eitherTarget =
  (one: string, other: string, detail: string): Validator =>
  (source, path, report) => {
    const given = objectAt(source['target']);
    if (given[one] === undefined && given[other] === undefined) report(requiredField(below(path, `target.${other}`), detail));
  };
const notBothTargets =
  (one: string, other: string, detail: string): Validator =>
  (source, path, report) => {
    const given = objectAt(source['target']);
    if (given[one] !== undefined && given[other] !== undefined) report(forbiddenField(below(path, `target.${other}`), detail));
  };
const rawOrUtilization = validators(
  eitherTarget('averageValue', 'averageUtilization', 'must set either a target raw value or a target utilization'),
  notBothTargets('averageUtilization', 'averageValue', 'may not set both a target raw value and a target utilization'),
);

const metricName = fields({ name: neededName(pathSegment, 'must specify a metric name') });
const aimed: Validator = (source, path, report) => target(objectAt(source['target']), below(path, 'target'), report);
/** Of a metric that has a name, and what is aimed at. */
const measured: Validator = (source, path, report) => {
  metricName(objectAt(source['metric']), below(path, 'metric'), report);
  aimed(source, path, report);
};

const referenceNames = fields({ kind: neededName(pathSegment), name: neededName(pathSegment) });
function checkReference(
  reference: Raw,
  path: string,
  { report, groupless }: { readonly report: Report; readonly groupless: boolean },
): void {
  referenceNames(reference, path, report);
  const version = text(reference['apiVersion']);
  const parts = version.split('/');
  const at = below(path, 'apiVersion');
  if (parts.length > 2) report(invalidField(at, version, `unexpected GroupVersion string: ${version}`));
  else if (!groupless && (parts.length < 2 || parts[0] === '')) report(invalidField(at, version, 'apiVersion must specify API group'));
}

const sourceRules: Readonly<Record<string, Validator>> = {
  object: validators(
    (source, path, report) =>
      checkReference(objectAt(source['describedObject']), below(path, 'describedObject'), { report, groupless: true }),
    measured,
    eitherTarget('value', 'averageValue', 'must set either a target value or averageValue'),
  ),
  external: validators(
    measured,
    eitherTarget('value', 'averageValue', 'must set either a target value for metric or a per-pod target'),
    notBothTargets('averageValue', 'value', 'may not set both a target value for metric and a per-pod target'),
  ),
  pods: (source, path, report) => {
    measured(source, path, report);
    if (objectAt(source['target'])['averageValue'] === undefined)
      report(requiredField(below(path, 'target.averageValue'), 'must specify a positive target averageValue'));
  },
  resource: validators(fields({ name: needed('must specify a resource name') }), aimed, rawOrUtilization),
  containerResource: validators(
    fields({
      name: both(needed('must specify a resource name'), (value, path, report) => {
        if (text(value) !== '') checkContainerResource(report, path, text(value));
      }),
      container: neededName(dnsLabel, 'must specify a container'),
    }),
    aimed,
    rawOrUtilization,
  ),
};

const metric: Validator = (spec, path, report) => {
  const type = text(spec['type']);
  if (type === '') report(requiredField(below(path, 'type'), 'must specify a metric source type'));
  const expected = sources[type];
  const unknown = unsupportedField(below(path, 'type'), type, Object.keys(sources));
  if (expected === undefined) report(unknown);
  const given = Object.keys(sourceRules).filter((source) => isObject(spec[source]));
  const [first] = given;
  if (first !== undefined) sourceRules[first]?.(spec[first] as Raw, below(path, first), report);
  // Kubernetes says it twice.
  if (expected === undefined) report(unknown);
  else if (!given.includes(expected)) {
    report(requiredField(below(path, expected), 'must populate information for the given metric source'));
  }
  if (given.length === 1) return;
  for (const extra of given.filter((source) => source !== expected)) {
    report(forbiddenField(below(path, extra), 'must populate the given metric source only'));
  }
};

const policy = fields({
  type: strictOneOf(['Percent', 'Pods']),
  value: positive(),
  periodSeconds: both(positive(), between(Number.NEGATIVE_INFINITY, maxPeriodSeconds, `must be less than or equal to ${maxPeriodSeconds}`)),
});
const scalingRules = fields({
  stabilizationWindowSeconds: both(
    atLeast(0, 'must be greater than or equal to zero'),
    between(Number.NEGATIVE_INFINITY, maxWindowSeconds, `must be less than or equal to ${maxWindowSeconds}`),
  ),
  selectPolicy: oneOf(['Disabled', 'Max', 'Min']),
  policies: both(needed('must specify at least one Policy'), items(policy)),
  tolerance: (value, path, report) => {
    const amount = text(value);
    if (isQuantity(amount) && parseQuantity(amount).nanos < 0n) report(invalidField(path, amount, 'must be greater than or equal to 0'));
  },
});

const behavior = fields({ scaleUp: object(scalingRules), scaleDown: object(scalingRules) });
const metrics = items(metric);

const autoscaler: Validator = (spec, path, report) => {
  replicas(spec, path, report);
  const [reference, before] = [objectAt(spec['scaleTargetRef']), objectAt(objectAt(report.old)['spec'])['scaleTargetRef']];
  const asBefore = isObject(before) && ['apiVersion', 'kind'].every((field) => text(before[field]) === text(reference[field]));
  const at = below(path, 'scaleTargetRef');
  if (asBefore) referenceNames(reference, at, report);
  else checkReference(reference, at, { report, groupless: reference['kind'] === 'ReplicationController' });
  metrics(spec['metrics'], below(path, 'metrics'), report);
  const outside = objects(spec['metrics']).some(({ type }) => type === 'Object' || type === 'External');
  if (spec['minReplicas'] === 0 && !outside) {
    const detail = 'must specify at least one Object or External metric to support scaling to zero replicas';
    report(forbiddenField(below(path, 'metrics'), detail));
  }
  object(behavior)(spec['behavior'], below(path, 'behavior'), report);
};

export const autoscalingValidators: Validators = { 'api.autoscaling.v2.HorizontalPodAutoscalerSpec': { whole: autoscaler } };
