/** What every object's metadata must keep to. */
import { parseApiVersion } from '../../api/object.ts';
import { forbiddenField, invalidField, requiredField, tooLongField } from '../../runtime/field-errors.ts';
import { definitionOfKind } from '../../runtime/schema.ts';
import { objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { ipName } from './addresses.ts';
import { apiServiceName, storageVersionName } from './api-service.ts';
import { trustBundleName } from './certificates.ts';
import { asPrefix, dnsLabel, dnsSubdomain, exceedsBytes, labelValue, type NameCheck, pathSegment, qualifiedName } from './names.ts';
import { below, checkName, checkNotNegative, type Report, type Validator, type Validators } from './validator.ts';

/** All of an object's annotations together: 256 KiB. */
export const maxAnnotations = 256 * 1024;

/** A CronJob's jobs carry its name and a number of 11 characters. */
const cronJobName: NameCheck = (name) => (name.length > 52 ? ['must be no more than 52 characters'] : dnsSubdomain(name));

const nameChecks: Readonly<Record<string, NameCheck>> = {
  'policy/v1/PodDisruptionBudget': pathSegment,
  'v1/Namespace': dnsLabel,
  'v1/Service': dnsLabel,
  'v1/Event': pathSegment,
  'apps/v1/StatefulSet': dnsLabel,
  'networking.k8s.io/v1/IPAddress': ipName,
  'batch/v1/CronJob': cronJobName,
  'certificates.k8s.io/v1/CertificateSigningRequest': pathSegment,
  'internal.apiserver.k8s.io/v1alpha1/StorageVersion': storageVersionName,
  'rbac.authorization.k8s.io/v1/Role': pathSegment,
  'rbac.authorization.k8s.io/v1/RoleBinding': pathSegment,
  'rbac.authorization.k8s.io/v1/ClusterRole': pathSegment,
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': pathSegment,
};

/** Kinds whose names follow from what they say. */
const derivedNames: Readonly<Record<string, (object: Raw, name: string) => readonly string[]>> = {
  'apiregistration.k8s.io/v1/APIService': apiServiceName,
  'certificates.k8s.io/v1beta1/ClusterTrustBundle': trustBundleName,
};

/** The syntax of a kind's names: a DNS subdomain, but for a few. */
function nameCheckOf(object: Raw): NameCheck {
  const kind = `${text(object['apiVersion'])}/${text(object['kind'])}`;
  const derived = derivedNames[kind];
  return derived ? (name) => derived(object, name) : (nameChecks[kind] ?? dnsSubdomain);
}

function validateNames(metadata: Raw, path: string, report: Report): void {
  const check = nameCheckOf(report.root);
  const name = text(metadata['name']);
  const prefix = text(metadata['generateName']);
  if (prefix !== '') checkName(report, below(path, 'generateName'), prefix, (value) => check(asPrefix(value)));
  if (name === '') report(requiredField(below(path, 'name'), 'name or generateName is required'));
  else {
    for (const reason of pathSegment(name)) report(invalidField(below(path, 'name'), name, reason));
    if (check !== pathSegment) for (const reason of check(name)) report(invalidField(below(path, 'name'), name, reason));
  }
  const namespace = text(metadata['namespace']);
  if (namespace !== '') checkName(report, below(path, 'namespace'), namespace, dnsLabel);
}

export function validateLabels(labels: unknown, path: string, report: Report): void {
  for (const [key, value] of Object.entries(objectAt(labels))) {
    checkName(report, path, key, qualifiedName);
    for (const reason of labelValue(text(value))) report(invalidField(path, value, reason));
  }
}

export function validateAnnotations(annotations: unknown, path: string, report: Report): void {
  if (annotations === undefined) return;
  const all = Object.entries(objectAt(annotations));
  for (const [key] of all) for (const reason of qualifiedName(key.toLowerCase())) report(invalidField(path, key, reason));
  const texts = all.flatMap(([key, value]) => [key, text(value)]);
  if (exceedsBytes(texts, maxAnnotations)) report(tooLongField(path, maxAnnotations));
}

function validateOwners(owners: unknown, path: string, report: Report): void {
  let controller: string | undefined;
  for (const owner of objects(owners)) {
    const { apiVersion, kind, name, uid } = owner;
    if (text(apiVersion) === '') report(invalidField(below(path, 'apiVersion'), '', 'version must not be empty'));
    if (text(kind) === '') report(invalidField(below(path, 'kind'), '', 'must not be empty'));
    if (text(name) === '') report(invalidField(below(path, 'name'), '', 'must not be empty'));
    if (text(uid) === '') report(invalidField(below(path, 'uid'), '', 'must not be empty'));
    if (apiVersion === 'v1' && kind === 'Event') report(invalidField(path, owner, '/v1, Kind=Event is disallowed from being an owner'));
    if (owner['controller'] !== true) continue;
    const named = `${text(kind)}/${text(name)}`;
    if (controller !== undefined) {
      report(
        invalidField(
          path,
          owners,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${named}`,
        ),
      );
    }
    controller = named;
  }
}

const standardFinalizers = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

function validateFinalizers(finalizers: unknown, path: string, report: Report): void {
  const all = strings(finalizers);
  for (const finalizer of all) checkName(report, path, finalizer, qualifiedName);
  if (all.includes('orphan') && all.includes('foregroundDeletion'))
    report(invalidField(path, all, 'finalizer orphan and foregroundDeletion cannot be both set'));
}

/** A finalizer is the server's own, or carries the domain of whose it is. */
export function checkFinalizerOwner(finalizer: string, path: string, report: Report): void {
  if (!finalizer.includes('/') && !standardFinalizers.has(finalizer))
    report(invalidField(path, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'));
}

function validateOwnFinalizers({ finalizers }: Raw, path: string, report: Report): void {
  if (isExtension(report.root)) return;
  for (const [i, finalizer] of strings(finalizers).entries()) checkFinalizerOwner(finalizer, `${below(path, 'finalizers')}[${i}]`, report);
}

/** Custom resources and their definitions may name finalizers as they like. */
function isExtension(object: Raw): boolean {
  const { group, version } = parseApiVersion(text(object['apiVersion']));
  return group === 'apiextensions.k8s.io' || definitionOfKind(group, version, text(object['kind'])) === undefined;
}

export const validateMetadata: Validator = (metadata, path, report) => {
  // That of a template has no name of its own.
  const own = path === 'metadata';
  if (own) validateNames(metadata, path, report);
  if (own) checkNotNegative(report, below(path, 'generation'), metadata['generation']);
  validateLabels(metadata['labels'], below(path, 'labels'), report);
  validateAnnotations(metadata['annotations'], below(path, 'annotations'), report);
  if (!own) return;
  validateOwners(metadata['ownerReferences'], below(path, 'ownerReferences'), report);
  validateFinalizers(metadata['finalizers'], below(path, 'finalizers'), report);
  validateOwnFinalizers(metadata, path, report);
};
export const metadataValidators: Validators = { 'apimachinery.pkg.apis.meta.v1.ObjectMeta': { whole: validateMetadata } };

/** Metadata of an object within another: it may have no name yet, and any that can stand in a path. */
export const validateEmbeddedMetadata: Validator = (metadata, path, report) => {
  for (const field of ['generateName', 'name']) checkName(report, below(path, field), metadata[field], pathSegment);
  const namespace = text(metadata['namespace']);
  if (namespace !== '') checkName(report, below(path, 'namespace'), namespace, dnsLabel);
  checkNotNegative(report, below(path, 'generation'), metadata['generation']);
  validateLabels(metadata['labels'], below(path, 'labels'), report);
  validateAnnotations(metadata['annotations'], below(path, 'annotations'), report);
  validateOwners(metadata['ownerReferences'], below(path, 'ownerReferences'), report);
  validateFinalizers(metadata['finalizers'], below(path, 'finalizers'), report);
};

/** What may not change about metadata when the object is written again. */
export function noNewFinalizers(object: Raw, old: Raw, report: Report): void {
  const [next, before] = [objectAt(object['metadata']), objectAt(old['metadata'])];
  if (before['deletionTimestamp'] === undefined) return;
  const known = new Set(strings(before['finalizers']));
  const added = strings(next['finalizers']).filter((finalizer) => !known.has(finalizer));
  if (added.length === 0) return;
  const shown = added.map((finalizer) => JSON.stringify(finalizer)).join(', ');
  report(
    forbiddenField(
      'metadata.finalizers',
      `no new finalizers can be added if the object is being deleted, found new finalizers []string{${shown}}`,
    ),
  );
}

/** Kinds that look at the metadata of an update with all the rest, beside what is done for every kind. */
const looksTwice = new Set(
  'Pod Endpoints Node Namespace Secret ConfigMap ServiceAccount PersistentVolume PersistentVolumeClaim ControllerRevision Job'.split(' '),
);
/** Kinds that leave it to what is done for every kind. */
const looksNever = new Set(['v1/Event', 'events.k8s.io/v1/Event', 'policy/v1/PodDisruptionBudget']);
const kindOf = (object: Raw): string => `${text(object['apiVersion'])}/${text(object['kind'])}`;

/** Whether what is wrong with metadata is said once more with the rest, when an object of that kind is written again. */
export const saysMetadataAgain = (object: Raw): boolean => looksTwice.has(text(object['kind']));

/** Every update is looked at alike, whatever its kind; and then as its kind does. What one says, the other repeats. */
export function validateMetadataUpdate(
  object: Raw,
  old: Raw,
  { report, subresource }: { readonly report: Report; readonly subresource: string },
): void {
  const next = objectAt(object['metadata']);
  const content = (): void => {
    validateLabels(next['labels'], 'metadata.labels', report);
    validateAnnotations(next['annotations'], 'metadata.annotations', report);
    validateOwners(next['ownerReferences'], 'metadata.ownerReferences', report);
  };
  content();
  validateFinalizers(next['finalizers'], 'metadata.finalizers', report);
  noNewFinalizers(object, old, report);
  content();
  const kind = kindOf(object);
  if (looksNever.has(kind) || (kind === 'batch/v1/CronJob' && subresource === 'status')) return;
  noNewFinalizers(object, old, report);
  content();
  validateOwnFinalizers(next, 'metadata', report);
}
