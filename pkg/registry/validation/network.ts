/** Ingresses and their classes, network policies, and the blocks and addresses of services. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { formatCidr, parseCidr, parseIp } from '../ip-address.ts';
import { isObject, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { cidr, ipAddress } from './addresses.ts';
import { dnsLabel, dnsSubdomain, pathSegment, portName, portNumber, wildcardSubdomain } from './names.ts';
import {
  both,
  domainPrefixedPath,
  each,
  fields,
  items,
  named,
  neededName,
  noLongerThan,
  object,
  oneOf,
  type Rule,
  strictOneOf,
} from './rules.ts';
import { validateLabelSelector } from './selectors.ts';
import { below, checkName, collect, onlyWhenNew, type Report, type Validator, type Validators } from './validator.ts';

const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix'];

function checkBackend(backend: unknown, path: string, report: Report): void {
  const { service, resource } = objectAt(backend);
  if (service !== undefined && resource !== undefined) {
    report(invalidField(path, '', 'cannot set both resource and service backends'));
    return;
  }
  if (resource !== undefined) {
    typedReference(objectAt(resource), below(path, 'resource'), report);
    return;
  }
  if (!isObject(service)) {
    report(invalidField(path, '', 'resource or service backend is required'));
    return;
  }
  neededName(dnsLabel)(service['name'], below(path, 'service.name'), report);
  const { name, number } = objectAt(service['port']);
  if (text(name) === '' && !number) report(requiredField(path, 'port name or number is required'));
  else if (text(name) !== '' && number) report(invalidField(path, '', 'cannot set both port name & port number'));
  else if (text(name) !== '') checkName(report, below(path, 'service.port.name'), name, portName);
  else for (const reason of portNumber(Number(number))) report(invalidField(below(path, 'service.port.number'), number, reason));
}

const typedReference = fields({ apiGroup: named(dnsSubdomain), kind: neededName(pathSegment), name: neededName(pathSegment) });

function checkPath(path: Raw, at: string, report: Report): void {
  const type = path['pathType'];
  const value = text(path['path']);
  const say = (reason: string): void => report(invalidField(below(at, 'path'), value, reason));
  if (type === undefined) {
    report(requiredField(below(at, 'pathType'), 'pathType must be specified'));
    return;
  }
  if (!pathTypes.includes(text(type))) report(unsupportedField(below(at, 'pathType'), type, pathTypes));
  else if (!value.startsWith('/') && (value !== '' || type !== 'ImplementationSpecific')) say('must be an absolute path');
  if (type === 'Exact' || type === 'Prefix') {
    for (const part of ['//', '/./', '/../', '%2f', '%2F']) if (value.includes(part)) say(`must not contain '${part}'`);
    for (const end of ['/..', '/.']) if (value.endsWith(end)) say(`cannot end with '${end}'`);
  }
  checkBackend(path['backend'], below(at, 'backend'), report);
}

const host: Rule = (value, path, report) => {
  const name = text(value);
  if (name !== '') checkHost(report, path, name);
};
const checkHost = (report: Report, path: string, name: string): void =>
  checkName(report, path, name, name.includes('*') ? wildcardSubdomain : dnsSubdomain);
const certifiedHost: Rule = (value, path, report) => checkHost(report, path, text(value));
const notIp: Rule = (value, path, report) => {
  if (parseIp(text(value))) report(invalidField(path, value, 'must be a DNS name, not an IP address'));
};

const classAnnotation = 'kubernetes.io/ingress.class';
const tls = each((entry, path, report) =>
  fields({ hosts: each(certifiedHost), secretName: named(dnsSubdomain) })(objectAt(entry), path, report),
);

const ingress: Validator = (spec, path, report) => {
  const rules = objects(spec['rules']);
  if (rules.length === 0 && spec['defaultBackend'] === undefined) {
    report(invalidField(path, rules, 'either `defaultBackend` or `rules` must be specified'));
  }
  if (spec['defaultBackend'] !== undefined) checkBackend(spec['defaultBackend'], below(path, 'defaultBackend'), report);
  for (const [i, rule] of rules.entries()) {
    const at = `${below(path, 'rules')}[${i}]`;
    both(notIp, host)(rule['host'], below(at, 'host'), report);
    if (!isObject(rule['http'])) continue;
    const paths = objects(rule['http']['paths']);
    if (paths.length === 0) report(requiredField(below(at, 'http.paths')));
    for (const [j, one] of paths.entries()) checkPath(one, `${below(at, 'http.paths')}[${j}]`, report);
  }
  tls(spec['tls'], below(path, 'tls'), report);
  const name = spec['ingressClassName'];
  if (name !== undefined) checkName(report, below(path, 'ingressClassName'), name, dnsSubdomain);
  const annotated = objectAt(objectAt(report.root['metadata'])['annotations'])[classAnnotation];
  if (annotated !== undefined && name !== undefined && annotated !== name) {
    report(invalidField(`annotations.${classAnnotation}`, annotated, 'must match `ingressClassName` when both are specified'));
  }
};

const maxController = 250;
const scopes = ['Cluster', 'Namespace'];

const classParameters: Validator = (parameters, path, report) => {
  if (parameters['apiGroup'] !== undefined) checkName(report, below(path, 'apiGroup'), parameters['apiGroup'], dnsSubdomain);
  typedReference({ ...parameters, apiGroup: undefined }, path, report);
  const { scope, namespace } = parameters;
  if (!scopes.includes(text(scope))) report(unsupportedField(below(path, 'scope'), scope ?? '', scopes));
  else if (scope === 'Cluster') {
    if (namespace !== undefined) report(forbiddenField(below(path, 'namespace'), "`parameters.scope` is set to 'Cluster'"));
  } else if (namespace === undefined) report(requiredField(below(path, 'namespace'), "`parameters.scope` is set to 'Namespace'"));
  else checkName(report, below(path, 'namespace'), namespace, dnsLabel);
};

const ipBlock: Validator = (block, path, report) => {
  if (text(block['cidr']) === '') {
    report(requiredField(below(path, 'cidr')));
    return;
  }
  const whole = parseCidr(text(block['cidr']));
  cidr(block['cidr'], below(path, 'cidr'), report);
  if (!whole) return;
  for (const [i, except] of strings(block['except']).entries()) {
    const at = `${below(path, 'except')}[${i}]`;
    const part = parseCidr(except);
    cidr(except, at, report);
    if (!part) continue;
    const within = part.family === whole.family && part.base >= whole.base && part.base < whole.base + whole.size;
    if (!within || whole.bits >= part.bits) report(invalidField(at, except, 'must be a strict subset of `cidr`'));
  }
};

const peerFields = ['podSelector', 'namespaceSelector', 'ipBlock'];
const peer: Validator = (value, path, report) => {
  const given = peerFields.filter((field) => value[field] !== undefined);
  for (const field of ['podSelector', 'namespaceSelector']) object(validateLabelSelector)(value[field], below(path, field), report);
  object(ipBlock)(value['ipBlock'], below(path, 'ipBlock'), report);
  if (given.length === 0) report(requiredField(path, 'must specify a peer'));
  else if (given.length > 1 && value['ipBlock'] !== undefined)
    report(forbiddenField(path, 'may not specify both ipBlock and another peer'));
};

const policyPort: Validator = (value, path, report) => {
  oneOf(['TCP', 'UDP', 'SCTP'])(value['protocol'], below(path, 'protocol'), report);
  const { port, endPort } = value;
  const say = (reason: string): void => report(invalidField(below(path, 'endPort'), endPort, reason));
  if (typeof port === 'number') {
    for (const reason of portNumber(port)) report(invalidField(below(path, 'port'), port, reason));
    if (typeof endPort !== 'number') return;
    if (endPort < port) say('must be greater than or equal to `port`');
    for (const reason of portNumber(endPort)) say(reason);
    return;
  }
  if (endPort !== undefined) say(`may not be specified when \`port\` is ${port === undefined ? 'not specified' : 'non-numeric'}`);
  if (port !== undefined) checkName(report, below(path, 'port'), port, portName);
};

const policyTypes = ['Ingress', 'Egress'];

const networkPolicy: Validator = (spec, path, report) => {
  fields({
    podSelector: object(validateLabelSelector),
    ingress: items(fields({ ports: items(policyPort), from: items(peer) })),
    egress: items(fields({ ports: items(policyPort), to: items(peer) })),
  })(spec, path, report);
  const at = below(path, 'policyTypes');
  const types = strings(spec['policyTypes']);
  if (types.length > policyTypes.length) report(invalidField(at, types, 'may not specify more than two policyTypes'));
  else each(strictOneOf(policyTypes))(types, at, report);
};

const serviceCidr: Validator = (spec, path, report) => {
  const at = below(path, 'cidrs');
  const cidrs = strings(spec['cidrs']);
  if (cidrs.length === 0) report(requiredField(at, 'at least one CIDR required'));
  if (cidrs.length > 2) {
    report(invalidField(at, spec, 'may only hold up to 2 values'));
    return;
  }
  const blocks = cidrs.map((value) => parseCidr(value));
  for (const [i, block] of blocks.entries()) {
    const value = cidrs[i] as string;
    cidr(value, `${at}[${i}]`, report);
    if (block && formatCidr(block) !== value) {
      report(invalidField(`${at}[${i}]`, value, `must be in canonical form (${JSON.stringify(formatCidr(block))})`));
    }
  }
  const [first, second] = blocks;
  if (first && second && first.family === second.family) {
    report(invalidField(at, cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'));
  }
};

export const networkValidators: Validators = {
  'api.networking.v1.IngressSpec': { whole: ingress },
  'api.networking.v1.IngressClassSpec': fields({ controller: both(noLongerThan(maxController), domainPrefixedPath) }),
  'api.networking.v1.IngressClassParametersReference': classParameters,
  'api.networking.v1.NetworkPolicySpec': { whole: networkPolicy },
  'api.networking.v1.ServiceCIDRSpec': { whole: onlyWhenNew(serviceCidr) },
  'api.networking.v1.ParentReference': fields({
    group: named(dnsSubdomain),
    resource: neededName(pathSegment),
    name: neededName(pathSegment),
    namespace: named(pathSegment),
  }),
};

/** A block that is given out from stays; a second family may join the first. */
export function validateServiceCidrUpdate(next: Raw, old: Raw): StatusCause[] {
  const [now, was] = [strings(objectAt(next['spec'])['cidrs']), strings(objectAt(old['spec'])['cidrs'])];
  const grows = was.length === 1 && now.length === 2;
  if (now.length !== was.length && !grows) return [invalidField('spec.cidrs', now, 'field is immutable')];
  return was.flatMap((block, i) => (block === now[i] ? [] : [invalidField(`spec.cidrs[${i}]`, now[i], 'field is immutable')]));
}

