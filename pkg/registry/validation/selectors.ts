/** Selectors of labels, nodes and fields, wherever they stand. */

import { forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { objects, strings, text } from '../raw.ts';
import { validateLabels } from './metadata.ts';
import { dnsSubdomain, labelValue, qualifiedName } from './names.ts';
import { oneOf } from './rules.ts';
import { below, checkName, type Report, type Validator, type Validators } from './validator.ts';

const notAnOperator = 'not a valid selector operator';

const labelRequirement: Validator = (requirement, path, report) => {
  const operator = text(requirement['operator']);
  const values = strings(requirement['values']);
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) report(requiredField(below(path, 'values'), "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0)
      report(forbiddenField(below(path, 'values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  } else {
    report(invalidField(below(path, 'operator'), operator, notAnOperator));
  }
  checkName(report, below(path, 'key'), requirement['key'], qualifiedName);
  for (const [i, value] of values.entries()) {
    for (const reason of labelValue(value)) report(invalidField(`${below(path, 'values')}[${i}]`, value, reason));
  }
};

function nodeOperator(operator: string, values: readonly string[], path: string, report: Report): void {
  const at = below(path, 'values');
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) report(requiredField(at, "must be specified when `operator` is 'In' or 'NotIn'"));
      return;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) report(forbiddenField(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      return;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) report(requiredField(at, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      return;
    default:
      report(invalidField(below(path, 'operator'), operator, notAnOperator));
  }
}

export const selectorValidators: Validators = {
  'apimachinery.pkg.apis.meta.v1.LabelSelector'(selector, path, report) {
    validateLabels(selector['matchLabels'], below(path, 'matchLabels'), report);
  },
  'apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement': labelRequirement,
  'api.core.v1.NodeSelector'(selector, path, report) {
    if (objects(selector['nodeSelectorTerms']).length === 0) {
      report(requiredField(below(path, 'nodeSelectorTerms'), 'must have at least one node selector term'));
    }
  },
  'api.core.v1.NodeSelectorRequirement'(requirement, path, report) {
    nodeOperator(text(requirement['operator']), strings(requirement['values']), path, report);
    const field = path.includes('.matchFields[');
    if (!field) checkName(report, below(path, 'key'), requirement['key'], qualifiedName);
    else if (requirement['key'] !== 'metadata.name') {
      report(invalidField(below(path, 'key'), requirement['key'], 'not a valid field selector key'));
    } else {
      for (const [i, value] of strings(requirement['values']).entries())
        checkName(report, `${below(path, 'values')}[${i}]`, value, dnsSubdomain);
    }
  },
  'api.core.v1.PreferredSchedulingTerm': weight,
  'api.core.v1.WeightedPodAffinityTerm': weight,
  'api.core.v1.PodAffinityTerm'(term, path, report) {
    const key = text(term['topologyKey']);
    if (key === '') report(requiredField(below(path, 'topologyKey'), 'can not be empty'));
    checkName(report, below(path, 'topologyKey'), key, qualifiedName);
    checkLabelKeys(term, path, report);
    for (const [i, namespace] of strings(term['namespaces']).entries()) {
      checkName(report, `${below(path, 'namespace')}[${i}]`, namespace, dnsSubdomain);
    }
  },
  'api.core.v1.TopologySpreadConstraint'(constraint, path, report) {
    const { maxSkew, topologyKey, whenUnsatisfiable, minDomains } = constraint;
    if (typeof maxSkew !== 'number' || maxSkew <= 0)
      report(invalidField(below(path, 'maxSkew'), maxSkew ?? 0, 'must be greater than zero'));
    if (text(topologyKey) === '') report(requiredField(below(path, 'topologyKey'), 'can not be empty'));
    else checkName(report, below(path, 'topologyKey'), topologyKey, qualifiedName);
    if (whenUnsatisfiable !== 'DoNotSchedule' && whenUnsatisfiable !== 'ScheduleAnyway') {
      report(unsupportedField(below(path, 'whenUnsatisfiable'), whenUnsatisfiable ?? '', ['DoNotSchedule', 'ScheduleAnyway']));
    }
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'])
      oneOf(['Honor', 'Ignore'])(constraint[field], below(path, field), report);
    checkLabelKeys(constraint, path, report);
    if (typeof minDomains === 'number' && minDomains <= 0)
      report(invalidField(below(path, 'minDomains'), minDomains, 'must be greater than zero'));
    if (minDomains !== undefined && whenUnsatisfiable !== 'DoNotSchedule') {
      report(
        invalidField(
          below(path, 'minDomains'),
          minDomains,
          `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${text(whenUnsatisfiable)}`,
        ),
      );
    }
  },
};

function weight(term: Record<string, unknown>, path: string, report: Report): void {
  const value = term['weight'] ?? 0;
  if (typeof value !== 'number' || value <= 0 || value > 100)
    report(invalidField(below(path, 'weight'), value, 'must be in the range 1-100'));
}

/** Keys whose values are the pod's own. They narrow a selector, and so need one. */
function checkLabelKeys(term: Record<string, unknown>, path: string, report: Report): void {
  for (const field of ['matchLabelKeys', 'mismatchLabelKeys']) {
    const keys = strings(term[field]);
    const at = below(path, field);
    if (keys.length > 0 && term['labelSelector'] === undefined)
      report(forbiddenField(at, 'must not be specified when labelSelector is not set'));
    for (const [i, key] of keys.entries()) checkName(report, `${at}[${i}]`, key, qualifiedName);
  }
}
