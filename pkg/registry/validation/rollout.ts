/** How workloads replace their pods: how many at once may be missing, or be there beside the others. */
import { invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { isObject, text } from '../raw.ts';
import { type GoShape, goValue } from './go-value.ts';
import { isPercent } from './names.ts';
import { fields, forbidden, notNegative, object, type Rule } from './rules.ts';
import { below, type Validator } from './validator.ts';

const percentDetail =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

/** A number of pods, or a share of them. */
export const amount: Rule = (value, path, report) => {
  if (typeof value === 'string' && !isPercent(value)) report(invalidField(path, value, percentDetail));
  else notNegative(value, path, report);
};
/** A share of what there is at most. */
export const notAbove100: Rule = (value, path, report) => {
  if (isPercent(value) && Number(value.slice(0, -1)) > 100) report(invalidField(path, value, 'must not be greater than 100%'));
};

/** Of a text that is no share, as Go reads it: the number it is, or none. */
function countOf(value: unknown): number {
  if (typeof value !== 'string') return Number(value ?? 0);
  if (isPercent(value)) return Number(value.slice(0, -1));
  return /^[+-]?\d+$/.test(value) ? Number(value) : 0;
}
const isNothing = (value: unknown): boolean => countOf(value) === 0;

const amounts = fields({ maxUnavailable: amount, maxSurge: amount });

const rollingDeployment: Validator = (rolling, path, report) => {
  amounts(rolling, path, report);
  const { maxUnavailable, maxSurge } = rolling;
  const at = below(path, 'maxUnavailable');
  if (isNothing(maxUnavailable) && isNothing(maxSurge)) report(invalidField(at, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
  notAbove100(maxUnavailable, at, report);
};

const strategyShape = (rolling: GoShape): GoShape => ({ Type: ['type', ''], RollingUpdate: ['rollingUpdate', null, rolling] });
const surging: GoShape = { MaxUnavailable: ['maxUnavailable', null], MaxSurge: ['maxSurge', null] };

export const deploymentUpdates: Validator = (value, path, report) => {
  const { type, rollingUpdate } = value;
  const at = below(path, 'rollingUpdate');
  if (type === 'Recreate') forbidden("may not be specified when strategy `type` is 'Recreate'")(rollingUpdate, at, report);
  else if (type !== 'RollingUpdate') report(unsupportedField(path, goValue(value, strategyShape(surging)), ['Recreate', 'RollingUpdate']));
  else if (isObject(rollingUpdate)) rollingDeployment(rollingUpdate, at, report);
  else report(requiredField(at, 'this should be defaulted and never be nil'));
};

const rollingStatefulSet = fields({
  partition: notNegative,
  maxUnavailable: (value, path, report) => {
    if (value === undefined) return;
    amount(value, path, report);
    if (isNothing(value)) report(invalidField(path, value, 'cannot be 0'));
    notAbove100(value, path, report);
  },
});
const partitioned: GoShape = { Partition: ['partition', 0], MaxUnavailable: ['maxUnavailable', null] };

export const statefulSetUpdates: Validator = (value, path, report) => {
  const { type, rollingUpdate } = value;
  const at = below(path, 'rollingUpdate');
  if (text(type) === '') report(requiredField(path));
  else if (type === 'OnDelete') {
    const given = isObject(rollingUpdate) ? goValue(rollingUpdate, partitioned) : undefined;
    if (given !== undefined) report(invalidField(at, given, "only allowed for updateStrategy 'RollingUpdate'"));
  } else if (type === 'RollingUpdate') object(rollingStatefulSet)(rollingUpdate, at, report);
  else report(invalidField(path, goValue(value, strategyShape(partitioned)), "must be 'RollingUpdate' or 'OnDelete'"));
};

const atMostAll = fields({ maxUnavailable: notAbove100, maxSurge: notAbove100 });
const rollingDaemonSet: Validator = (rolling, path, report) => {
  amounts(rolling, path, report);
  atMostAll(rolling, path, report);
  const { maxUnavailable, maxSurge } = rolling;
  const [none, noSurge] = [isNothing(maxUnavailable), isNothing(maxSurge)];
  if (!none && !noSurge) report(invalidField(below(path, 'maxSurge'), maxSurge, 'may not be set when maxUnavailable is non-zero'));
  if (none && noSurge) report(requiredField(below(path, 'maxUnavailable'), 'cannot be 0 when maxSurge is 0'));
};

export const daemonSetUpdates: Validator = (value, path, report) => {
  const { type, rollingUpdate } = value;
  const at = below(path, 'rollingUpdate');
  if (type === 'OnDelete') return;
  if (type !== 'RollingUpdate') report(unsupportedField(path, goValue(value, strategyShape(surging)), ['RollingUpdate', 'OnDelete']));
  else if (isObject(rollingUpdate)) rollingDaemonSet(rollingUpdate, at, report);
  else report(requiredField(at));
};
