/** Pods: what holds between the parts of a PodSpec, wherever it is embedded. */

import { duplicateField, forbiddenField, invalidField, requiredField, tooManyField, unsupportedField } from '../../runtime/field-errors.ts';
import { parseIp } from '../ip-address.ts';
import { isObject, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { validateLabels } from './metadata.ts';
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from './names.ts';
import { checkClaims, checkPodResources } from './pod-resources.ts';
import { neededOneOf } from './rules.ts';
import { below, checkName, checkOneOf, type Report, seenAbove, type Validator, type Validators } from './validator.ts';
import { validateVolumes } from './volume.ts';

const dnsPolicies = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'];
const maxInt32 = 2 ** 31 - 1;
/** What resolv.conf takes. */
const maxNameservers = 3;
const maxSearchPaths = 32;
const maxSearchCharacters = 2_048;

const podSpec: Validator = (spec, path, report) => {
  validateVolumes(spec['volumes'], below(path, 'volumes'), report);
  if (objects(spec['containers']).length === 0) report(requiredField(below(path, 'containers')));
  uniqueNames(spec, path, report);
  checkHostPorts(spec, path, report);
  checkOneOf(report, below(path, 'restartPolicy'), spec['restartPolicy'], ['Always', 'OnFailure', 'Never']);
  checkOneOf(report, below(path, 'dnsPolicy'), spec['dnsPolicy'], dnsPolicies);
  validateLabels(spec['nodeSelector'], below(path, 'nodeSelector'), report);
  for (const field of ['serviceAccountName', 'nodeName', 'priorityClassName', 'runtimeClassName']) {
    const value = text(spec[field]);
    if (value !== '') checkName(report, below(path, field), value, dnsSubdomain);
  }
  for (const field of ['hostname', 'subdomain']) {
    const value = text(spec[field]);
    if (value !== '') checkName(report, below(path, field), value, dnsLabel);
  }
  const deadline = spec['activeDeadlineSeconds'];
  if (typeof deadline === 'number' && (deadline < 1 || deadline > maxInt32)) {
    report(invalidField(below(path, 'activeDeadlineSeconds'), deadline, `must be between 1 and ${maxInt32}, inclusive`));
  }
  if (text(spec['schedulerName']) !== '') checkName(report, below(path, 'schedulerName'), spec['schedulerName'], dnsSubdomain);
  checkDns(spec, path, report);
  checkAliases(spec, path, report);
  for (const [i, gate] of objects(spec['readinessGates']).entries()) {
    checkName(report, `${below(path, 'readinessGates')}[${i}].conditionType`, gate['conditionType'], qualifiedName);
  }
  checkGates(spec, path, report);
  checkClaims(spec, path, report);
  checkPodResources(spec, path, report);
  checkOneOf(report, below(path, 'preemptionPolicy'), spec['preemptionPolicy'], ['Never', 'PreemptLowerPriority']);
  if (isObject(spec['os'])) neededOneOf(['linux', 'windows'])(spec['os']['name'], below(path, 'os.name'), report);
  const spread = new Set<string>();
  for (const [i, constraint] of objects(spec['topologySpreadConstraints']).entries()) {
    const pair = `{${text(constraint['topologyKey'])}, ${text(constraint['whenUnsatisfiable'])}}`;
    if (spread.has(pair))
      report(duplicateField(`${below(path, 'topologySpreadConstraints')}[${i}].{topologyKey, whenUnsatisfiable}`, pair));
    spread.add(pair);
  }
};

/** A name is a container's across all three lists. */
function uniqueNames(spec: Raw, path: string, report: Report): void {
  const names = new Set<string>();
  for (const list of ['initContainers', 'containers', 'ephemeralContainers']) {
    for (const [i, container] of objects(spec[list]).entries()) {
      const name = text(container['name']);
      if (name === '') continue;
      if (names.has(name)) report(duplicateField(`${below(path, list)}[${i}].name`, name));
      names.add(name);
    }
  }
}

function checkHostPorts(spec: Raw, path: string, report: Report): void {
  const taken = new Set<string>();
  for (const [i, container] of objects(spec['containers']).entries()) {
    for (const [j, port] of objects(container['ports']).entries()) {
      const at = `${below(path, 'containers')}[${i}].ports[${j}]`;
      const { hostPort, containerPort } = port;
      if (typeof hostPort !== 'number' || hostPort === 0) continue;
      if (spec['hostNetwork'] === true && hostPort !== containerPort) {
        report(invalidField(below(at, 'containerPort'), containerPort, 'must match `hostPort` when `hostNetwork` is true'));
      }
      const key = `${text(port['protocol'])}/${text(port['hostIP'])}/${hostPort}`;
      if (taken.has(key)) report(duplicateField(below(at, 'hostPort'), key));
      taken.add(key);
    }
  }
}

function checkDns(spec: Raw, path: string, report: Report): void {
  const config = objectAt(spec['dnsConfig']);
  const at = below(path, 'dnsConfig');
  const nameservers = strings(config['nameservers']);
  if (spec['dnsPolicy'] === 'None') {
    if (!isObject(spec['dnsConfig'])) report(requiredField(at, 'must provide `dnsConfig` when `dnsPolicy` is None'));
    else if (nameservers.length === 0)
      report(requiredField(below(at, 'nameservers'), 'must provide at least one DNS nameserver when `dnsPolicy` is None'));
  }
  if (nameservers.length > maxNameservers) {
    report(invalidField(below(at, 'nameservers'), nameservers, `must not have more than ${maxNameservers} nameservers`));
  }
  for (const [i, nameserver] of nameservers.entries()) checkIp(report, `${below(at, 'nameservers')}[${i}]`, nameserver);
  const searches = strings(config['searches']);
  if (searches.length > maxSearchPaths)
    report(invalidField(below(at, 'searches'), searches, `must not have more than ${maxSearchPaths} search paths`));
  for (const [i, search] of searches.entries()) {
    if (search !== '.') checkName(report, `${below(at, 'searches')}[${i}]`, search.replace(/\.$/, ''), dnsSubdomain);
  }
  const characters = searches.join(' ').length;
  if (characters > maxSearchCharacters) {
    const detail = `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`;
    report(invalidField(below(at, 'searches'), searches, detail));
  }
  for (const [i, option] of objects(config['options']).entries()) {
    if (text(option['name']) === '') report(requiredField(`${below(at, 'options')}[${i}]`, 'must not be empty'));
  }
}

export function checkIp(report: Report, path: string, value: unknown): void {
  if (!parseIp(text(value))) report(invalidField(path, value, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'));
}

function checkAliases(spec: Raw, path: string, report: Report): void {
  for (const [i, alias] of objects(spec['hostAliases']).entries()) {
    const at = `${below(path, 'hostAliases')}[${i}]`;
    checkIp(report, below(at, 'ip'), alias['ip']);
    for (const [j, hostname] of strings(alias['hostnames']).entries())
      checkName(report, `${below(at, 'hostnames')}[${j}]`, hostname, dnsSubdomain);
  }
}

function checkGates(spec: Raw, path: string, report: Report): void {
  const names = new Set<string>();
  for (const [i, gate] of objects(spec['schedulingGates']).entries()) {
    const at = `${below(path, 'schedulingGates')}[${i}]`;
    const name = text(gate['name']);
    for (const reason of qualifiedName(name)) report(invalidField(at, name, reason));
    if (names.has(name)) report(duplicateField(at, name));
    names.add(name);
  }
  if (names.size > 0 && text(spec['nodeName']) !== '') {
    report(forbiddenField(below(path, 'nodeName'), 'cannot be set until all schedulingGates have been cleared'));
  }
}

const effects = ['NoExecute', 'NoSchedule', 'PreferNoSchedule'];

const toleration: Validator = (value, path, report) => {
  const key = text(value['key']);
  const operator = text(value['operator']);
  if (key !== '') checkName(report, below(path, 'key'), key, qualifiedName);
  else if (operator !== 'Exists') {
    report(
      invalidField(
        below(path, 'operator'),
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  }
  const effect = text(value['effect']);
  if (value['tolerationSeconds'] !== undefined && effect !== 'NoExecute') {
    report(invalidField(below(path, 'effect'), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  }
  if (operator === 'Equal' || operator === '') {
    for (const reason of labelValue(text(value['value'])).slice(0, 1))
      report(invalidField(below(path, 'operator'), value['value'], reason));
  } else if (operator === 'Exists') {
    if (text(value['value']) !== '')
      report(invalidField(below(path, 'operator'), value, "value must be empty when `operator` is 'Exists'"));
  } else if (operator === 'Lt' || operator === 'Gt') {
    if (!/^-?\d+$/.test(text(value['value']))) report(invalidField(below(path, 'value'), value['value'], 'must be an integer'));
  } else {
    report(unsupportedField(below(path, 'operator'), operator, ['Equal', 'Exists']));
  }
  if (effect !== '' && !effects.includes(effect)) report(unsupportedField(below(path, 'effect'), effect, effects));
};

export const podValidators: Validators = {
  'api.core.v1.PodSpec': podSpec,
  'api.core.v1.Toleration': toleration,
  'api.core.v1.PodResourceClaim': seenAbove,
  'api.core.v1.PodOS': seenAbove,
};

export function checkCount(report: Report, path: string, list: unknown, max: number): void {
  const count = Array.isArray(list) ? list.length : 0;
  if (count > max) report(tooManyField(path, count, max));
}
