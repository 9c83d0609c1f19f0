/** Services. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { duplicateField, forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { parseCidr, parseIp } from '../ip-address.ts';
import { objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { protocols } from './container.ts';
import { validateLabels } from './metadata.ts';
import { dnsLabel, dnsSubdomain, portName, portNumber, qualifiedName } from './names.ts';
import { checkIp } from './pod-spec.ts';
import { below, checkName, checkOneOf, type Report, type Validator, type Validators } from './validator.ts';

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const families = ['IPv4', 'IPv6'];
const familyPolicies = ['SingleStack', 'PreferDualStack', 'RequireDualStack'];
/** A day. */
const maxAffinitySeconds = 86_400;

const serviceSpec: Validator = (spec, path, report) => {
  const type = text(spec['type']);
  const headless = spec['clusterIP'] === 'None';
  if (!types.includes(type)) report(unsupportedField(below(path, 'type'), type, types));
  if (objects(spec['ports']).length === 0 && !headless && type !== 'ExternalName') report(requiredField(below(path, 'ports')));
  if (type === 'LoadBalancer' && headless) {
    report(invalidField(below(path, 'clusterIPs[0]'), 'None', "may not be set to 'None' for LoadBalancer services"));
  }
  if (type === 'NodePort' && headless) {
    report(invalidField(below(path, 'clusterIPs[0]'), 'None', "may not be set to 'None' for NodePort services"));
  }
  if (type === 'ExternalName') checkExternalName(spec, path, report);
  checkPorts(spec, path, report);
  validateLabels(spec['selector'], below(path, 'selector'), report);
  checkOneOf(report, below(path, 'sessionAffinity'), spec['sessionAffinity'], ['ClientIP', 'None']);
  checkAffinity(spec, path, report);
  if (type !== 'ExternalName') checkClusterIps(spec, path, report);
  for (const [i, ip] of strings(spec['externalIPs']).entries()) checkIp(ip, `${below(path, 'externalIPs')}[${i}]`, report);
  checkOneOf(report, below(path, 'externalTrafficPolicy'), spec['externalTrafficPolicy'], ['Cluster', 'Local']);
  checkOneOf(report, below(path, 'internalTrafficPolicy'), spec['internalTrafficPolicy'], ['Cluster', 'Local']);
  if (text(spec['externalTrafficPolicy']) !== '' && type === 'ClusterIP' && strings(spec['externalIPs']).length === 0) {
    report(
      invalidField(
        below(path, 'externalTrafficPolicy'),
        spec['externalTrafficPolicy'],
        'may only be set for externally-accessible services',
      ),
    );
  }
  for (const [i, range] of strings(spec['loadBalancerSourceRanges']).entries()) {
    const at = `${below(path, 'loadBalancerSourceRanges')}[${i}]`;
    if (!parseCidr(range.trim())) report(invalidField(at, range, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'));
  }
  checkBalancer(spec, path, report);
  checkOneOf(report, below(path, 'trafficDistribution'), spec['trafficDistribution'], distributions);
};

const distributions = ['PreferClose', 'PreferSameNode', 'PreferSameZone'];
const ofBalancers = ['loadBalancerSourceRanges', 'allocateLoadBalancerNodePorts', 'loadBalancerClass'];
/** Its API is open to who reaches it there. */
const kubeletPort = 10_250;

/** What only a load balancer has. */
function checkBalancer(spec: Raw, path: string, report: Report): void {
  const balances = spec['type'] === 'LoadBalancer';
  for (const field of balances ? [] : ofBalancers) {
    const value = spec[field];
    if (value !== undefined && !(Array.isArray(value) && value.length === 0))
      report(forbiddenField(below(path, field), "may only be used when `type` is 'LoadBalancer'"));
  }
  const { loadBalancerClass: name, healthCheckNodePort: health } = spec;
  if (balances && name !== undefined) checkName(report, below(path, 'loadBalancerClass'), name, qualifiedName);
  if (typeof health === 'number' && health !== 0 && !(balances && spec['externalTrafficPolicy'] === 'Local')) {
    const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    report(invalidField(below(path, 'healthCheckNodePort'), health, detail));
  }
  for (const [i, { port }] of balances ? objects(spec['ports']).entries() : []) {
    if (port !== kubeletPort) continue;
    const detail = `may not expose port ${kubeletPort} externally since it is used by kubelet`;
    report(invalidField(`${below(path, 'ports')}[${i}]`, port, detail));
  }
}

function checkExternalName(spec: Raw, path: string, report: Report): void {
  const name = text(spec['externalName']);
  if (strings(spec['clusterIPs']).length > 0 || text(spec['clusterIP']) !== '') {
    report(forbiddenField(below(path, 'clusterIPs'), 'may not be set for ExternalName services'));
  }
  if (name === '') report(requiredField(below(path, 'externalName')));
  else checkName(report, below(path, 'externalName'), name.replace(/\.$/, ''), dnsSubdomain);
}

function checkPorts(spec: Raw, path: string, report: Report): void {
  const ports = objects(spec['ports']);
  const names = new Set<string>();
  const pairs = new Set<string>();
  const nodePorts = new Set<string>();
  const exposed = spec['type'] === 'NodePort' || spec['type'] === 'LoadBalancer';
  for (const [i, port] of ports.entries()) {
    const at = `${below(path, 'ports')}[${i}]`;
    const name = text(port['name']);
    const protocol = text(port['protocol']);
    if (ports.length > 1 && name === '') report(requiredField(below(at, 'name')));
    else if (name !== '') {
      checkName(report, below(at, 'name'), name, dnsLabel);
      if (names.has(name)) report(duplicateField(below(at, 'name'), name));
      names.add(name);
    }
    const number = port['port'];
    for (const reason of portNumber(Number(number ?? 0))) report(invalidField(below(at, 'port'), number ?? 0, reason));
    if (!protocols.includes(protocol)) report(unsupportedField(below(at, 'protocol'), protocol, protocols));
    const target = port['targetPort'];
    if (typeof target === 'string') checkName(report, below(at, 'targetPort'), target, portName);
    else for (const reason of portNumber(Number(target ?? 0))) report(invalidField(below(at, 'targetPort'), target ?? 0, reason));
    const appProtocol = text(port['appProtocol']);
    if (appProtocol !== '') checkName(report, below(at, 'appProtocol'), appProtocol, qualifiedName);
    const pair = `${protocol}/${String(number)}`;
    if (pairs.has(pair)) report(duplicateField(at, { port: number, protocol }));
    pairs.add(pair);
    const node = port['nodePort'];
    if (typeof node !== 'number' || node === 0) continue;
    if (!exposed) report(forbiddenField(below(at, 'nodePort'), `may not be used when \`type\` is '${text(spec['type'])}'`));
    const key = `${protocol}/${node}`;
    if (nodePorts.has(key)) report(duplicateField(below(at, 'nodePort'), node));
    nodePorts.add(key);
  }
}

function checkAffinity(spec: Raw, path: string, report: Report): void {
  const seconds = objectAt(objectAt(spec['sessionAffinityConfig'])['clientIP'])['timeoutSeconds'];
  if (spec['sessionAffinity'] !== 'ClientIP' || seconds === undefined) return;
  if (Number(seconds) <= 0 || Number(seconds) > maxAffinitySeconds) {
    report(
      invalidField(
        below(path, 'sessionAffinityConfig.clientIP.timeoutSeconds'),
        seconds,
        `must be greater than 0 and less than ${maxAffinitySeconds}`,
      ),
    );
  }
}

function checkClusterIps(spec: Raw, path: string, report: Report): void {
  const ips = strings(spec['clusterIPs']);
  const stated = strings(spec['ipFamilies']);
  const ip = text(spec['clusterIP']);
  if (ips.length > 0 && ip !== '' && ips[0] !== ip)
    report(invalidField(below(path, 'clusterIPs'), ips, 'first value must match `clusterIP`'));
  for (const [i, family] of stated.entries()) {
    const at = `${below(path, 'ipFamilies')}[${i}]`;
    if (!families.includes(family)) report(unsupportedField(at, family, families));
    else if (stated.indexOf(family) !== i) report(duplicateField(at, family));
  }
  checkOneOf(report, below(path, 'ipFamilyPolicy'), spec['ipFamilyPolicy'], familyPolicies);
  for (const [i, value] of ips.entries()) {
    const at = `${below(path, 'clusterIPs')}[${i}]`;
    if (value === 'None') {
      if (ips.length > 1) report(invalidField(below(path, 'clusterIPs'), ips, "'None' must be the first and only value"));
      continue;
    }
    const parsed = parseIp(value);
    if (!parsed) checkIp(value, at, report);
    else if (stated[i] !== undefined && parsed.family !== stated[i]) {
      report(invalidField(at, value, `expected an ${stated[i]} value as indicated by \`ipFamilies[${i}]\``));
    }
  }
}

/** Against the families that the cluster serves; addresses are given out from their blocks alone. */
export function validateServiceFamilies(service: Raw, served: readonly string[]): StatusCause[] {
  const spec = objectAt(service['spec']);
  const selectorless = spec['clusterIP'] === 'None' && Object.keys(objectAt(spec['selector'])).length === 0;
  if (spec['type'] === 'ExternalName' || selectorless) return [];
  const causes: StatusCause[] = [];
  if (spec['ipFamilyPolicy'] === 'RequireDualStack' && served.length < 2) {
    causes.push(invalidField('spec.ipFamilyPolicy', 'RequireDualStack', 'this cluster is not configured for dual-stack services'));
  }
  for (const [i, family] of strings(spec['ipFamilies']).entries()) {
    if (families.includes(family) && !served.includes(family))
      causes.push(invalidField(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'));
  }
  return causes;
}

/** An address, once given, stays for as long as the service is of a type that has one. */
export function validateServiceUpdate(next: Raw, old: Raw): StatusCause[] {
  const [now, was] = [objectAt(next['spec']), objectAt(old['spec'])];
  if (now['type'] === 'ExternalName' || was['type'] === 'ExternalName') return [];
  const [ips, before] = [strings(now['clusterIPs']), strings(was['clusterIPs'])];
  const causes: StatusCause[] = [];
  const [kind, kindBefore] = [now['loadBalancerClass'], was['loadBalancerClass']];
  if (was['type'] === 'LoadBalancer' && now['type'] === 'LoadBalancer' && kind !== kindBefore) {
    causes.push(invalidField('spec.loadBalancerClass', kind, 'may not change once set'));
  }
  if (before[0] !== undefined && ips[0] !== before[0]) causes.push(invalidField('spec.clusterIPs[0]', ips, 'may not change once set'));
  const [family, familyBefore] = [strings(now['ipFamilies'])[0], strings(was['ipFamilies'])[0]];
  if (familyBefore !== undefined && family !== familyBefore)
    causes.push(invalidField('spec.ipFamilies[0]', strings(now['ipFamilies']), 'may not change once set'));
  return causes;
}

export const serviceValidators: Validators = {
  'api.core.v1.ServiceSpec': serviceSpec,
};
