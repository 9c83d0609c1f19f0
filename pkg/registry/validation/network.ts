/** Ingresses and network policies. */

import { forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { parseCidr } from '../ip-address.ts';
import { isObject, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { protocols } from './container.ts';
import { dns1035Label, dnsSubdomain, portName, portNumber } from './names.ts';
import { below, checkName, checkOneOf, type Report, type Validator, type Validators } from './validator.ts';

const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix'];

function checkBackend(backend: unknown, path: string, report: Report): void {
  const { service, resource } = objectAt(backend);
  if (service !== undefined && resource !== undefined) {
    report(invalidField(path, '', 'cannot set both resource and service backends'));
    return;
  }
  if (resource !== undefined) return;
  if (!isObject(service)) {
    report(requiredField(path, 'service or resource backend is required'));
    return;
  }
  const at = below(path, 'service');
  if (text(service['name']) === '') report(requiredField(below(at, 'name')));
  else checkName(report, below(at, 'name'), service['name'], dns1035Label);
  const { name, number } = objectAt(service['port']);
  if (text(name) === '' && !number) report(requiredField(at, 'port name or number is required'));
  else if (text(name) !== '' && number) report(invalidField(at, '', 'cannot set both port name & port number'));
  else if (text(name) !== '') checkName(report, below(at, 'port.name'), name, portName);
  else for (const reason of portNumber(Number(number))) report(invalidField(below(at, 'port.number'), number, reason));
}

function checkPath(path: Raw, at: string, report: Report): void {
  const type = path['pathType'];
  const value = text(path['path']);
  if (type === undefined) report(requiredField(below(at, 'pathType'), 'pathType must be specified'));
  else if (!pathTypes.includes(text(type))) report(unsupportedField(below(at, 'pathType'), type, pathTypes));
  else if (type === 'Exact' || type === 'Prefix') {
    if (!value.startsWith('/')) report(invalidField(below(at, 'path'), value, 'must be an absolute path'));
    for (const part of ['//', '/./', '/../', '%2f', '%2F']) {
      if (value.includes(part)) report(invalidField(below(at, 'path'), value, `must not contain '${part}'`));
    }
  } else if (value !== '' && !value.startsWith('/')) report(invalidField(below(at, 'path'), value, 'must be an absolute path'));
  checkBackend(path['backend'], below(at, 'backend'), report);
}

function checkHost(host: string, path: string, report: Report): void {
  if (host === '') return;
  if (/^[\d.]+$/.test(host)) report(invalidField(path, host, 'must be a DNS name, not an IP address'));
  checkName(report, path, host.replace(/^\*\./, ''), dnsSubdomain);
}

const ingress: Validator = (spec, path, report) => {
  const rules = objects(spec['rules']);
  if (rules.length === 0 && spec['defaultBackend'] === undefined) {
    report(invalidField(path, rules, 'either `defaultBackend` or `rules` must be specified'));
  }
  if (spec['defaultBackend'] !== undefined) checkBackend(spec['defaultBackend'], below(path, 'defaultBackend'), report);
  for (const [i, rule] of rules.entries()) {
    const at = `${below(path, 'rules')}[${i}]`;
    checkHost(text(rule['host']), below(at, 'host'), report);
    if (!isObject(rule['http'])) continue;
    const paths = objects(rule['http']['paths']);
    if (paths.length === 0) report(requiredField(below(at, 'http.paths')));
    for (const [j, one] of paths.entries()) checkPath(one, `${below(at, 'http.paths')}[${j}]`, report);
  }
};

function checkPeers(peers: unknown, path: string, report: Report): void {
  for (const [i, peer] of objects(peers).entries()) {
    const at = `${path}[${i}]`;
    const given = Object.keys(peer);
    if (given.length === 0) report(requiredField(at, 'must specify a peer'));
    if (!isObject(peer['ipBlock'])) continue;
    if (given.length > 1) report(forbiddenField(at, 'may not specify both ipBlock and another peer'));
    const cidr = text(peer['ipBlock']['cidr']);
    if (cidr === '') report(requiredField(below(at, 'ipBlock.cidr')));
    else if (!parseCidr(cidr))
      report(invalidField(below(at, 'ipBlock.cidr'), cidr, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'));
  }
}

const networkPolicy: Validator = (spec, path, report) => {
  for (const [direction, peers] of [
    ['ingress', 'from'],
    ['egress', 'to'],
  ] as const) {
    for (const [i, rule] of objects(spec[direction]).entries()) checkPeers(rule[peers], `${below(path, direction)}[${i}].${peers}`, report);
  }
  for (const [i, type] of strings(spec['policyTypes']).entries()) {
    checkOneOf(report, `${below(path, 'policyTypes')}[${i}]`, type, ['Egress', 'Ingress']);
  }
};

export const networkValidators: Validators = {
  'api.networking.v1.IngressSpec': ingress,
  'api.networking.v1.NetworkPolicySpec': networkPolicy,
  'api.networking.v1.NetworkPolicyPort'(port, path, report) {
    checkOneOf(report, below(path, 'protocol'), port['protocol'], protocols);
    const number = port['port'];
    if (typeof number === 'string') checkName(report, below(path, 'port'), number, portName);
    else if (number !== undefined)
      for (const reason of portNumber(Number(number))) report(invalidField(below(path, 'port'), number, reason));
    const end = port['endPort'];
    if (end === undefined) return;
    if (typeof number !== 'number')
      report(invalidField(below(path, 'endPort'), end, 'may not be specified when `port` is not specified or is non-numeric'));
    else if (Number(end) < number) report(invalidField(below(path, 'endPort'), end, 'must be greater than or equal to `port`'));
  },
};
