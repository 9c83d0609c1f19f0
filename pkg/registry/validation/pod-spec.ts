/** Pods: what a PodSpec must keep to, wherever it is embedded, in the order in which Kubernetes looks at it. */
import { duplicateField, forbiddenField, invalidField, notFoundField, requiredField, tooLongField } from '../../runtime/field-errors.ts';
import { parseIp } from '../ip-address.ts';
import { isObject, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { affinity, topologySpread } from './affinity.ts';
import { containers, ephemeralContainers, initContainers } from './container.ts';
import { validateLabels } from './metadata.ts';
import { dnsLabel, dnsSubdomain, qualifiedName, searchDomain } from './names.ts';
import { eachContainer, type PodReport, reportOnPod } from './pod-report.ts';
import { checkPodResources, resourceClaims } from './pod-resources.ts';
import { podSecurityContext } from './pod-security.ts';
import { checkSystem } from './pod-system.ts';
import { containerResources } from './resource-amounts.ts';
import { between, fields, items, named, neededOneOf, object, present, type Rule, validators } from './rules.ts';
import { toleration } from './toleration.ts';
import { below, checkName, type Report, type Validator } from './validator.ts';
import { validateVolumes } from './volume.ts';
import { checkHostProcesses } from './windows-options.ts';

const maxInt32 = 2 ** 31 - 1;
/** What resolv.conf takes. */
const maxNameservers = 3;
const maxSearchPaths = 32;
const maxSearchCharacters = 2_048;
/** What Linux takes as a host's name. */
const maxHostname = 64;

/** In the machine's own network a port is where it is. */
const hostNetworkPorts: Validator<PodReport> = (spec, path, report) => {
  if (spec['hostNetwork'] !== true) return;
  for (const [i, container] of objects(spec['containers']).entries()) {
    for (const [j, { hostPort, containerPort }] of objects(container['ports']).entries()) {
      const given = Number(hostPort ?? 0);
      // A template leaves it to its pods.
      if ((!report.pod.metadata && given === 0) || given === Number(containerPort ?? 0)) continue;
      const at = `${below(path, 'containers')}[${i}].ports[${j}].hostPort`;
      report(invalidField(at, given, 'must match `containerPort` when `hostNetwork` is true'));
    }
  }
};

export const checkIp: Rule = (value, path, report) => {
  if (!parseIp(text(value))) report(invalidField(path, text(value), 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'));
};

const dns: Validator = ({ dnsConfig, dnsPolicy }, path, report) => {
  const at = below(path, 'dnsConfig');
  const config = objectAt(dnsConfig);
  const nameservers = strings(config['nameservers']);
  if (dnsPolicy === 'None') {
    const missing = (where: string, what: string): void => report(requiredField(where, `must provide ${what} when \`dnsPolicy\` is None`));
    if (!isObject(dnsConfig)) return missing(at, '`dnsConfig`');
    if (nameservers.length === 0) return missing(below(at, 'nameservers'), 'at least one DNS nameserver');
  }
  if (nameservers.length > maxNameservers)
    report(invalidField(below(at, 'nameservers'), nameservers, `must not have more than ${maxNameservers} nameservers`));
  for (const [i, nameserver] of nameservers.entries()) checkIp(nameserver, `${below(at, 'nameservers')}[${i}]`, report);
  checkSearches(strings(config['searches']), below(at, 'searches'), report);
  for (const [i, option] of objects(config['options']).entries())
    if (text(option['name']) === '') report(requiredField(`${below(at, 'options')}[${i}]`, 'must not be empty'));
};

function checkSearches(searches: readonly string[], path: string, report: Report): void {
  if (searches.length > maxSearchPaths) report(invalidField(path, searches, `must not have more than ${maxSearchPaths} search paths`));
  if (searches.join(' ').length > maxSearchCharacters) {
    const detail = `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`;
    report(invalidField(path, searches, detail));
  }
  for (const [i, search] of searches.entries())
    if (search !== '.') checkName(report, `${path}[${i}]`, search.replace(/\.$/, ''), searchDomain);
}

const schedulingGates: Rule = (value, path, report) => {
  const names = new Set<string>();
  for (const [i, gate] of objects(value).entries()) {
    const name = text(gate['name']);
    checkName(report, `${path}[${i}]`, name, qualifiedName);
    if (names.has(name)) report(duplicateField(`${path}[${i}]`, name));
    names.add(name);
  }
};

/** A pod whose users are none of the machine's lives in namespaces of its own. */
const ownUsers: Validator = (spec, path, report) => {
  if (spec['hostUsers'] !== false) return;
  const refuse = (at: string): void => report(forbiddenField(at, 'when `hostUsers` is false'));
  if (spec['hostNetwork'] === true) refuse(below(path, 'hostNetwork'));
  if (spec['hostPID'] === true) refuse(below(path, 'HostPID'));
  if (spec['hostIPC'] === true) refuse(below(path, 'HostIPC'));
  eachContainer(spec, path, (container, at) => {
    if (objects(container['volumeDevices']).length > 0) refuse(below(at, 'volumeDevices'));
  });
};

const hostnameOverride: Validator = (spec, path, report) => {
  const given = spec['hostnameOverride'];
  if (given === undefined) return;
  const at = below(path, 'hostnameOverride');
  if (spec['setHostnameAsFQDN'] === true) report(forbiddenField(at, 'may not be specified when setHostnameAsFQDN is true'));
  if (spec['hostNetwork'] === true) report(forbiddenField(at, 'may not be specified when hostNetwork is true'));
  if (text(given).length > maxHostname) report(tooLongField(at, maxHostname));
  checkName(report, at, given, dnsSubdomain);
};

/** Files with variables come from volumes that containers of the pod can write to. */
const variableFiles: Validator = (spec, path, report) => {
  const volumes = new Map(objects(spec['volumes']).map((volume) => [volume['name'], volume]));
  eachContainer(spec, path, (container, at) => {
    for (const [i, { valueFrom }] of objects(container['env']).entries()) {
      const file = objectAt(valueFrom)['fileKeyRef'];
      if (!isObject(file)) continue;
      const name = text(file['volumeName']);
      const where = `${below(at, 'env')}[${i}].valueFrom.fileKeyRef.volumeName`;
      const volume = volumes.get(name);
      if (!volume) report(notFoundField(where, name));
      else if (!isObject(volume['emptyDir'])) report(invalidField(where, name, 'referenced volume must be of type emptyDir'));
    }
  });
};

/** Named, and said otherwise than by an empty text. */
const given =
  (rule: Rule): Rule =>
  (value, path, report) => {
    if (value !== undefined) rule(value, path, report);
  };
const subdomain: Rule = (value, path, report) => checkName(report, path, value, dnsSubdomain);

const before = fields({ terminationGracePeriodSeconds: present() });
const ofContainers = fields<PodReport>({ resourceClaims, containers, initContainers, ephemeralContainers });
const ofNode = fields<PodReport>({
  restartPolicy: neededOneOf(['Always', 'OnFailure', 'Never']),
  dnsPolicy: neededOneOf(['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']),
  nodeSelector: (value, path, report) => validateLabels(value, path, report),
  // What the API keeps beside the context is looked at with it.
  securityContext: podSecurityContext,
  affinity,
});
const ofPlacement = fields({
  readinessGates: items(fields({ conditionType: (value, path, report) => checkName(report, path, text(value), qualifiedName) })),
  schedulingGates,
  topologySpreadConstraints: topologySpread,
});
const aliases = fields({
  ip: checkIp,
  hostnames: (value, path, report) => {
    for (const [i, name] of strings(value).entries()) checkName(report, `${path}[${i}]`, name, dnsSubdomain);
  },
});
const rest = fields({
  serviceAccountName: named(dnsSubdomain),
  nodeName: named(dnsSubdomain),
  activeDeadlineSeconds: between(1, maxInt32),
  hostname: named(dnsLabel),
  subdomain: named(dnsLabel),
  tolerations: items(toleration),
  hostAliases: items(aliases),
  priorityClassName: named(dnsSubdomain),
  runtimeClassName: given(subdomain),
  preemptionPolicy: given(neededOneOf(['PreemptLowerPriority', 'Never'])),
  overhead: object((value, path, report) => containerResources({ limits: value }, path, report)),
});
const group = fields({
  schedulingGroup: object(({ podGroupName: name }, path, report) => {
    const at = below(path, 'podGroupName');
    if (name === undefined) report(invalidField(at, undefined, 'must specify one of: `podGroupName`'));
    else checkName(report, at, name, dnsSubdomain);
  }),
});

const all = validators<PodReport>(
  before,
  (spec, path, report) => validateVolumes(spec['volumes'], below(path, 'volumes'), report),
  ofContainers,
  (spec, path, report) => checkPodResources(spec, path, report),
  hostNetworkPorts,
  ofNode,
  dns,
  ofPlacement,
  (spec, path, report) => checkHostProcesses(spec, path, report),
  ownUsers,
  hostnameOverride,
  rest,
  (spec, path, report) => checkSystem(spec, path, report),
  group,
  variableFiles,
);

/** `metadata`: of the pod whose spec it is; undefined for that of a template. */
export function validatePodSpec(spec: Raw, path: string, { report, metadata }: { readonly report: Report; readonly metadata?: Raw }): void {
  all(spec, path, reportOnPod(report, spec, metadata));
}
