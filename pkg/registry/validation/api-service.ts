/** APIServices, and what the API server keeps about its own storage. */
import { invalidField, requiredField } from '../../runtime/field-errors.ts';
import { isObject, objectAt, type Raw, text } from '../raw.ts';
import { dns1035Label, dnsSubdomain, type NameCheck, pathSegment } from './names.ts';
import { between, both, fields, named, needed, strictName } from './rules.ts';
import { below, seenAbove, type Validator, type Validators } from './validator.ts';
import { webhookService } from './webhooks.ts';

const numbers = fields({
  group: named(dnsSubdomain),
  version: strictName(dns1035Label),
});
const maxGroupPriority = 20_000;
const maxVersionPriority = 1_000;
const priorities = fields({
  groupPriorityMinimum: between(1, maxGroupPriority, `must be positive and less than ${maxGroupPriority}`),
  versionPriority: between(1, maxVersionPriority, `must be positive and less than ${maxVersionPriority}`),
});

const decodedLength = (base64: string): number => Math.floor((base64.replace(/=+$/, '').length * 3) / 4);

const apiService: Validator = (spec, path, report) => {
  const { group, version, service, caBundle, insecureSkipTLSVerify: insecure } = spec;
  if (text(group) === '' && version !== 'v1') {
    report(requiredField(below(path, 'group'), 'only v1 may have an empty group and it better be legacy kube'));
  }
  numbers(spec, path, report);
  priorities({ groupPriorityMinimum: spec['groupPriorityMinimum'] ?? 0, versionPriority: spec['versionPriority'] ?? 0 }, path, report);
  const bundle = text(caBundle);
  if (!isObject(service)) {
    const bytes = `${decodedLength(bundle)} bytes`;
    if (bundle !== '') report(invalidField(below(path, 'caBundle'), bytes, 'local APIServices may not have a caBundle'));
    if (insecure === true)
      report(invalidField(below(path, 'insecureSkipTLSVerify'), true, 'local APIServices may not have insecureSkipTLSVerify'));
    return;
  }
  webhookService({ ...service, path: undefined }, below(path, 'service'), report);
  if (insecure === true && bundle !== '') {
    report(invalidField(below(path, 'insecureSkipTLSVerify'), true, 'may not be true if caBundle is present'));
  }
};

/** An APIService is named after what it serves. */
export function apiServiceName(object: Raw, name: string): readonly string[] {
  const { version, group } = objectAt(object['spec']);
  const wanted = `${text(version)}.${text(group)}`;
  const reasons = pathSegment(name);
  return reasons.length > 0 || name === wanted ? reasons : [`must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`];
}

/** `apps.deployments`: a group and a resource. */
export const storageVersionName: NameCheck = (name) =>
  name.includes('.') ? dnsSubdomain(name) : ['name must be in the form of <group>.<resource>'];

export const apiServiceValidators: Validators = {
  'kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec': apiService,
  'kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference': seenAbove,
  'api.storagemigration.v1beta1.StorageVersionMigrationSpec': (spec, path, report) =>
    fields({ resource: both(needed('resource is required to be set'), named(dns1035Label)), group: named(dnsSubdomain) })(
      objectAt(spec['resource']),
      below(path, 'resource'),
      report,
    ),
  'apimachinery.pkg.apis.meta.v1.GroupResource': seenAbove,
};
