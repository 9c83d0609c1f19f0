/** Leases and who would hold them, events, runtime classes. */
import { duplicateField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { stringifyJson } from '../../runtime/json.ts';
import { objectAt, objects, type Raw, text } from '../raw.ts';
import { validateLabels } from './metadata.ts';
import { dnsLabel, dnsSubdomain, qualifiedName } from './names.ts';
import { containerResources } from './resource-amounts.ts';
import { atLeast, fields, named, needed, neededName, notNegative, type Rule, strictName } from './rules.ts';
import { below, type Report, type Validator, type Validators } from './validator.ts';

const lease: Validator = (spec, path, report) => {
  atLeast(1, 'must be greater than 0')(spec['leaseDurationSeconds'], below(path, 'leaseDurationSeconds'), report);
  notNegative(spec['leaseTransitions'], below(path, 'leaseTransitions'), report);
  if (text(spec['preferredHolder']) !== '' && text(spec['strategy']) === '') {
    report(invalidField(below(path, 'preferredHolder'), spec['preferredHolder'], 'can only be specified when strategy is set'));
  }
};

/** As tolerant as Kubernetes: `v1.36`, `1.36.0-alpha.1`. */
const versionSyntax = /^v?\d+(\.\d+){0,2}([-+][0-9A-Za-z.+-]+)?$/;
const version: Rule = (value, path, report) => {
  if (text(value) !== '' && !versionSyntax.test(text(value)))
    report(invalidField(path, value, `could not parse ${stringifyJson(value)} as version`));
};

const candidateFields = fields({
  leaseName: neededName(dnsSubdomain),
  binaryVersion: (value, path, report) => {
    needed()(value, path, report);
    version(value, path, report);
  },
  emulationVersion: version,
  strategy: needed(),
});
const candidate: Validator = (spec, path, report) => {
  candidateFields(spec, path, report);
  if (spec['strategy'] === 'OldestEmulationVersion' && text(spec['emulationVersion']) === '') {
    report(requiredField(below(path, 'emulationVersion'), "must be specified when `strategy` is 'OldestEmulationVersion'"));
  }
};

const maxTerm = 128;
const maxMessage = 1_024;

/** An event is kept beside what it is about; what is in no namespace, in `default`. */
function event(value: Raw, _path: string, report: Report): void {
  const namespace = text(objectAt(value['metadata'])['namespace']);
  const about = text(objectAt(value['involvedObject'])['namespace']);
  const inDetail = value['eventTime'] !== undefined && value['eventTime'] !== null;
  const elsewhere = about === '' ? !['', 'default', ...(inDetail ? ['kube-system'] : [])].includes(namespace) : about !== namespace;
  if (elsewhere) report(invalidField('involvedObject.namespace', about, 'does not match event.namespace'));
  if (inDetail) detailed(value, report);
}

/** What events must say since they have a time with microseconds. */
function detailed(value: Raw, report: Report): void {
  const term = (field: string): void => {
    const given = text(value[field]);
    if (given === '') report(requiredField(field));
    if (given.length > maxTerm) report(invalidField(field, '', `can have at most ${maxTerm} characters`));
  };
  neededName(qualifiedName)(value['reportingComponent'], 'reportingController', report);
  for (const field of ['reportingInstance', 'action', 'reason']) term(field);
  if (text(value['message']).length > maxMessage) report(invalidField('message', '', `can have at most ${maxMessage} characters`));
}

const runtimeClass: Validator = (value, path, report) => {
  strictName(dnsLabel)(value['handler'], below(path, 'handler'), report);
  const fixed = objectAt(value['overhead'])['podFixed'];
  if (fixed !== undefined) containerResources({ limits: fixed }, below(path, 'overhead.podFixed'), report);
  const scheduling = objectAt(value['scheduling']);
  validateLabels(scheduling['nodeSelector'], below(path, 'scheduling.nodeSelector'), report);
  const seen: string[] = [];
  for (const [i, toleration] of objects(scheduling['tolerations']).entries()) {
    const said = stringifyJson(toleration);
    if (seen.includes(said)) report(duplicateField(`${below(path, 'scheduling.tolerations')}[${i}]`, toleration));
    seen.push(said);
  }
};

export const coordinationValidators: Validators = {
  'api.coordination.v1.LeaseSpec': lease,
  'api.coordination.v1beta1.LeaseCandidateSpec': candidate,
  'api.core.v1.Event': event,
  'api.node.v1.RuntimeClass': runtimeClass,
  'api.scheduling.v1alpha2.PodGroupSchedulingPolicy': (policy, path, report) => {
    const given = ['basic', 'gang'].filter((one) => policy[one] !== undefined);
    if (given.length !== 1) report(invalidField(path, policy, 'exactly one of `basic`, `gang` is required'));
  },
  'api.scheduling.v1alpha2.GangSchedulingPolicy': fields({ minCount: atLeast(1) }),
  'api.scheduling.v1alpha2.PodGroupTemplate': fields({ name: neededName(dnsLabel), priorityClassName: named(dnsSubdomain) }),
};
