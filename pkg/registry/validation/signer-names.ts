/** The names of who signs certificates: `example.com/signer-name`. */
import { invalidField, requiredField, tooLongField } from '../../runtime/field-errors.ts';
import { text } from '../raw.ts';
import { dnsLabel, dnsSubdomain } from './names.ts';
import type { Rule } from './rules.ts';

const maxDomain = 253;
/** A label, a dot, and a subdomain. */
const maxPath = 253 + 63 + 1;

export const signerName: Rule = (value, path, report) => {
  const name = text(value);
  const [domain = '', rest = '', ...more] = name.split('/');
  if (name === '') {
    report(requiredField(path));
    return;
  }
  if (!name.includes('/') || more.length > 0) {
    report(invalidField(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'"));
    return;
  }
  if (domain.length > maxDomain) report(tooLongField(path, maxDomain));
  const labels = domain.split('.');
  for (const label of labels) {
    for (const reason of dnsLabel(label)) report(invalidField(path, domain, `validating label ${JSON.stringify(label)}: ${reason}`));
  }
  if (labels.length < 2) report(invalidField(path, domain, 'should be a domain with at least two segments separated by dots'));
  for (const label of rest.split('.')) {
    for (const reason of dnsSubdomain(label)) report(invalidField(path, rest, `validating label ${JSON.stringify(label)}: ${reason}`));
  }
  if (rest.length > maxPath) report(tooLongField(path, maxPath));
};
