/** Requests for certificates and bundles of trust: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/ */
import { invalidField, requiredField, tooLongField } from '../../runtime/field-errors.ts';
import { objectAt, type Raw, text } from '../raw.ts';
import { dnsSubdomain, qualifiedName } from './names.ts';
import { bytesOf, isSequence, pemBlocks } from './pem.ts';
import { atLeast, both, each, enumOf, fields, needed, type Rule, strictName, strictOneOf, unique } from './rules.ts';
import { signerName } from './signer-names.ts';
import { below, onlyWhenNew, type Validator, type Validators } from './validator.ts';

const encoded: Rule = (value, path, report) => {
  const bytes = bytesOf(text(value)) ?? new Uint8Array();
  const [request] = pemBlocks(new TextDecoder().decode(bytes));
  if (request?.type !== 'CERTIFICATE REQUEST') report(invalidField(path, value ?? '', 'PEM block type must be CERTIFICATE REQUEST'));
  else if (!isSequence(request.bytes)) report(invalidField(path, value, 'asn1: syntax error: data truncated'));
};

const legacySigner = 'kubernetes.io/legacy-unknown';
const signer: Rule = (value, path, report) => {
  if (value === legacySigner) report(invalidField(path, value, 'the legacy signerName is not allowed via this API version'));
  else signerName(value, path, report);
};

const signingRequest = fields({
  request: encoded,
  usages: both(needed(), each(strictOneOf(enumOf('certificates.v1.KeyUsage'))), unique),
  signerName: signer,
  expirationSeconds: atLeast(600, 'may not specify a duration less than 600 seconds (10 minutes)'),
});

/** 1 MiB. */
const maxBundle = 1024 * 1024;

const bundle: Rule = (value, path, report) => {
  const given = text(value);
  const say = (detail: string): void => report(invalidField(path, '<value omitted>', detail));
  if (given.length > maxBundle) {
    report(tooLongField(path, maxBundle));
    return;
  }
  const blocks = pemBlocks(given);
  let faults = 0;
  for (const [i, { type, hasHeaders, bytes }] of blocks.entries()) {
    faults++;
    if (type !== 'CERTIFICATE') say(`entry ${i} has bad block type: ${type}`);
    else if (hasHeaders) say(`entry ${i} has PEM block headers`);
    else if (!isSequence(bytes)) say(`entry ${i} does not parse as X.509`);
    else faults--;
  }
  if (faults > 0) return;
  if (blocks.length === 0) say('at least one trust anchor must be provided');
  const seen = new Map<string, number[]>();
  for (const [i, { bytes }] of blocks.entries()) seen.set(bytes.join(), [...(seen.get(bytes.join()) ?? []), i]);
  for (const at of seen.values()) if (at.length > 1) say(`duplicate trust anchor (indices [${at.join(' ')}])`);
};

const trustBundle: Validator = (spec, path, report) => {
  if (text(spec['signerName']) !== '') signerName(spec['signerName'], below(path, 'signerName'), report);
  bundle(spec['trustBundle'], below(path, 'trustBundle'), report);
};

/** A bundle is named after who signs with what it trusts. */
export function trustBundleName(object: Raw, name: string): readonly string[] {
  const of = text(objectAt(object['spec'])['signerName']);
  if (of === '') {
    return name.includes(':') ? ['ClusterTrustBundle without signer name must not have ":" in its name'] : dnsSubdomain(name);
  }
  const prefix = `${of.replaceAll('/', ':')}:`;
  if (!name.startsWith(prefix)) return [`ClusterTrustBundle for signerName ${of} must be named with prefix ${prefix}`];
  return dnsSubdomain(name.slice(prefix.length));
}

const hour = 3_600;
const maxUid = 128;
const uid: Rule = (value, path, report) => {
  if (text(value) === '') report(invalidField(path, '', 'must not be empty'));
  if (text(value).length > maxUid) report(tooLongField(path, maxUid));
};

const podRequestFields = fields({
  signerName,
  unverifiedUserAnnotations: (value, path, report) => {
    for (const key of Object.keys(objectAt(value))) {
      const reasons = qualifiedName(key.toLowerCase());
      for (const reason of reasons) report(invalidField(path, key.toLowerCase(), reason));
      if (reasons.length === 0 && !key.includes('/')) {
        report(invalidField(path, key.toLowerCase(), 'must be a domain-prefixed key (such as "acme.io/foo")'));
      }
    }
  },
  podName: strictName(dnsSubdomain),
  podUID: uid,
  serviceAccountName: strictName(dnsSubdomain),
  serviceAccountUID: uid,
  nodeName: strictName(dnsSubdomain),
  nodeUID: uid,
});

const podRequest: Validator = (spec, path, report) => {
  podRequestFields(spec, path, report);
  const at = below(path, 'maxExpirationSeconds');
  const seconds = spec['maxExpirationSeconds'];
  // Kubernetes' own signers sign for a day at most, others for 91.
  const max = 24 * hour * (/^([^/]*\.)?kubernetes\.io\//.test(text(spec['signerName'])) ? 1 : 91);
  if (typeof seconds !== 'number') {
    report(requiredField(at, 'must be set'));
    return;
  }
  if (seconds < hour || seconds > max) report(invalidField(at, seconds, `must be in the range [${hour}, ${max}]`));
  const [request, key, proof] = ['stubPKCS10Request', 'pkixPublicKey', 'proofOfPossession'].map((field) => text(spec[field]));
  if (request ? key || proof : !key || !proof) {
    const detail = 'exactly one of (stubPKCS10Request) or (pkixPublicKey, proofOfPossession) must be set';
    report({ reason: 'FieldValueInvalid', field: path, message: `Invalid value: ${detail}` });
  }
};

export const certificateValidators: Validators = {
  'api.certificates.v1.CertificateSigningRequestSpec': signingRequest,
  'api.certificates.v1beta1.ClusterTrustBundleSpec': trustBundle,
  'api.certificates.v1beta1.PodCertificateRequestSpec': { whole: onlyWhenNew(podRequest) },
};
