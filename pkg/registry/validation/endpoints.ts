/** Endpoints, as they were before there were slices of them. */
import { invalidField, requiredField } from '../../runtime/field-errors.ts';
import { cidrContains, parseCidr, parseIp } from '../ip-address.ts';
import { objects, text } from '../raw.ts';
import { ipAddress } from './addresses.ts';
import { dnsLabel, dnsSubdomain, portNumber, qualifiedName } from './names.ts';
import { fields, named, neededOneOf, type Rule } from './rules.ts';
import { below, checkName, seenAbove, type Validator, type Validators } from './validator.ts';

export const protocols = ['SCTP', 'TCP', 'UDP'];

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

export const reachable: Rule = (value, path, report) => {
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

export const endpointValidators: Validators = {
  'api.core.v1.EndpointSubset': subset,
  'api.core.v1.EndpointAddress': address,
  'api.core.v1.EndpointPort': seenAbove,
};
