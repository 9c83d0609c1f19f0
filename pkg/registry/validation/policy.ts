/** PodDisruptionBudgets. */
import { invalidField } from '../../runtime/field-errors.ts';
import { notAbove100, amount as numberOrShare } from './rollout.ts';
import { both, fields, oneOf, validators } from './rules.ts';
import type { Validators } from './validator.ts';

const amount = both(numberOrShare, notAbove100);

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
