/** Where a pod would like to be, and beside whom: https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/ */
import { duplicateField, forbiddenField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { isObject, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { dnsLabel, qualifiedName } from './names.ts';
import { fields, items, needed, object, positive, type Rule, strictOneOf } from './rules.ts';
import { nodeTerm, validateLabelSelector, validateNodeSelector } from './selectors.ts';
import { below, checkName, type Report, type Validator } from './validator.ts';

const weight: Rule = (value, path, report) => {
  const given = Number(value ?? 0);
  if (given <= 0 || given > 100) report(invalidField(path, given, 'must be in the range 1-100'));
};

const labelSelector = object(validateLabelSelector);

/** Keys whose values are the pod's own. They narrow a selector, and so need one. */
function checkKeys(report: Report, path: string, keys: readonly string[], selector: unknown): void {
  if (keys.length === 0) return;
  if (!isObject(selector)) report(forbiddenField(path, 'must not be specified when labelSelector is not set'));
  else for (const [i, key] of keys.entries()) checkName(report, `${path}[${i}]`, key, qualifiedName);
}

/** The pod's own labels that a selector is narrowed by, and that it must not name itself: `matchLabelKeys`. */
export const ownLabels: Validator = (term, path, report) => {
  const selector = term['labelSelector'];
  const [match, mismatch] = [strings(term['matchLabelKeys']), strings(term['mismatchLabelKeys'])];
  checkKeys(report, below(path, 'matchLabelKeys'), match, selector);
  checkKeys(report, below(path, 'mismatchLabelKeys'), mismatch, selector);
  if (isObject(selector)) {
    const named = new Set(Object.keys(objectAt(selector['matchLabels'])));
    for (const { key } of objects(selector['matchExpressions'])) {
      const at = match.lastIndexOf(text(key));
      if (at >= 0 && named.has(text(key))) report(invalidField(`${path}[${at}]`, key, 'exists in both matchLabelKeys and labelSelector'));
      named.add(text(key));
    }
  }
  for (const [i, key] of match.entries()) {
    if (mismatch.includes(key))
      report(invalidField(`${below(path, 'matchLabelKeys')}[${i}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys'));
  }
};

const podTerm: Validator = (term, path, report) => {
  labelSelector(term['labelSelector'], below(path, 'labelSelector'), report);
  labelSelector(term['namespaceSelector'], below(path, 'namespaceSelector'), report);
  for (const name of strings(term['namespaces'])) checkName(report, below(path, 'namespace'), name, dnsLabel);
  ownLabels(term, path, report);
  const key = text(term['topologyKey']);
  if (key === '') report(requiredField(below(path, 'topologyKey'), 'can not be empty'));
  checkName(report, below(path, 'topologyKey'), key, qualifiedName);
};

const required = 'requiredDuringSchedulingIgnoredDuringExecution';
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';

/** What is not said is an empty structure, and looked at as one. */
const always =
  (validate: Validator): Rule =>
  (value, path, report) =>
    validate(objectAt(value), path, report);

const podTerms = object(fields({ [required]: items(podTerm), [preferred]: items(fields({ weight, podAffinityTerm: always(podTerm) })) }));

export const affinity: Rule = object(
  fields({
    nodeAffinity: object(
      fields({ [required]: object(validateNodeSelector), [preferred]: items(fields({ weight, preference: always(nodeTerm(false)) })) }),
    ),
    podAffinity: podTerms,
    podAntiAffinity: podTerms,
  }),
);

const inclusion: Rule = (value, path, report) => {
  if (value !== undefined) strictOneOf(['Honor', 'Ignore'])(value, path, report);
};
const spread: Validator = fields({
  maxSkew: positive(),
  topologyKey: needed('can not be empty'),
  whenUnsatisfiable: strictOneOf(['DoNotSchedule', 'ScheduleAnyway']),
});

function checkMinDomains({ minDomains: given, whenUnsatisfiable: action }: Raw, path: string, report: Report): void {
  if (given === undefined) return;
  positive()(given, path, report);
  if (action === 'DoNotSchedule') return;
  report(invalidField(path, given, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${text(action)}`));
}

/** Of a pod's constraints, one for each topology and each way to take it. */
export const topologySpread: Rule = (value, path, report) => {
  const all = objects(value);
  const pairs = all.map(({ topologyKey, whenUnsatisfiable }) => `{${text(topologyKey)}, ${text(whenUnsatisfiable)}}`);
  for (const [i, constraint] of all.entries()) {
    const at = `${path}[${i}]`;
    spread(constraint, at, report);
    const pair = pairs[i] as string;
    if (pairs.lastIndexOf(pair) > i) report(duplicateField(below(at, '{topologyKey, whenUnsatisfiable}'), pair));
    checkMinDomains(constraint, below(at, 'minDomains'), report);
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy']) inclusion(constraint[field], below(at, field), report);
    ownLabels({ labelSelector: constraint['labelSelector'], matchLabelKeys: constraint['matchLabelKeys'] }, at, report);
    labelSelector(constraint['labelSelector'], below(at, 'labelSelector'), report);
  }
};
