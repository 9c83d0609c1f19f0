/** Slices of endpoints: where a service's traffic goes. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { duplicateField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { formatIp, parseIp } from '../ip-address.ts';
import { objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { ipAddress } from './addresses.ts';
import { protocols, reachable } from './endpoints.ts';
import { validateLabels } from './metadata.ts';
import { dnsLabel, dnsSubdomain, labelValue, type NameCheck, qualifiedName } from './names.ts';
import { atMost, fields, items, named, neededOneOf, object, type Rule, strictName } from './rules.ts';
import { below, type Report, type Validator, type Validators } from './validator.ts';

const maxEndpoints = 1_000;
const maxPorts = 20_000;
const maxAddresses = 100;
const maxHints = 8;
const maxTopology = 16;

const ifSaid =
  (rule: Rule): Rule =>
  (value, path, report) => {
    if (value !== undefined) rule(value, path, report);
  };

/** Those of a service without a name among them are told apart by nothing: there is one such. */
const ports: Rule = atMost(maxPorts, (value, path, report) => {
  const names = new Set<string>();
  for (const [i, port] of objects(value).entries()) {
    const at = `${path}[${i}]`;
    const name = text(port['name']);
    named(dnsLabel)(name, below(at, 'name'), report);
    if (names.has(name)) report(duplicateField(below(at, 'name'), name));
    names.add(name);
    fields({ protocol: protocol, appProtocol: ifSaid(strictName(qualifiedName)) })(port, at, report);
  }
});
const protocol: Rule = (value, path, report) => neededOneOf(protocols)(value, path, report);

const domain: Rule = (value, path, report) => {
  const given = text(value);
  const name = given.endsWith('.') ? given.slice(0, -1) : given;
  if (given === '') {
    report(requiredField(path));
    return;
  }
  const reasons = dnsSubdomain(name);
  const labels = name.split('.');
  const wrong = labels.find((label) => dnsLabel(label).length > 0);
  if (reasons.length > 0) report(invalidField(path, name, reasons.join(',')));
  else if (labels.length < 2) report(invalidField(path, name, 'should be a domain with at least two segments separated by dots'));
  else if (wrong !== undefined) report(invalidField(path, wrong, dnsLabel(wrong).join(',')));
};

function checkAddress(report: Report, list: string, i: number, given: string, type: string): void {
  const path = `${list}[${i}]`;
  const ip = parseIp(given);
  if (type === 'FQDN') domain(given, path, report);
  else if (type !== 'IPv4' && type !== 'IPv6') return;
  else if (!ip) ipAddress(given, path, report);
  else if (type === 'IPv6' && formatIp(ip) !== given) {
    report(invalidField(path, given, `must be in canonical form (${JSON.stringify(formatIp(ip))})`));
  } else {
    if (ip.family !== type) report(invalidField(list, given, `must be an ${type} address`));
    reachable(given, path, report);
  }
}

const hints = (check: NameCheck): Rule =>
  atMost(maxHints, (value, path, report) => {
    const names = new Set<string>();
    for (const [i, hint] of objects(value).entries()) {
      const [at, name] = [`${path}[${i}].name`, text(hint['name'])];
      if (names.has(name)) report(duplicateField(at, name));
      names.add(name);
      strictName(check)(name, at, report);
    }
  });

const endpoint: Validator = (value, path, report) => {
  const type = text(report.root['addressType']);
  const at = below(path, 'addresses');
  const addresses = strings(value['addresses']);
  if (addresses.length === 0) report(requiredField(at, 'must contain at least 1 address'));
  atMost(maxAddresses)(addresses, at, report);
  for (const [i, one] of addresses.entries()) checkAddress(report, at, i, one, type);
  ifSaid(strictName(dnsSubdomain))(value['nodeName'], below(path, 'nodeName'), report);
  const topology = objectAt(value['deprecatedTopology']);
  atMost(maxTopology)(Object.keys(topology), below(path, 'deprecatedTopology'), report);
  validateLabels(topology, below(path, 'deprecatedTopology'), report);
  ifSaid(strictName(dnsLabel))(value['hostname'], below(path, 'hostname'), report);
  object(fields({ forZones: hints(labelValue), forNodes: hints(dnsSubdomain) }))(value['hints'], below(path, 'hints'), report);
};

const slice = fields({
  addressType: neededOneOf(['FQDN', 'IPv4', 'IPv6']),
  ports,
  endpoints: atMost(maxEndpoints, items(endpoint)),
});

export const endpointSliceValidators: Validators = { 'api.discovery.v1.EndpointSlice': { whole: slice } };

export function validateEndpointSliceUpdate(next: Raw, old: Raw): StatusCause[] {
  return equalValues(next['addressType'], old['addressType'])
    ? []
    : [invalidField('addressType', next['addressType'], 'field is immutable')];
}
