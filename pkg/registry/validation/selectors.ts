/** Selectors of labels, nodes and fields, wherever they stand. */
import { forbiddenField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { strings, text } from '../raw.ts';
import type { GoShape } from './go-value.ts';
import { validateLabels } from './metadata.ts';
import { dnsSubdomain, labelValue, type NameCheck, qualifiedName } from './names.ts';
import { fields, items, type Rule } from './rules.ts';
import { below, checkName, type Report, type Validator, type Validators } from './validator.ts';

const notAnOperator = 'not a valid selector operator';

export const selectorShape: GoShape = { matchLabels: ['matchLabels', null], matchExpressions: ['matchExpressions', null] };

function checkValues(report: Report, path: string, values: readonly string[], check: NameCheck): void {
  for (const [i, value] of values.entries()) for (const reason of check(value)) report(invalidField(`${path}[${i}]`, value, reason));
}

/** Whether an operator that compares with values has some, and one that does not has none. */
function checkOperator(operator: string, values: readonly string[], path: string, report: Report): void {
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
    default:
      report(invalidField(below(path, 'operator'), operator, notAnOperator));
  }
}

const labelRequirement: Validator = (requirement, path, report) => {
  const values = strings(requirement['values']);
  checkOperator(text(requirement['operator']), values, path, report);
  checkName(report, below(path, 'key'), text(requirement['key']), qualifiedName);
  checkValues(report, below(path, 'values'), values, labelValue);
};

export const validateLabelSelector: Validator = fields({
  matchLabels: (value, path, report) => validateLabels(value, path, report),
  matchExpressions: items(labelRequirement),
});

/** Of nodes' labels. `values`: whether they are looked at. */
const nodeRequirement =
  (look: boolean): Validator =>
  (requirement, path, report) => {
    const operator = text(requirement['operator']);
    const values = strings(requirement['values']);
    if (operator !== 'Gt' && operator !== 'Lt') checkOperator(operator, values, path, report);
    else if (values.length !== 1)
      report(requiredField(below(path, 'values'), "must be specified single value when `operator` is 'Lt' or 'Gt'"));
    checkName(report, below(path, 'key'), text(requirement['key']), qualifiedName);
    if (look) checkValues(report, below(path, 'values'), values, labelValue);
  };

/** Of nodes' fields, of which there is one: the name. */
const fieldRequirement: Validator = (requirement, path, report) => {
  const operator = text(requirement['operator']);
  const values = strings(requirement['values']);
  if (operator !== 'In' && operator !== 'NotIn') report(invalidField(below(path, 'operator'), operator, notAnOperator));
  else if (values.length !== 1)
    report(requiredField(below(path, 'values'), "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  if (requirement['key'] !== 'metadata.name')
    report(invalidField(below(path, 'key'), text(requirement['key']), 'not a valid field selector key'));
  else checkValues(report, below(path, 'values'), values, dnsSubdomain);
};

/** What a preference compares with was never looked at, and is not now. */
export const nodeTerm = (required: boolean): Validator =>
  fields({ matchExpressions: items(nodeRequirement(required)), matchFields: items(fieldRequirement) });

const terms: Rule = items(nodeTerm(true));
export const validateNodeSelector: Validator = ({ nodeSelectorTerms }, path, report) => {
  const at = below(path, 'nodeSelectorTerms');
  if (!Array.isArray(nodeSelectorTerms) || nodeSelectorTerms.length === 0)
    report(requiredField(at, 'must have at least one node selector term'));
  else terms(nodeSelectorTerms, at, report);
};

export const selectorValidators: Validators = {
  'apimachinery.pkg.apis.meta.v1.LabelSelector': { whole: validateLabelSelector },
  'api.core.v1.NodeSelector': { whole: validateNodeSelector },
};