/** Where traffic for an ingress or a service comes in. An ingress is of no type. */
export function validateLoadBalancer(next: Raw, old: Raw): StatusCause[] {
  const pointsOf = (object: Raw): Raw[] => objects(objectAt(objectAt(object['status'])['loadBalancer'])['ingress']);
  const type = objectAt(next['spec'])['type'];
  const points = pointsOf(next);
  const known = new Set(pointsOf(old).map(({ ip }) => ip));
  return collect(next, (report) => {
    const path = 'status.loadBalancer.ingress';
    if (next['kind'] === 'Service' && type !== 'LoadBalancer') {
      if (points.length > 0) report(forbiddenField(path, "may only be used when `spec.type` is 'LoadBalancer'"));
      return;
    }
    for (const [i, { ip, ipMode, hostname }] of points.entries()) {
      const at = `${path}[${i}]`;
      if (text(ip) !== '' && !known.has(ip)) ipAddress(ip, below(at, 'ip'), report);
      if (text(ip) === '' && ipMode !== undefined) report(forbiddenField(below(at, 'ipMode'), 'may not be specified when `ip` is not set'));
      else if (ipMode !== undefined) strictOneOf(['Proxy', 'VIP'])(ipMode, below(at, 'ipMode'), report);
      both(named(dnsSubdomain), notIp)(hostname, below(at, 'hostname'), report);
    }
  });
}
