/** Questions about access: what they must say to be answered. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { forbiddenField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { isObject, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { labelValue, qualifiedName } from './names.ts';
import { each, items, object, type Rule, strictName } from './rules.ts';
import { below, type Report, type Validator } from './validator.ts';

/** Of operators that are not known here nothing is said: a newer client may know them. */
function checkOperator({ operator, values }: Raw, path: string, report: Report): void {
  const at = below(path, 'values');
  const given = strings(values).length > 0;
  if ((operator === 'In' || operator === 'NotIn') && !given) {
    report(requiredField(at, "must be specified when `operator` is 'In' or 'NotIn'"));
  }
  if ((operator === 'Exists' || operator === 'DoesNotExist') && given) {
    report(forbiddenField(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  }
}

const fieldRequirement: Validator = (requirement, path, report) => {
  if (text(requirement['key']) === '') report(requiredField(below(path, 'key'), 'must be specified'));
  checkOperator(requirement, path, report);
};
const labelRequirement: Validator = (requirement, path, report) => {
  checkOperator(requirement, path, report);
  strictName(qualifiedName)(requirement['key'], below(path, 'key'), report);
  each(strictName(labelValue))(requirement['values'], below(path, 'values'), report);
};

/** As it was written, or taken apart. */
const selector = (requirement: Validator): Rule =>
  object(({ rawSelector, requirements }, path, report) => {
    const [raw, parts] = [text(rawSelector), objects(requirements)];
    if (raw !== '' && parts.length > 0) {
      report(invalidField(below(path, 'rawSelector'), raw, 'may not specified at the same time as requirements'));
    }
    if (raw === '' && parts.length === 0) {
      report(requiredField(below(path, 'requirements'), `when ${path} is specified, requirements or rawSelector is required`));
    }
    items(requirement)(parts, below(path, 'requirements'), report);
  });

/** As Kubernetes shows the path that was asked about. */
const goPath = (value: unknown): unknown => (isObject(value) ? { Path: text(value['path']), Verb: text(value['verb']) } : null);

interface Asked {
  readonly metadata: Raw;
  /** Absent: the question is about oneself. */
  readonly about?: 'anybody' | 'anybody here';
}

export function validateAccessReview(spec: Raw, { metadata, about }: Asked): StatusCause[] {
  const causes: StatusCause[] = [];
  const report: Report = Object.assign((cause: StatusCause) => void causes.push(cause), { root: spec });
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec;
  if (resource !== undefined && path !== undefined) {
    report(invalidField('spec.nonResourceAttributes', goPath(path), 'cannot be specified in combination with resourceAttributes'));
  }
  if (resource === undefined && path === undefined) {
    const detail = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    report(invalidField('spec.resourceAttributes', null, detail));
  }
  if (about && text(spec['user']) === '' && strings(spec['groups']).length === 0) {
    report(invalidField('spec.user', '', 'at least one of user or group must be specified'));
  }
  const { fieldSelector, labelSelector, namespace } = objectAt(resource);
  selector(fieldRequirement)(fieldSelector, 'spec.resourceAttributes.fieldSelector', report);
  selector(labelRequirement)(labelSelector, 'spec.resourceAttributes.labelSelector', report);
  const here = about === 'anybody here';
  const { managedFields: _managedFields, namespace: where, ...rest } = metadata;
  if (!equalValues(here ? rest : { ...rest, ...(where === undefined ? {} : { namespace: where }) }, {})) {
    report(invalidField('metadata', metadata, here ? 'must be empty except for namespace' : 'must be empty'));
  }
  if (!here) return causes;
  if (resource !== undefined && text(namespace) !== text(where)) {
    report(invalidField('spec.resourceAttributes.namespace', text(namespace), 'must match metadata.namespace'));
  }
  if (path !== undefined) report(invalidField('spec.nonResourceAttributes', goPath(path), 'disallowed on this kind of request'));
  return causes;
}
