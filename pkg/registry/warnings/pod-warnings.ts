/**
 * What a client is told about a pod that is taken all the same: fields that are deprecated or do nothing, and what is
 * probably not meant. The counterpart in Kubernetes is `k8s.io/kubernetes/pkg/api/pod`.
 */
import { isQuantity, parseQuantity } from '../../api/quantity.ts';
import { isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { labelWarnings, selectorWarnings, termWarnings } from './deprecated-labels.ts';
import { overlapWarnings } from './overlapping-paths.ts';

/** Of a Pod (`path` empty) or of a template of pods. */
export function podWarnings(pod: Raw, path: string): string[] {
  const at = path === '' ? 'spec' : `${path}.spec`;
  const spec = objectAt(pod['spec']);
  const annotations = objectAt(objectAt(pod['metadata'])['annotations']);
  const annotated = `${path === '' ? '' : `${path}.`}metadata.annotations`;
  const volumes = objects(spec['volumes']);
  return [
    ...placement(spec, at),
    ...deprecatedAnnotations(annotations, annotated),
    ...volumes.flatMap((volume, i) => volumeWarnings(volume, `${at}.volumes[${i}]`)),
    ...overlapWarnings(volumes),
    ...repeated(spec['hostAliases'], 'ip', `${at}.hostAliases`),
    ...repeated(spec['imagePullSecrets'], 'name', `${at}.imagePullSecrets`),
    ...namelessSecrets(spec, at),
    ...fractions(spec['overhead'], `${at}.overhead`),
    ...containersOf(spec).flatMap(([container, where]) => containerWarnings(container, `${at}.${where}`)),
    ...portWarnings(spec, at),
    ...(Number(spec['terminationGracePeriodSeconds'] ?? 0) < 0
      ? [`${at}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`]
      : []),
    ...affinity(spec, at),
  ];
}

/** With where each stands: `initContainers[0]`. */
function containersOf(spec: Raw): (readonly [container: Raw, path: string])[] {
  return ['initContainers', 'containers', 'ephemeralContainers'].flatMap((list) =>
    objects(spec[list]).map((container, i) => [container, `${list}[${i}]`] as const),
  );
}

function placement(spec: Raw, at: string): string[] {
  const node = objectAt(objectAt(spec['affinity'])['nodeAffinity']);
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';
  const where = `${at}.affinity.nodeAffinity`;
  return [
    ...selectorWarnings(objectAt(spec['nodeSelector']), `${at}.nodeSelector`),
    ...objects(objectAt(node[required])['nodeSelectorTerms']).flatMap((term, i) =>
      termWarnings(term, `${where}.${required}.nodeSelectorTerms[${i}]`),
    ),
    ...objects(node[preferred]).flatMap((term, i) => termWarnings(objectAt(term['preference']), `${where}.${preferred}[${i}].preference`)),
    ...objects(spec['topologySpreadConstraints']).flatMap((constraint, i) => {
      const one = `${at}.topologySpreadConstraints[${i}]`;
      return [...labelWarnings(constraint['topologyKey'], `${one}.topologyKey`), ...nullSelector(constraint, one)];
    }),
  ];
}

const nullSelector = (term: Raw, at: string): string[] =>
  term['labelSelector'] === undefined ? [`${at}.labelSelector: a null labelSelector results in matching no pod`] : [];

function affinity(spec: Raw, at: string): string[] {
  return ['podAffinity', 'podAntiAffinity'].flatMap((kind) => {
    const rules = objectAt(objectAt(spec['affinity'])[kind]);
    const where = `${at}.affinity.${kind}`;
    const [required, preferred] = [
      'requiredDuringSchedulingIgnoredDuringExecution',
      'preferredDuringSchedulingIgnoredDuringExecution',
    ] as const;
    return [
      ...objects(rules[required]).flatMap((term, i) => nullSelector(term, `${where}.${required}[${i}]`)),
      ...objects(rules[preferred]).flatMap((term, i) =>
        nullSelector(objectAt(term['podAffinityTerm']), `${where}.${preferred}[${i}].podAffinityTerm`),
      ),
    ];
  });
}

const oldAnnotations: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'seccomp.security.alpha.kubernetes.io/pod': 'non-functional in v1.27+; use the "seccompProfile" field instead',
};
const containerSeccomp = 'container.seccomp.security.alpha.kubernetes.io/';
const containerAppArmor = 'container.apparmor.security.beta.kubernetes.io/';

function deprecatedAnnotations(annotations: Raw, at: string): string[] {
  return Object.keys(annotations).flatMap((key) => {
    const said =
      oldAnnotations[key] ??
      (key.startsWith(containerSeccomp)
        ? oldAnnotations['seccomp.security.alpha.kubernetes.io/pod']
        : key.startsWith(containerAppArmor)
          ? 'deprecated since v1.30; use the "appArmorProfile" field instead'
          : undefined);
    return said === undefined ? [] : [`${at}[${key}]: ${said}`];
  });
}

