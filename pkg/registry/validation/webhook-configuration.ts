/**
 * Webhooks that have a say in what is written. (Their match conditions are compiled by the strategy.)
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
 */
import { duplicateField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { objectAt, objects, strings, text } from '../raw.ts';
import { failurePolicy, matchConditions, matchPolicy, reinvocations, rule, saidOneOf, selector } from './admission-rules.ts';
import { dns1035Label, fullyQualifiedName } from './names.ts';
import { between, both, fields, items, neededName, present, type Rule } from './rules.ts';
import { below, checkName, seenAbove, type Validator, type Validators } from './validator.ts';
import { webhookClient } from './webhooks.ts';

const sideEffects = ['None', 'NoneOnDryRun'];
const reviewVersions = ['v1', 'v1beta1'];

const versions: Rule = (value, path, report) => {
  const given = strings(value);
  if (given.length === 0) {
    report(requiredField(path, `must specify one of ${reviewVersions.join(', ')}`));
    return;
  }
  for (const [i, version] of given.entries()) {
    if (given.indexOf(version) < i) report(invalidField(`${path}[${i}]`, version, 'duplicate version'));
    else checkName(report, `${path}[${i}]`, version, dns1035Label);
  }
  if (!given.some((version) => reviewVersions.includes(version))) {
    report(invalidField(path, given, `must include at least one of ${reviewVersions.join(', ')}`));
  }
};

const webhook = fields({
  name: neededName(fullyQualifiedName),
  rules: items(rule),
  failurePolicy,
  matchPolicy,
  sideEffects: both(present(`must specify one of ${sideEffects.join(', ')}`), saidOneOf(sideEffects)),
  timeoutSeconds: between(1, 30, 'the timeout value must be between 1 and 30 seconds'),
  namespaceSelector: selector,
  objectSelector: selector,
  reinvocationPolicy: saidOneOf(reinvocations),
  clientConfig: (value, path, report) => webhookClient(objectAt(value), path, report),
  matchConditions,
  admissionReviewVersions: versions,
});

/** Names of webhooks stand once in a configuration. */
const configuration: Validator = (value, path, report) => {
  const names = new Set<string>();
  for (const [i, hook] of objects(value['webhooks']).entries()) {
    const at = `${below(path, 'webhooks')}[${i}]`;
    const name = text(hook['name']);
    webhook(hook, at, report);
    if (name !== '' && names.has(name)) report(duplicateField(below(at, 'name'), name));
    names.add(name);
  }
};

export const webhookValidators: Validators = {
  'api.admissionregistration.v1.ValidatingWebhookConfiguration': configuration,
  'api.admissionregistration.v1.MutatingWebhookConfiguration': configuration,
  // All of it is looked at above.
  'api.admissionregistration.v1.ValidatingWebhook': { whole: seenAbove },
  'api.admissionregistration.v1.MutatingWebhook': { whole: seenAbove },
};
