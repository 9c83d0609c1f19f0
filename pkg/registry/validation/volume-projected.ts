/** Volumes that are put together from several sources: each file stands at a path of its own. */
import { forbiddenField, invalidField, requiredField, tooLongField } from '../../runtime/field-errors.ts';
import { isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { type GoShape, goValue } from './go-value.ts';
import { maxAnnotations } from './metadata.ts';
import { dnsSubdomain, exceedsBytes, qualifiedName } from './names.ts';
import { notReserved } from './paths.ts';
import { fields, needed, type Rule, strictOneOf } from './rules.ts';
import { selectorShape, validateLabelSelector } from './selectors.ts';
import { signerName } from './signer-names.ts';
import { below, checkName, type Report, type Validator } from './validator.ts';
import { downwardFile, fileMode, filePath, keyToPath } from './volume-files.ts';

/** Tells of a second file at the same path; `whose` stands in the message. */
type TakePath = (file: unknown, whose: unknown) => void;
/** A source, as one of a volume. `volume`: the path of the whole volume, of which some of this is said. */
interface Projection {
  readonly path: string;
  readonly volume: string;
  readonly report: Report;
  readonly take: TakePath;
}

function keys(source: Raw, { path, report, take }: Projection): void {
  needed()(source['name'], below(path, 'name'), report);
  for (const [i, item] of objects(source['items']).entries()) {
    keyToPath(item, `${below(path, 'items')}[${i}]`, report);
    if (text(item['path']) !== '') take(item['path'], text(source['name']));
  }
}

function downward(source: Raw, { path, report, take }: Projection): void {
  for (const file of objects(source['items'])) {
    downwardFile(file, path, report);
    if (text(file['path']) !== '') take(file['path'], file['path']);
  }
}

/** From ten minutes to 2^32 seconds. */
const minTokenSeconds = 600;
const maxTokenSeconds = 2 ** 32;

function token({ expirationSeconds, path: file }: Raw, { path, volume, report }: Projection): void {
  const seconds = Number(expirationSeconds ?? 0);
  const at = below(path, 'expirationSeconds');
  if (seconds < minTokenSeconds) report(invalidField(at, seconds, 'may not specify a duration less than 10 minutes'));
  if (seconds > maxTokenSeconds) report(invalidField(at, seconds, 'may not specify a duration larger than 2^32 seconds'));
  filePath(file, below(volume, 'path'), report);
}

const bundleShape: GoShape = {
  Name: ['name', null],
  SignerName: ['signerName', null],
  LabelSelector: ['labelSelector', null, selectorShape],
  Optional: ['optional', null],
  Path: ['path', ''],
};

function trustBundle(source: Raw, { path, report, take }: Projection): void {
  const { name, signerName: signer, labelSelector, path: file } = source;
  if (name !== undefined && signer !== undefined)
    report(invalidField(path, goValue(source, bundleShape), 'only one of name and signerName may be used'));
  else if (name !== undefined) {
    const at = below(path, 'name');
    if (name === '') report(requiredField(at, 'must be a valid object name'));
    // Before the last colon stands who signs.
    const own = text(name).slice(text(name).lastIndexOf(':') + 1);
    for (const reason of dnsSubdomain(own)) report(invalidField(at, name, `not a valid clustertrustbundlename: ${reason}`));
    if (labelSelector !== undefined)
      report(invalidField(below(path, 'labelSelector'), labelSelector, 'labelSelector must be unset if name is specified'));
  } else if (signer !== undefined) {
    if (signer === '') report(requiredField(below(path, 'signerName'), 'must be a valid signer name'));
    signerName(signer, below(path, 'signerName'), report);
    if (isObject(labelSelector)) validateLabelSelector(labelSelector, below(path, 'labelSelector'), report);
  } else report(requiredField(path, 'either name or signerName must be specified'));
  filePath(file, below(path, 'path'), report);
  take(text(file), text(file));
}

const hour = 3_600;
const day = 24 * hour;
const longestOfKubernetes = day;
const longest = 91 * day;
const keyTypes = ['RSA3072', 'RSA4096', 'ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519'];
const isKubernetesSigner = (signer: string): boolean => /^([^/]*\.)?kubernetes\.io(\/|$)/.test(signer);

const userAnnotations: Rule = (value, path, report) => {
  if (!isObject(value)) return;
  for (const given of Object.keys(value)) {
    const key = given.toLowerCase();
    if (key === '') report(requiredField(path));
    else if (qualifiedName(key).length > 0) checkName(report, path, key, qualifiedName);
    else if (!key.includes('/')) report(invalidField(path, key, 'must be a domain-prefixed key (such as "acme.io/foo")'));
  }
  if (
    exceedsBytes(
      Object.entries(value).flatMap(([key, one]) => [key, text(one)]),
      maxAnnotations,
    )
  )
    report(tooLongField(path, maxAnnotations));
};

function certificate(source: Raw, { path, report, take }: Projection): void {
  fields({ signerName, userAnnotations, keyType: strictOneOf(keyTypes) })(source, path, report);
  const seconds = source['maxExpirationSeconds'];
  if (typeof seconds === 'number') {
    const at = below(path, 'maxExpirationSeconds');
    const max = isKubernetesSigner(text(source['signerName'])) ? longestOfKubernetes : longest;
    if (seconds < hour) report(invalidField(at, seconds, `if provided, maxExpirationSeconds must be >= ${hour}`));
    if (seconds > max) report(invalidField(at, seconds, `if provided, maxExpirationSeconds must be <= ${max}`));
  }
  const files = ['credentialBundlePath', 'keyPath', 'certificateChainPath'].filter((field) => text(source[field]) !== '');
  for (const field of files) {
    notReserved(source[field], below(path, field), report);
    take(source[field], source[field]);
  }
  if (files.length === 0) report(requiredField(path, 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath'));
}

const projections: Readonly<Record<string, (source: Raw, projection: Projection) => void>> = {
  secret: keys,
  configMap: keys,
  downwardAPI: downward,
  serviceAccountToken: token,
  clusterTrustBundle: trustBundle,
  podCertificate: certificate,
};

export const projected: Validator = (volume, path, report) => {
  fileMode(volume['defaultMode'], below(path, 'defaultMode'), report);
  const taken = new Set<unknown>();
  const take: TakePath = (file, whose) => {
    if (taken.has(file)) report(invalidField(path, whose, 'conflicting duplicate paths'));
    taken.add(file);
  };
  for (const [i, source] of objects(volume['sources']).entries()) {
    const at = `${below(path, 'sources')}[${i}]`;
    const given = Object.entries(projections).filter(([name]) => isObject(source[name]));
    for (const [name, validate] of given) validate(objectAt(source[name]), { path: below(at, name), volume: path, report, take });
    if (given.length > 1) report(forbiddenField(at, 'may not specify more than 1 volume type per source'));
  }
};
