/**
 * What clients are told in `Warning` headers about an object that is taken, by group and plural. A warning never
 * changes what is stored. Updates warn where what is wanted has changed; pods only when they are created, since people
 * seldom write them again and the kubelet often does.
 */
import { equalValues } from '../../runtime/values.ts';
import { formatCidr, formatIp, parseCidr, parseIp } from '../ip-address.ts';
import { objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { dnsLabel } from '../validation/names.ts';
import { bytesOf, pemBlocks } from '../validation/pem.ts';
import { selectorWarnings, termWarnings } from './deprecated-labels.ts';
import { claimSizeWarnings, oldVolumes, podWarnings } from './pod-warnings.ts';

export type Warnings = (object: Raw, old: Raw | undefined) => string[];

const specOf = (object: Raw): Raw => objectAt(object['spec']);
const annotationsOf = (object: Raw): Raw => objectAt(objectAt(object['metadata'])['annotations']);

const hostname = "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended:";
const podNames =
  'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended:';

/** A name that pods' own names begin with had better be what a host's name may be. */
function nameWarnings(object: Raw, old: Raw | undefined, message: string): string[] {
  const reasons = old ? [] : dnsLabel(text(objectAt(object['metadata'])['name']));
  return reasons.length > 0 ? [`${message} [${reasons.join(' ')}]`] : [];
}

/** Of a workload: its name, and its template where that is new. */
function ofTemplate(path: string, message = podNames): Warnings {
  const templateOf = (object: Raw): Raw => path.split('.').reduce((at, key) => objectAt(at[key]), object);
  return (object, old) => {
    const same = old !== undefined && equalValues(templateOf(object), templateOf(old));
    return [...nameWarnings(object, old, message), ...(same ? [] : podWarnings(templateOf(object), path))];
  };
}

/** Addresses are kept as they were written, but not for ever. */
function addressWarnings(value: string, path: string): string[] {
  const ip = parseIp(value);
  if (!ip || formatIp(ip) === value) return [];
  return [`${path}: IPv6 address ${JSON.stringify(value)} should be in RFC 5952 canonical format (${JSON.stringify(formatIp(ip))})`];
}

function blockWarnings(value: string, path: string): string[] {
  const cidr = parseCidr(value.trim());
  if (!cidr || formatCidr(cidr) === value) return [];
  return [`${path}: CIDR value ${JSON.stringify(value)} should be in canonical format (${JSON.stringify(formatCidr(cidr))})`];
}

const hints = 'service.kubernetes.io/topology-aware-hints';

const service: Warnings = (object) => {
  const spec = specOf(object);
  const [external, type] = [strings(spec['externalIPs']), spec['type']];
  const headless = type === 'ClusterIP' && spec['clusterIP'] === 'None';
  const ignored = (when: boolean, what: string): string[] => (when ? [what] : []);
  return [
    ...ignored(
      annotationsOf(object)[hints] !== undefined,
      `annotation ${hints} is deprecated, please use service.kubernetes.io/topology-mode instead`,
    ),
    ...strings(spec['clusterIPs']).flatMap((ip, i) => addressWarnings(ip, `spec.clusterIPs[${i}]`)),
    ...ignored(headless && text(spec['loadBalancerIP']) !== '', 'spec.loadBalancerIP is ignored for headless services'),
    ...ignored(headless && external.length > 0, 'spec.externalIPs is ignored for headless services'),
    ...ignored(headless && spec['sessionAffinity'] !== 'None', 'spec.SessionAffinity is ignored for headless services'),
    ...external.flatMap((ip, i) => addressWarnings(ip, `spec.externalIPs[${i}]`)),
    ...ignored(
      !headless && type !== 'ExternalName' && external.length > 0,
      'spec.externalIPs is deprecated and may no longer be implemented in some clusters',
    ),
    ...(text(spec['loadBalancerIP']) === '' ? [] : addressWarnings(text(spec['loadBalancerIP']), 'spec.loadBalancerIP')),
    ...strings(spec['loadBalancerSourceRanges']).flatMap((block, i) => blockWarnings(block, `spec.loadBalancerSourceRanges[${i}]`)),
    ...ignored(type === 'ExternalName' && external.length > 0, 'spec.externalIPs is ignored when spec.type is "ExternalName"'),
    ...ignored(
      type !== 'ExternalName' && text(spec['externalName']) !== '',
      'spec.externalName is ignored when spec.type is not "ExternalName"',
    ),
    ...ignored(
      spec['trafficDistribution'] === 'PreferClose',
      'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
    ),
  ];
};

const classAnnotation = 'volume.beta.kubernetes.io/storage-class';
const mountAnnotation = 'volume.beta.kubernetes.io/mount-options';
const deprecatedFor = (object: Raw, annotation: string, since: string, field: string): string[] =>
  annotationsOf(object)[annotation] === undefined
    ? []
    : [`metadata.annotations[${annotation}]: deprecated since ${since}; use "${field}" attribute instead`];

const sliceControllers = ['endpointslice-controller.k8s.io', 'endpointslicemirroring-controller.k8s.io'];

const endpointSlice: Warnings = (object, old) => [
  ...(object['addressType'] === 'FQDN' && !old ? ['spec.addressType: FQDN endpoints are deprecated'] : []),
  ...(sliceControllers.includes(text(objectAt(objectAt(object['metadata'])['labels'])['endpointslice.kubernetes.io/managed-by']))
    ? []
    : objects(object['endpoints']).flatMap(({ addresses }, i) =>
        strings(addresses).flatMap((address, j) => addressWarnings(address, `endpoints[${i}].addresses[${j}]`)),
      )),
];

const tokensShown =
  'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes';

const csiDriver: Warnings = (object, old) => {
  const { tokenRequests, serviceAccountTokenInSecrets: inSecrets } = specOf(object);
  const asked = objects(tokenRequests).length > 0 && !(old && equalValues(tokenRequests, specOf(old)['tokenRequests']));
  return asked && inSecrets === undefined ? [tokensShown] : [];
};

const volume: Warnings = (object) => {
  const spec = specOf(object);
  const terms = objects(objectAt(objectAt(spec['nodeAffinity'])['required'])['nodeSelectorTerms']);
  const policy = 'spec.persistentVolumeReclaimPolicy';
  return [
    ...terms.flatMap((term, i) => termWarnings(term, `spec.nodeAffinity.required.nodeSelectorTerms[${i}]`)),
    ...deprecatedFor(object, classAnnotation, 'v1.8', 'storageClassName'),
    ...deprecatedFor(object, mountAnnotation, 'v1.31', 'mountOptions'),
    ...(spec['persistentVolumeReclaimPolicy'] === 'Recycle'
      ? [`${policy}: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.`]
      : []),
    ...Object.keys(oldVolumes).flatMap((source) => (spec[source] === undefined ? [] : [`spec.${source}: ${oldVolumes[source]}`])),
  ];
};

const claim: Warnings = (object) => [
  ...deprecatedFor(object, classAnnotation, 'v1.8', 'storageClassName'),
  ...claimSizeWarnings(specOf(object), 'spec'),
];

const storageClass: Warnings = (object) =>
  objects(object['allowedTopologies']).flatMap((term, i) =>
    termWarnings({ matchExpressions: term['matchLabelExpressions'] }, `allowedTopologies[${i}]`).map((warning) =>
      warning.replace('.matchExpressions[', '.matchLabelExpressions['),
    ),
  );

const ingressClass = 'kubernetes.io/ingress.class';
const ingress: Warnings = (object) =>
  annotationsOf(object)[ingressClass] === undefined
    ? []
    : [`annotation "${ingressClass}" is deprecated, please use 'spec.ingressClassName' instead`];

const networkPolicy: Warnings = (object) =>
  [
    ['ingress', 'from'],
    ['egress', 'to'],
  ].flatMap(([direction = '', peers = '']) =>
    objects(specOf(object)[direction]).flatMap((rule, i) =>
      objects(rule[peers]).flatMap((peer, j) => {
        const block = objectAt(peer['ipBlock']);
        const at = `spec.${direction}[${i}].${peers}[${j}].ipBlock`;
        return [
          ...blockWarnings(text(block['cidr']), `${at}.cidr`),
          ...strings(block['except']).flatMap((except, k) => blockWarnings(except, `${at}.except[${k}]`)),
        ];
      }),
    ),
  );

const node: Warnings = (object) => {
  const spec = specOf(object);
  return [
    ...(spec['configSource'] === undefined ? [] : ['spec.configSource: the feature is no longer supported']),
    ...(text(spec['externalID']) === '' ? [] : ['spec.externalID: this field is deprecated, and is unused by Kubernetes']),
  ];
};

/** Of a pair of a certificate and its key: whether there is one. */
const secret: Warnings = ({ type, data }) => {
  if (type !== 'kubernetes.io/tls') return [];
  const holds = (key: string): boolean => pemBlocks(decoded(text(objectAt(data)[key]))).length > 0;
  if (!holds('tls.crt')) return ['tls: failed to find any PEM data in certificate input'];
  return holds('tls.key') ? [] : ['tls: failed to find any PEM data in key input'];
};

const decoded = (base64: string): string => new TextDecoder('latin1').decode(bytesOf(base64) ?? new Uint8Array());

const mountable = 'kubernetes.io/enforce-mountable-secrets';
const serviceAccount: Warnings = (object, old) => {
  const said = annotationsOf(object)[mountable];
  const message = 'deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets';
  return said === undefined || (old && annotationsOf(old)[mountable] === said) ? [] : [`metadata.annotations[${mountable}]: ${message}`];
};

const statefulSet: Warnings = (object, old) => {
  const limit = specOf(object)['revisionHistoryLimit'];
  const negative = 'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended';
  return [
    ...ofTemplate('spec.template')(object, old).filter((warning) => !warning.startsWith('metadata.name')),
    ...(typeof limit === 'number' && limit < 0 ? [negative] : []),
  ];
};

const workload = ofTemplate('spec.template');

const byResource: Readonly<Record<string, Warnings>> = {
  pods: (object, old) => (old ? [] : [...nameWarnings(object, old, hostname), ...podWarnings(object, '')]),
  podtemplates: ofTemplate('template', hostname),
  replicationcontrollers: workload,
  'deployments.apps': workload,
  'replicasets.apps': workload,
  'daemonsets.apps': ofTemplate('spec.template', ''),
  'statefulsets.apps': statefulSet,
  'jobs.batch': ofTemplate('spec.template', hostname),
  'cronjobs.batch': ofTemplate('spec.jobTemplate.spec.template'),
  services: service,
  endpoints: () => ['v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'],
  'endpointslices.discovery.k8s.io': endpointSlice,
  persistentvolumes: volume,
  persistentvolumeclaims: claim,
  'storageclasses.storage.k8s.io': storageClass,
  'csidrivers.storage.k8s.io': csiDriver,
  'ingresses.networking.k8s.io': ingress,
  'networkpolicies.networking.k8s.io': networkPolicy,
  nodes: node,
  secrets: secret,
  serviceaccounts: serviceAccount,
  'runtimeclasses.node.k8s.io': (object) =>
    selectorWarnings(objectAt(objectAt(object['scheduling'])['nodeSelector']), 'scheduling.nodeSelector'),
};

export function warningsOf(group: string, resource: string): Warnings | undefined {
  return byResource[group === '' ? resource : `${resource}.${group}`];
}