/** Sorts of volumes that are on their way out, or gone. */
export const oldVolumes: Readonly<Record<string, string>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};
/** Kubernetes names this one otherwise than the field. */
const calledOtherwise: Readonly<Record<string, string>> = { storageos: 'storageOS' };

function volumeWarnings(volume: Raw, at: string): string[] {
  const old = Object.keys(oldVolumes).filter((source) => volume[source] !== undefined);
  const claim = objectAt(objectAt(volume['ephemeral'])['volumeClaimTemplate'])['spec'];
  return [
    ...old.map((source) => `${at}.${calledOtherwise[source] ?? source}: ${oldVolumes[source]}`),
    ...(isObject(claim) ? claimSizeWarnings(claim, `${at}.ephemeral.volumeClaimTemplate.spec`) : []),
  ];
}

export function claimSizeWarnings(claim: Raw, at: string): string[] {
  return fraction(objectAt(objectAt(claim['resources'])['requests'])['storage'], `${at}.resources.requests[storage]`);
}

function repeated(list: unknown, field: string, at: string): string[] {
  const seen = new Set<string>();
  return objects(list).flatMap((item, i) => {
    const value = text(item[field]);
    const again = seen.has(value);
    seen.add(value);
    return again ? [`${at}[${i}].${field}: duplicate ${field} ${JSON.stringify(value)}`] : [];
  });
}

function namelessSecrets(spec: Raw, at: string): string[] {
  return objects(spec['imagePullSecrets']).flatMap(({ name }, i) =>
    text(name) === '' ? [`${at}.imagePullSecrets[${i}].name: invalid empty name ""`] : [],
  );
}

/** There is no part of a byte. */
function fraction(value: unknown, at: string): string[] {
  const quantity = text(value);
  if (!isQuantity(quantity) || parseQuantity(quantity).nanos % 1_000_000_000n === 0n) return [];
  return [`${at}: fractional byte value ${JSON.stringify(quantity)} is invalid, must be an integer`];
}

function fractions(list: unknown, at: string): string[] {
  return ['memory', 'ephemeral-storage'].flatMap((name) => fraction(objectAt(list)[name], `${at}[${name}]`));
}

function containerWarnings(container: Raw, at: string): string[] {
  const resources = objectAt(container['resources']);
  return [...['limits', 'requests'].flatMap((list) => fractions(resources[list], `${at}.resources.${list}`)), ...hidden(container, at)];
}

/** A variable that is set again without its earlier value: apply merges by name, and may lose one. */
function hidden(container: Raw, at: string): string[] {
  const seen = new Set<string>();
  return objects(container['env']).flatMap(({ name, value, valueFrom }, i) => {
    const key = text(name);
    const again = seen.has(key);
    seen.add(key);
    const reference = `$(${key})`;
    const loses = valueFrom !== undefined || text(value) === reference || !text(value).includes(reference);
    if (!again || !loses) return [];
    return [`${at}.env[${i}]: hides previous definition of ${JSON.stringify(key)}, which may be dropped when using apply`];
  });
}

/** Ports that two containers of a pod cannot both have, and names that stand for two. */
function portWarnings(spec: Raw, at: string): string[] {
  const byName = new Map<string, string>();
  const named: string[] = [];
  const all = new Map<string, { readonly where: string; readonly port: Raw }[]>();
  const warnings: string[] = [];
  for (const [container, path] of containersOf(spec)) {
    for (const [i, port] of objects(container['ports']).entries()) {
      const where = `${at}.${path}.ports[${i}]`;
      const key = `${String(port['containerPort'])}/${text(port['protocol'])}`;
      const others = all.get(key) ?? [];
      for (const other of others) {
        const kind = clash(port, other.port);
        if (kind !== undefined) warnings.push(`${where}: ${kind} port definition with ${other.where}`);
      }
      all.set(key, [...others, { where, port }]);
      const name = text(port['name']);
      const first = byName.get(name);
      if (name === '') continue;
      if (first === undefined) byName.set(name, where);
      else {
        const used = `services and probes that select ports by name will use ${first}`;
        named.push(`${where}: duplicate port name ${JSON.stringify(name)} with ${first}, ${used}`);
      }
    }
  }
  return [...warnings, ...named];
}

function clash(one: Raw, other: Raw): string | undefined {
  const [ip, otherIp] = [text(one['hostIP']), text(other['hostIP'])];
  const [port, otherPort] = [Number(one['hostPort'] ?? 0), Number(other['hostPort'] ?? 0)];
  if (ip === otherIp && port === otherPort) return 'duplicate';
  if (port === 0 || otherPort === 0) return 'overlapping';
  return port === otherPort && (ip === '') !== (otherIp === '') ? 'dangerously ambiguous' : undefined;
}
