/** Leases and who would hold them; what runs a node's containers. */
import { duplicateField, forbiddenField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { stringifyJson } from '../../runtime/json.ts';
import { objectAt, objects, type Raw, text } from '../raw.ts';
import { validateLabels } from './metadata.ts';
import { dnsLabel, qualifiedName } from './names.ts';
import { containerResources } from './resource-amounts.ts';
import { atLeast, items, needed, neededName, notNegative, oneOf, type Rule, strictName } from './rules.ts';
import { isOlder, parseSemver, type SemanticVersion } from './semver.ts';
import { toleration } from './toleration.ts';
import { below, onlyWhenNew, type Report, type Validator, type Validators } from './validator.ts';

/** One of Kubernetes' own, or a name that says whose it is. */
const strategy: Rule = (value, path, report) => {
  const given = text(value);
  if (given === '') return;
  const at = below(path, 'strategy');
  if (given.includes('/')) strictName(qualifiedName)(given, at, report);
  else oneOf(['OldestEmulationVersion'])(given, at, report);
};

const lease: Validator = (spec, path, report) => {
  atLeast(1, 'must be greater than 0')(spec['leaseDurationSeconds'], below(path, 'leaseDurationSeconds'), report);
  notNegative(spec['leaseTransitions'], below(path, 'leaseTransitions'), report);
  strategy(spec['strategy'], below(path, 'strategy'), report);
  if (text(spec['preferredHolder']) !== '' && text(spec['strategy']) === '') {
    report(forbiddenField(below(path, 'preferredHolder'), 'may only be specified if `strategy` is defined'));
  }
};

const zero: SemanticVersion = { numbers: [0n, 0n, 0n], before: [] };
function version(spec: Raw, field: string, path: string, report: Report): SemanticVersion {
  const given = text(spec[field]);
  const parsed = parseSemver(given);
  if (given !== '' && !parsed) report(invalidField(below(path, field), given, 'must be a valid semantic version'));
  return parsed ?? zero;
}

const candidate: Validator = (spec, path, report) => {
  const [binary, emulated, given] = ['binaryVersion', 'emulationVersion', 'strategy'].map((field) => text(spec[field])) as [
    string,
    string,
    string,
  ];
  needed()(spec['leaseName'], below(path, 'leaseName'), report);
  const emulation = version(spec, 'emulationVersion', path, report);
  needed()(binary, below(path, 'binaryVersion'), report);
  const own = version(spec, 'binaryVersion', path, report);
  if (binary !== '' && emulated !== '' && isOlder(own, emulation)) {
    report(invalidField(below(path, 'binaryVersion'), binary, 'must be greater than or equal to `emulationVersion`'));
  }
  needed()(given, below(path, 'strategy'), report);
  const unsaid = !isOlder(zero, emulation) && !isOlder(emulation, zero);
  if (given === 'OldestEmulationVersion' && unsaid) {
    report(requiredField(below(path, 'emulationVersion'), "must be specified when `strategy` is 'OldestEmulationVersion'"));
  }
  strategy(given, below(path, 'strategy'), report);
};

const runtimeClass: Validator = (value, path, report) => {
  neededName(dnsLabel)(value['handler'], below(path, 'handler'), report);
  const fixed = objectAt(value['overhead'])['podFixed'];
  if (fixed !== undefined) containerResources({ limits: fixed }, below(path, 'overhead'), report);
  const scheduling = objectAt(value['scheduling']);
  validateLabels(scheduling['nodeSelector'], below(path, 'scheduling.nodeSelector'), report);
  const at = below(path, 'scheduling.tolerations');
  items(toleration)(scheduling['tolerations'], at, report);
  const seen: string[] = [];
  for (const [i, one] of objects(scheduling['tolerations']).entries()) {
    const key = stringifyJson(['key', 'operator', 'value', 'effect'].map((field) => text(one[field])));
    if (seen.includes(key)) report(duplicateField(`${at}[${i}]`, one));
    seen.push(key);
  }
};

export const coordinationValidators: Validators = {
  'api.coordination.v1.LeaseSpec': lease,
  'api.coordination.v1beta1.LeaseCandidateSpec': { whole: candidate },
  'api.node.v1.RuntimeClass': { whole: onlyWhenNew(runtimeClass) },
};
