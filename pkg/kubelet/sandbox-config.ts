import type { Pod } from '../api/generated/core-v1.ts';
import type { PodSandboxConfig, PortMapping } from '../cri/cri.ts';
import { podResources } from './container-resources.ts';
import type { KubeletContext } from './kubelet-context.ts';
import type { ResolvConf } from './kubelet-host.ts';
import { podNameLabel, podNamespaceLabel, podUidLabel } from './pod-observation.ts';

/** A pod's sandbox in the runtime's terms. `node`: how the node itself resolves names. */
export function sandboxConfig(
  pod: Pod,
  attempt: number,
  node: ResolvConf,
  context: Pick<KubeletContext, 'dns' | 'paths' | 'node'>,
): PodSandboxConfig {
  const { name, namespace = '', uid, labels, annotations } = pod.metadata;
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace, securityContext } = pod.spec;
  const mappings = hostNetwork ? [] : portMappings(pod);
  return {
    metadata: { name, namespace, uid, attempt },
    hostname: hostnameOf(pod, context.dns.domain),
    logDirectory: context.paths.podLogs(pod),
    dns: resolvConfOf(pod, node, context.dns),
    ...(mappings.length > 0 ? { portMappings: mappings } : {}),
    labels: { ...labels, [podNameLabel]: name, [podNamespaceLabel]: namespace, [podUidLabel]: uid },
    annotations: annotations ?? {},
    namespaces: {
      network: hostNetwork ? 'node' : 'pod',
      pid: hostPID ? 'node' : shareProcessNamespace ? 'pod' : 'container',
      ipc: hostIPC ? 'node' : 'pod',
    },
    ...(securityContext?.sysctls?.length
      ? { sysctls: Object.fromEntries(securityContext.sysctls.map((sysctl) => [sysctl.name, sysctl.value])) }
      : {}),
    resources: podResources(pod),
    ...(securityContext?.runAsUser === undefined ? {} : { runAsUser: securityContext.runAsUser }),
  };
}

/** What a pod calls itself: at most 63 characters, as the kernel's host names are. */
export function hostnameOf(pod: Pod, domain: string): string {
  const { hostname, hostnameOverride, subdomain, setHostnameAsFQDN } = pod.spec;
  if (hostnameOverride) return hostnameOverride;
  const short = (hostname || pod.metadata.name).slice(0, 63).replace(/[-.]+$/, '');
  return setHostnameAsFQDN && subdomain ? `${short}.${subdomain}.${pod.metadata.namespace ?? ''}.svc.${domain}` : short;
}

/** The name under which the pod's subdomain (a headless Service) makes it known, if it has one. */
export function fqdnOf(pod: Pod, domain: string): string | undefined {
  const { hostname, subdomain } = pod.spec;
  return subdomain
    ? `${(hostname || pod.metadata.name).slice(0, 63)}.${subdomain}.${pod.metadata.namespace ?? ''}.svc.${domain}`
    : undefined;
}

/** The glibc resolver reads no more than this many. */
const maxServers = 3;
const maxSearches = 32;

/** https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy */
export function resolvConfOf(pod: Pod, node: ResolvConf, cluster: KubeletContext['dns']): ResolvConf {
  const { dnsPolicy = 'ClusterFirst', dnsConfig, hostNetwork } = pod.spec;
  const inCluster = (dnsPolicy === 'ClusterFirst' && !hostNetwork) || dnsPolicy === 'ClusterFirstWithHostNet';
  let base: ResolvConf = node;
  if (dnsPolicy === 'None') {
    base = { servers: [], searches: [], options: [] };
  } else if (inCluster && cluster.servers.length > 0) {
    const searches = [`${pod.metadata.namespace ?? ''}.svc.${cluster.domain}`, `svc.${cluster.domain}`, cluster.domain, ...node.searches];
    base = { servers: cluster.servers, searches, options: ['ndots:5'] };
  }
  if (!dnsConfig) return { ...base, servers: base.servers.slice(0, maxServers) };
  const named = new Map(base.options.map((option) => [option.split(':')[0] as string, option]));
  for (const { name, value } of dnsConfig.options ?? []) if (name) named.set(name, value === undefined ? name : `${name}:${value}`);
  return {
    servers: [...new Set([...base.servers, ...(dnsConfig.nameservers ?? [])])].slice(0, maxServers),
    searches: [...new Set([...base.searches, ...(dnsConfig.searches ?? [])])].slice(0, maxSearches),
    options: [...named.values()],
  };
}

function portMappings(pod: Pod): PortMapping[] {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers].flatMap(({ ports = [] }) =>
    ports.flatMap(({ containerPort, hostPort, hostIP, protocol = 'TCP' }) =>
      hostPort ? [{ protocol: protocol as PortMapping['protocol'], containerPort, hostPort, ...(hostIP ? { hostIP } : {}) }] : [],
    ),
  );
}
