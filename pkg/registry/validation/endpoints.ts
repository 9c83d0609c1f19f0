/** Endpoints, as they were before there were slices of them. */
import { invalidField, requiredField } from '../../runtime/field-errors.ts';
import { cidrContains, parseCidr, parseIp } from '../ip-address.ts';
import { objects, text } from '../raw.ts';
import { ipAddress } from './addresses.ts';
import { dnsLabel, dnsSubdomain, portNumber, qualifiedName } from './names.ts';
import { fields, items, named, neededOneOf, type Rule } from './rules.ts';
import { below, checkName, type Validator, type Validators } from './validator.ts';

export const protocols = ['SCTP', 'TCP', 'UDP'];

/**
 * Where no traffic of a service may go. Loopback addresses are among them in Kubernetes; here a server that listens on
 * its own machine alone is one of the endpoints of the `kubernetes` service.
 */
const special = [
  ['may not be in the link-local range (169.254.0.0/16, fe80::/10)', ['169.254.0.0/16', 'fe80::/10']],
  ['may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)', ['224.0.0.0/24', 'ff02::/10']],
] as const;
const specialBlocks = special.map(([reason, blocks]) => [reason, blocks.map((block) => parseCidr(block))] as const);

const nowhere = ['0.0.0.0/32', '::/128'].map((block) => parseCidr(block));
const loopback = ['127.0.0.0/8', '::1/128'].map((block) => parseCidr(block));

/** For the addresses of which Kubernetes asks the same and the `kubernetes` service has none. */
export const checkOutsideIp: Rule = (value, path, report) => {
  const ip = parseIp(text(value));
  if (ip && loopback.some((block) => block && cidrContains(block, ip)))
    report(invalidField(path, value, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'));
  checkEndpointIp(value, path, report);
};

export const reachable: Rule = (value, path, report) => {
  const ip = parseIp(text(value));
  if (!ip) return;
  if (nowhere.some((block) => block && cidrContains(block, ip)))
    report(invalidField(path, value, `may not be unspecified (${text(value)})`));
  for (const [reason, blocks] of specialBlocks) {
    if (blocks.some((block) => block && cidrContains(block, ip))) report(invalidField(path, value, reason));
  }
};

/** An address to which a service's traffic may go. */
export const checkEndpointIp: Rule = (value, path, report) => {
  if (parseIp(text(value))) reachable(value, path, report);
  else report(invalidField(path, text(value), 'must be a valid IP address'));
};

const address = fields({
  ip: ipAddress,
  hostname: named(dnsLabel),
  nodeName: (value, path, report) => {
    if (value !== undefined) checkName(report, path, value, dnsSubdomain);
  },
});
const place: Validator = (value, path, report) => {
  address(value, path, report);
  checkEndpointIp(value['ip'], below(path, 'ip'), report);
};

const subset: Validator = (value, path, report) => {
  if (objects(value['addresses']).length + objects(value['notReadyAddresses']).length === 0) {
    report(requiredField(path, 'must specify `addresses` or `notReadyAddresses`'));
  }
  for (const list of ['addresses', 'notReadyAddresses']) items(place)(value[list], below(path, list), report);
  const ports = objects(value['ports']);
  for (const [i, port] of ports.entries()) {
    const at = `${below(path, 'ports')}[${i}]`;
    const name = text(port['name']);
    if (name !== '') checkName(report, below(at, 'name'), name, dnsLabel);
    else if (ports.length > 1) report(requiredField(below(at, 'name')));
    for (const reason of portNumber(Number(port['port'] ?? 0))) report(invalidField(below(at, 'port'), port['port'] ?? 0, reason));
    neededOneOf(protocols)(port['protocol'], below(at, 'protocol'), report);
    if (port['appProtocol'] !== undefined) checkName(report, below(at, 'appProtocol'), port['appProtocol'], qualifiedName);
  }
};

export const endpointValidators: Validators = {
  'api.core.v1.EndpointSubset': { whole: subset },
};
