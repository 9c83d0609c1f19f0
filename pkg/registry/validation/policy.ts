/** PodDisruptionBudgets. */
import { invalidField } from '../../runtime/field-errors.ts';
import { isObject } from '../raw.ts';
import { type GoShape, goValue } from './go-value.ts';
import { notAbove100, amount as numberOrShare } from './rollout.ts';
import { both, fields, strictOneOf } from './rules.ts';
import { validateLabelSelector } from './selectors.ts';
import { below, type Validator, type Validators } from './validator.ts';

const amount = both(numberOrShare, notAbove100);

const shape: GoShape = {
  MinAvailable: ['minAvailable', null],
  Selector: ['selector', null],
  MaxUnavailable: ['maxUnavailable', null],
  UnhealthyPodEvictionPolicy: ['unhealthyPodEvictionPolicy', null],
};
const amounts = fields({ minAvailable: amount, maxUnavailable: amount });

const budget: Validator = (spec, path, report) => {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec;
  if (minAvailable !== undefined && maxUnavailable !== undefined)
    report(invalidField(path, goValue(spec, shape), 'minAvailable and maxUnavailable cannot be both set'));
  amounts(spec, path, report);
  if (isObject(selector)) validateLabelSelector(selector, below(path, 'selector'), report);
  if (policy !== undefined) strictOneOf(['AlwaysAllow', 'IfHealthyBudget'])(policy, below(path, 'unhealthyPodEvictionPolicy'), report);
};

export const policyValidators: Validators = { 'api.policy.v1.PodDisruptionBudgetSpec': { whole: budget } };
