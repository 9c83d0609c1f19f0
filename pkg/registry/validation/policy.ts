/** PodDisruptionBudgets. */
import { invalidField } from '../../runtime/field-errors.ts';
import { fields, oneOf, type Rule, validators } from './rules.ts';
import type { Validators } from './validator.ts';
import { checkAmount } from './workload.ts';

const amount: Rule = (value, path, report) => checkAmount(report, path, value, 100);

export const policyValidators: Validators = {
  'api.policy.v1.PodDisruptionBudgetSpec': validators(
    (spec, path, report) => {
      if (spec['minAvailable'] !== undefined && spec['maxUnavailable'] !== undefined) {
        report(invalidField(path, spec, 'minAvailable and maxUnavailable cannot be both set'));
      }
    },
    fields({
      minAvailable: amount,
      maxUnavailable: amount,
      unhealthyPodEvictionPolicy: oneOf(['AlwaysAllow', 'IfHealthyBudget']),
    }),
  ),
};
