import type { Pod } from '../api/generated/core-v1.ts';
import type { KubeletContext } from './kubelet-context.ts';
import { fqdnOf, hostnameOf } from './sandbox-config.ts';

/**
 * The hosts file that every container of the pod gets: the loopback names, the pod's own, and its hostAliases.
 * https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/
 */
export async function hostsFileFor(pod: Pod, ips: readonly string[], context: Pick<KubeletContext, 'host' | 'dns'>): Promise<string> {
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}\n`);
  const added = aliases.length > 0 ? `\n# Entries added by HostAliases.\n${aliases.join('')}` : '';
  if (pod.spec.hostNetwork) return `# Kubernetes-managed hosts file (host network).\n${await context.host.hostsFile()}${added}`;
  const names = [fqdnOf(pod, context.dns.domain), hostnameOf(pod, context.dns.domain)].filter((name) => name !== undefined);
  return [
    '# Kubernetes-managed hosts file.\n',
    '127.0.0.1\tlocalhost\n',
    '::1\tlocalhost ip6-localhost ip6-loopback\n',
    'fe00::0\tip6-localnet\n',
    'fe00::0\tip6-mcastprefix\n',
    'fe00::1\tip6-allnodes\n',
    'fe00::2\tip6-allrouters\n',
    ...ips.map((ip) => `${ip}\t${[...new Set(names)].join('\t')}\n`),
    added,
  ].join('');
}
