/** Endpoints and EndpointSlices: where a service's traffic goes. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { duplicateField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { cidrContains, parseCidr, parseIp } from '../ip-address.ts';
import { objects, type Raw, strings, text } from '../raw.ts';
import { dnsLabel, dnsSubdomain, portNumber, qualifiedName } from './names.ts';
import { ipAddress } from './network.ts';
import { atMost, fields, named, neededOneOf, type Rule, strictName, uniqueBy } from './rules.ts';
import { below, checkName, type Report, seenAbove, type Validator, type Validators } from './validator.ts';

const protocols = ['SCTP', 'TCP', 'UDP'];

/**
 * Where no traffic of a service may go. Loopback addresses are among them in Kubernetes; here a server that listens on
 * its own machine alone is one of the endpoints of the `kubernetes` service.
 */
const special = [
  ['may not be unspecified (0.0.0.0 or ::)', ['0.0.0.0/32', '::/128']],
  ['may not be in the link-local range (169.254.0.0/16, fe80::/10)', ['169.254.0.0/16', 'fe80::/10']],
  ['may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)', ['224.0.0.0/24', 'ff02::/10']],
] as const;
const specialBlocks = special.map(([reason, blocks]) => [reason, blocks.map((block) => parseCidr(block))] as const);

const reachable: Rule = (value, path, report) => {
  const ip = parseIp(text(value));
  if (!ip) return;
  for (const [reason, blocks] of specialBlocks) {
    if (blocks.some((block) => block && cidrContains(block, ip))) report(invalidField(path, value, reason));
  }
};

const address = fields({
  ip: (value, path, report) => {
    ipAddress(value, path, report);
    reachable(value, path, report);
  },
  hostname: named(dnsLabel),
  nodeName: named(dnsSubdomain),
});

const subset: Validator = (value, path, report) => {
  if (objects(value['addresses']).length + objects(value['notReadyAddresses']).length === 0) {
    report(requiredField(path, 'must specify `addresses` or `notReadyAddresses`'));
  }
  const ports = objects(value['ports']);
  for (const [i, port] of ports.entries()) {
    const at = `${below(path, 'ports')}[${i}]`;
    const name = text(port['name']);
    if (name !== '') checkName(report, below(at, 'name'), name, dnsLabel);
    else if (ports.length > 1) report(requiredField(below(at, 'name')));
    for (const reason of portNumber(Number(port['port'] ?? 0))) report(invalidField(below(at, 'port'), port['port'] ?? 0, reason));
    neededOneOf(protocols)(port['protocol'], below(at, 'protocol'), report);
    named(qualifiedName)(port['appProtocol'], below(at, 'appProtocol'), report);
  }
};

const maxEndpoints = 1_000;
const maxSlicePorts = 20_000;
const maxAddresses = 100;
const maxHints = 8;

const slice: Validator = (value, path, report) => {
  neededOneOf(['FQDN', 'IPv4', 'IPv6'])(value['addressType'], below(path, 'addressType'), report);
  atMost(maxEndpoints)(value['endpoints'], below(path, 'endpoints'), report);
  atMost(maxSlicePorts)(value['ports'], below(path, 'ports'), report);
  const names = new Set<string>();
  for (const [i, port] of objects(value['ports']).entries()) {
    const at = `${below(path, 'ports')}[${i}].name`;
    const name = text(port['name']);
    if (names.has(name)) report(duplicateField(at, name));
    names.add(name);
  }
};

const endpoint: Validator = (value, path, report) => {
  const type = text(report.root['addressType']);
  const addresses = strings(value['addresses']);
  const at = below(path, 'addresses');
  if (addresses.length === 0) report(requiredField(at, 'must contain at least 1 address'));
  atMost(maxAddresses)(addresses, at, report);
  for (const [i, one] of addresses.entries()) checkAddress(report, `${at}[${i}]`, one, type);
  const { hostname, nodeName } = value;
  if (nodeName !== undefined) checkName(report, below(path, 'nodeName'), nodeName, dnsSubdomain);
  if (hostname !== undefined) checkName(report, below(path, 'hostname'), hostname, dnsLabel);
};

function checkAddress(report: Report, path: string, given: string, type: string): void {
  if (type === 'FQDN') checkName(report, path, given, dnsSubdomain);
  else if (parseIp(given)?.family === type) reachable(given, path, report);
  else if (type !== '') report(invalidField(path, given, `must be a valid ${type === 'IPv6' ? 'IPv6' : 'IPv4'} address`));
}

export const endpointValidators: Validators = {
  'api.core.v1.EndpointSubset': subset,
  'api.core.v1.EndpointAddress': address,
  'api.core.v1.EndpointPort': seenAbove,
  'api.discovery.v1.EndpointSlice': slice,
  'api.discovery.v1.Endpoint': endpoint,
  'api.discovery.v1.EndpointPort': fields({
    name: named(dnsLabel),
    protocol: neededOneOf(protocols),
    appProtocol: named(qualifiedName),
  }),
  'api.discovery.v1.EndpointHints': fields({
    forZones: atMost(maxHints, uniqueBy('name')),
    forNodes: atMost(maxHints, uniqueBy('name')),
  }),
  'api.discovery.v1.ForNode': fields({ name: strictName(dnsSubdomain) }),
};

export function validateEndpointSliceUpdate(next: Raw, old: Raw): StatusCause[] {
  return equalValues(next['addressType'], old['addressType'])
    ? []
    : [invalidField('addressType', next['addressType'], 'field is immutable')];
}
