/** What a pod puts up with of a node: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
import { invalidField, unsupportedField } from '../../runtime/field-errors.ts';
import { text } from '../raw.ts';
import { labelValue, qualifiedName } from './names.ts';
import { oneOf } from './rules.ts';
import { below, checkName, type Report, type Validator } from './validator.ts';

export const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export const toleration: Validator = (value, path, report) => {
  const [key, operator, effect] = [text(value['key']), text(value['operator']), text(value['effect'])];
  const at = below(path, 'operator');
  if (key !== '') checkName(report, below(path, 'key'), key, qualifiedName);
  else if (operator !== 'Exists')
    report(invalidField(at, operator, 'operator must be Exists when `key` is empty, which means "match all values and all keys"'));
  if (value['tolerationSeconds'] !== undefined && effect !== 'NoExecute')
    report(invalidField(below(path, 'effect'), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  checkValue(text(value['value']), operator, at, report);
  oneOf(taintEffects)(effect, below(path, 'effect'), report);
};

/** What is wrong with a value is said of the operator that it is for. */
function checkValue(value: string, operator: string, path: string, report: Report): void {
  switch (operator) {
    case 'Equal':
    case '': {
      const reasons = labelValue(value);
      if (reasons.length > 0) report(invalidField(path, value, reasons.join(';')));
      return;
    }
    case 'Exists':
      if (value !== '') report(invalidField(path, value, "value must be empty when `operator` is 'Exists'"));
      return;
    case 'Lt':
    case 'Gt':
      // Numbers are compared where a feature is switched on that is not.
      report(unsupportedField(path, operator, ['Equal', 'Exists', 'Lt', 'Gt']));
      return;
    default:
      report(unsupportedField(path, operator, ['Equal', 'Exists']));
  }
}
