/** What a pod that asked for a certificate is answered. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { invalidField, unsupportedField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { objectAt, objects, type Raw, text } from '../raw.ts';
import { conditions } from './conditions.ts';
import { onStatus, type UpdateCheck } from './immutability.ts';
import { isSequence, pemBlocks } from './pem.ts';
import type { Rule } from './rules.ts';

const answers = ['Issued', 'Denied', 'Failed'];
const answered = (value: Raw): string | undefined =>
  objects(objectAt(value['status'])['conditions'])
    .filter(({ status }) => status === 'True')
    .map(({ type }) => text(type))
    .find((type) => answers.includes(type));

const answer = onStatus((status, path, report) => {
  let known = 0;
  for (const [i, { type, status: given }] of objects(status['conditions']).entries()) {
    const at = `${path}.conditions.[${i}]`;
    if (!answers.includes(text(type))) {
      report(unsupportedField(`${at}.type`, type ?? '', answers));
      continue;
    }
    known++;
    const detail = 'There may be at most one condition with type "Issued", "Denied", or "Failed"';
    if (known > 1) report(invalidField(`${at}.type`, type, detail));
    if (given !== 'True') report(unsupportedField(`${at}.status`, given ?? '', ['True']));
  }
  conditions(status['conditions'], `${path}.conditions`, report);
});

const isTrustworthy: Rule = (value, path, report) => {
  const chain = text(value);
  const [leaf] = pemBlocks(chain);
  const say = (why: string): void => report(invalidField(path, chain, why));
  if (!leaf) say('issued certificate chain must contain at least one certificate');
  else if (leaf.type !== 'CERTIFICATE') say('issued certificate chain must consist entirely of CERTIFICATE PEM blocks');
  else if (!isSequence(leaf.bytes)) say('leaf certificate does not parse as valid X.509');
};

/** One answer, and it is final. Whether the certificate fits what was asked is for whoever uses it to find out. */
export const validatePodRequestStatus: UpdateCheck = (next, old, subresource) => {
  const wrong = answer(next, old, subresource);
  if (wrong.length > 0) return wrong;
  const differs = (from: unknown, detail: string): StatusCause[] =>
    equalValues(next['status'], from) ? [] : [{ reason: 'FieldValueInvalid', field: 'status', message: `Invalid value: ${detail}` }];
  if (answered(old) !== undefined) return differs(old['status'], 'immutable after PodCertificateRequest is issued, denied, or failed');
  const given = answered(next);
  const status = objectAt(next['status']);
  if (given === 'Denied' || given === 'Failed') {
    const detail = 'non-condition status fields must be empty when denying or failing the PodCertificateRequest';
    return differs({ conditions: status['conditions'] }, detail);
  }
  if (given !== 'Issued') return differs(old['status'] ?? {}, 'non-condition status fields must be empty');
  return onStatus((value, path, report) => isTrustworthy(value['certificateChain'], `${path}.certificateChain`, report))(
    next,
    old,
    subresource,
  );
};
