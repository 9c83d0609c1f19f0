/** Conditions of a status, as `metav1.Condition` has them. */

import { nameCheck } from '../../api/qualified-name.ts';
import { duplicateField, invalidField, requiredField, tooLongField } from '../../runtime/field-errors.ts';
import { objects, text } from '../raw.ts';
import { qualifiedName } from './names.ts';
import { atLeast, type Rule, strictName, strictOneOf } from './rules.ts';
import { below, type Validator } from './validator.ts';

const maxReason = 1024;
const maxMessage = 32 * 1024;

const reasonSyntax = nameCheck(
  Number.POSITIVE_INFINITY,
  '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?',
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
  'my_name',
  'MY_NAME',
  'MyName',
  'ReasonA,ReasonB',
  'ReasonA:ReasonB',
);

export const condition: Validator = (value, path, report) => {
  strictName(qualifiedName)(value['type'], below(path, 'type'), report);
  strictOneOf(['False', 'True', 'Unknown'])(value['status'], below(path, 'status'), report);
  atLeast(0, 'must be greater than or equal to zero')(value['observedGeneration'], below(path, 'observedGeneration'), report);
  if (text(value['lastTransitionTime']) === '') report(requiredField(below(path, 'lastTransitionTime')));
  const [reason, at] = [text(value['reason']), below(path, 'reason')];
  if (reason === '') report(requiredField(at));
  else {
    for (const why of reasonSyntax(reason)) report(invalidField(at, reason, why));
    if (reason.length > maxReason) report(tooLongField(at, maxReason));
  }
  if (text(value['message']).length > maxMessage) report(tooLongField(below(path, 'message'), maxMessage));
};

/** Of each type there is one. */
export const conditions: Rule = (value, path, report) => {
  const types = new Set<string>();
  for (const [i, one] of objects(value).entries()) {
    const type = text(one['type']);
    if (types.has(type)) report(duplicateField(`${path}[${i}].type`, type));
    types.add(type);
    condition(one, `${path}[${i}]`, report);
  }
};
