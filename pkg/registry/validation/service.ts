/** Services: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/ */
import { duplicateField, forbiddenField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { parseCidr, parseIp } from '../ip-address.ts';
import { isObject, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { protocols } from './container.ts';
import { checkOutsideIp } from './endpoints.ts';
import { validateLabels } from './metadata.ts';
import { dnsLabel, dnsSubdomain, portName, portNumber, qualifiedName } from './names.ts';
import { checkIp } from './pod-spec.ts';
import { fields, neededOneOf, type Rule, strictOneOf } from './rules.ts';
import { checkClusterIps, isHeadless } from './service-addresses.ts';
import { below, checkName, type Report, type Validator, type Validators } from './validator.ts';

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
/** A day. */
const maxAffinitySeconds = 86_400;
const hints = 'service.kubernetes.io/topology-aware-hints';
const topologyMode = 'service.kubernetes.io/topology-mode';
const sourceRanges = 'service.beta.kubernetes.io/load-balancer-source-ranges';
const badCidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

const annotationsOf = (service: Raw | undefined): Raw => objectAt(objectAt(objectAt(service)['metadata'])['annotations']);

const serviceSpec: Validator = (spec, path, report) => {
  const type = text(spec['type']);
  checkTopology(report);
  if (objects(spec['ports']).length === 0 && !isHeadless(spec) && type !== 'ExternalName') report(requiredField(below(path, 'ports')));
  if ((type === 'LoadBalancer' || type === 'NodePort') && isHeadless(spec))
    report(invalidField(below(path, 'clusterIPs[0]'), 'None', `may not be set to 'None' for ${type} services`));
  if (type === 'ExternalName') checkExternalName(spec, path, report);
  checkEachPort(spec, below(path, 'ports'), report);
  validateLabels(spec['selector'], below(path, 'selector'), report);
  affinity(spec, path, report);
  if (type !== 'ExternalName') checkClusterIps(spec, path, report);
  checkExternalIps(strings(spec['externalIPs']), below(path, 'externalIPs'), report);
  neededOneOf(types)(type, below(path, 'type'), report);
  checkPortsTogether(spec, below(path, 'ports'), report);
  checkSources(spec, path, report);
  checkBalancer(spec, path, report);
  checkTraffic(spec, path, report);
};

function checkTopology(report: Report): void {
  const annotations = annotationsOf(report.root);
  const [mode, old] = [annotations[topologyMode], annotations[hints]];
  if (mode === undefined || old === undefined || mode === old) return;
  report(invalidField(`metadata.annotations[${topologyMode}]`, mode, `must match annotations[${hints}] when both are specified`));
}

function checkExternalName(spec: Raw, path: string, report: Report): void {
  for (const field of ['clusterIPs', 'ipFamilies']) {
    if (strings(spec[field]).length > 0) report(forbiddenField(below(path, field), 'may not be set for ExternalName services'));
  }
  if (spec['ipFamilyPolicy'] !== undefined)
    report(forbiddenField(below(path, 'ipFamilyPolicy'), 'may not be set for ExternalName services'));
  const name = text(spec['externalName']).replace(/\.$/, '');
  if (name === '') report(requiredField(below(path, 'externalName')));
  else checkName(report, below(path, 'externalName'), name, dnsSubdomain);
}

const target: Rule = (value, path, report) => {
  const reasons = typeof value === 'string' ? portName(value) : portNumber(Number(value ?? 0));
  for (const reason of reasons) report(invalidField(path, value ?? 0, reason));
};
const port = fields({
  port: (value, path, report) => {
    for (const reason of portNumber(Number(value ?? 0))) report(invalidField(path, value ?? 0, reason));
  },
  protocol: neededOneOf(protocols),
  targetPort: target,
  appProtocol: (value, path, report) => {
    if (value !== undefined) checkName(report, path, value, qualifiedName);
  },
});

function checkEachPort(spec: Raw, path: string, report: Report): void {
  const ports = objects(spec['ports']);
  const names = new Set<string>();
  for (const [i, one] of ports.entries()) {
    const at = `${path}[${i}]`;
    const name = text(one['name']);
    if (ports.length > 1 && name === '') report(requiredField(below(at, 'name')));
    else if (name !== '') {
      checkName(report, below(at, 'name'), name, dnsLabel);
      if (names.has(name)) report(duplicateField(below(at, 'name'), name));
      names.add(name);
    }
    port(one, at, report);
  }
}

/** What each may have once only. */
function checkPortsTogether(spec: Raw, path: string, report: Report): void {
  const ports = objects(spec['ports']).map((one, i) => ({ one, at: `${path}[${i}]`, node: Number(one['nodePort'] ?? 0) }));
  if (spec['type'] === 'ClusterIP') {
    for (const { at, node } of ports)
      if (node !== 0) report(forbiddenField(below(at, 'nodePort'), "may not be used when `type` is 'ClusterIP'"));
  }
  const [nodePorts, pairs] = [new Set<string>(), new Set<string>()];
  for (const { one, at, node } of ports) {
    if (node === 0) continue;
    const key = `${text(one['protocol'])}/${node}`;
    if (nodePorts.has(key)) report(duplicateField(below(at, 'nodePort'), node));
    nodePorts.add(key);
  }
  for (const { one, at } of ports) {
    const [protocol, number] = [text(one['protocol']), Number(one['port'] ?? 0)];
    const key = `${protocol}/${number}`;
    // Kubernetes shows the Go structure by which it compares.
    const shown = { Name: '', Protocol: protocol, AppProtocol: null, Port: number, TargetPort: 0, NodePort: 0 };
    if (pairs.has(key)) report(duplicateField(at, shown));
    pairs.add(key);
  }
}

const affinity: Validator = (spec, path, report) => {
  const { sessionAffinity: kind, sessionAffinityConfig: config } = spec;
  neededOneOf(['ClientIP', 'None'])(kind, below(path, 'sessionAffinity'), report);
  const at = below(path, 'sessionAffinityConfig');
  if (kind === 'None' && config !== undefined) report(forbiddenField(at, 'must not be set when session affinity is None'));
  if (kind !== 'ClientIP') return;
  const seconds = objectAt(objectAt(config)['clientIP'])['timeoutSeconds'];
  const missing = !isObject(config) ? at : !isObject(config['clientIP']) ? `${at}.clientIP` : `${at}.clientIP.timeoutSeconds`;
  if (seconds === undefined) report(requiredField(missing, 'when session affinity type is ClientIP'));
  else if (Number(seconds) <= 0 || Number(seconds) > maxAffinitySeconds)
    report(invalidField(`${at}.clientIP.timeoutSeconds`, seconds, `must be greater than 0 and less than ${maxAffinitySeconds}`));
};

function checkExternalIps(ips: readonly string[], path: string, report: Report): void {
  const before = strings(objectAt(objectAt(report.old)['spec'])['externalIPs']);
  for (const [i, ip] of ips.entries()) {
    const at = `${path}[${i}]`;
    if (!before.includes(ip) && !parseIp(ip)) checkIp(ip, at, report);
    else checkOutsideIp(ip, at, report);
  }
}

/** Who may reach a load balancer; an older annotation says the same. */
function checkSources(spec: Raw, path: string, report: Report): void {
  const balances = spec['type'] === 'LoadBalancer';
  const ranges = strings(spec['loadBalancerSourceRanges']).map((range) => range.trim());
  // So Kubernetes writes it.
  const at = below(path, 'LoadBalancerSourceRanges');
  const refuse = (where: string): void => report(forbiddenField(where, "may only be used when `type` is 'LoadBalancer'"));
  if (ranges.length > 0) {
    if (!balances) refuse(at);
    const before = strings(objectAt(objectAt(report.old)['spec'])['loadBalancerSourceRanges']).map((range) => range.trim());
    for (const [i, range] of ranges.entries())
      if (!before.includes(range) && !parseCidr(range)) report(invalidField(`${at}[${i}]`, range, badCidr));
    return;
  }
  const annotation = annotationsOf(report.root)[sourceRanges];
  if (annotation === undefined) return;
  const where = `metadata.annotations[${sourceRanges}]`;
  if (!balances) refuse(where);
  if (annotationsOf(report.old)[sourceRanges] === annotation || text(annotation).trim() === '') return;
  for (const range of text(annotation).split(',')) if (!parseCidr(range.trim())) report(invalidField(where, range.trim(), badCidr));
}

/** What only a load balancer has. */
function checkBalancer(spec: Raw, path: string, report: Report): void {
  const balances = spec['type'] === 'LoadBalancer';
  const { allocateLoadBalancerNodePorts: allocates, loadBalancerClass: name } = spec;
  const refuse = (field: string): void => report(forbiddenField(below(path, field), "may only be used when `type` is 'LoadBalancer'"));
  if (allocates !== undefined && !balances) refuse('allocateLoadBalancerNodePorts');
  if (allocates === undefined && balances) report(requiredField('allocateLoadBalancerNodePorts'));
  if (name === undefined) return;
  if (balances) checkName(report, below(path, 'loadBalancerClass'), name, qualifiedName);
  else refuse('loadBalancerClass');
}

/** Whether anybody outside the cluster can reach it. */
const isExposed = (spec: Raw): boolean =>
  spec['type'] === 'LoadBalancer' ||
  spec['type'] === 'NodePort' ||
  (spec['type'] === 'ClusterIP' && strings(spec['externalIPs']).length > 0);
const needsHealthCheck = (spec: Raw): boolean => spec['type'] === 'LoadBalancer' && spec['externalTrafficPolicy'] === 'Local';

function checkTraffic(spec: Raw, path: string, report: Report): void {
  const { externalTrafficPolicy: external, internalTrafficPolicy: internal, trafficDistribution: distribution } = spec;
  const at = below(path, 'externalTrafficPolicy');
  if (isExposed(spec)) neededOneOf(['Cluster', 'Local'])(external, at, report);
  else if (text(external) !== '') report(invalidField(at, external, 'may only be set for externally-accessible services'));
  const health = Number(spec['healthCheckNodePort'] ?? 0);
  const healthAt = below(path, 'healthCheckNodePort');
  if (!needsHealthCheck(spec)) {
    const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    if (health !== 0) report(invalidField(healthAt, health, detail));
  } else if (health === 0) report(requiredField(healthAt));
  else for (const reason of portNumber(health)) report(invalidField(healthAt, health, reason));
  const [internalAt, distributionAt] = [below(path, 'internalTrafficPolicy'), below(path, 'trafficDistribution')];
  if (internal !== undefined) strictOneOf(['Cluster', 'Local'])(internal, internalAt, report);
  else if (spec['type'] !== 'ExternalName' && types.includes(text(spec['type']))) report(requiredField(internalAt));
  if (distribution !== undefined) strictOneOf(['PreferClose', 'PreferSameZone', 'PreferSameNode'])(distribution, distributionAt, report);
}

export const serviceValidators: Validators = { 'api.core.v1.ServiceSpec': { whole: serviceSpec } };
