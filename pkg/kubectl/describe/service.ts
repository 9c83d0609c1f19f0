import type { Service } from '../../api/generated/core-v1.ts';
import type { EndpointSlice } from '../../api/generated/discovery-v1.ts';
import { describeLabels, describeMetadata, formatMap } from './common.ts';
import type { DescribeContext } from './describe-context.ts';
import type { Lines } from './lines.ts';

export async function describeService(service: Service, lines: Lines, context: DescribeContext): Promise<void> {
  const { spec, status, metadata } = service;
  describeMetadata(service, lines);
  describeLabels(service, lines);
  lines.field('Selector', formatMap(spec.selector));
  lines.field('Type', spec.type ?? 'ClusterIP');
  if (spec.ipFamilyPolicy) lines.field('IP Family Policy', spec.ipFamilyPolicy);
  lines.field('IP Families', spec.ipFamilies?.join(',') || '<none>');
  lines.field('IP', spec.clusterIP ?? '');
  lines.field('IPs', spec.clusterIPs?.join(',') || '<none>');
  if (spec.externalName) lines.field('External Name', spec.externalName);
  if (spec.externalIPs?.length) lines.field('External IPs', spec.externalIPs.join(','));
  const ingress = status.loadBalancer.ingress ?? [];
  if (ingress.length > 0) lines.field('LoadBalancer Ingress', ingress.map(({ ip, hostname }) => ip ?? hostname ?? '').join(', '));
  const slices = await slicesOf(service, context);
  for (const { name, port, protocol = 'TCP', targetPort, nodePort } of spec.ports ?? []) {
    lines.field('Port', `${name ?? '<unset>'}\t${port}/${protocol}`);
    lines.field('TargetPort', `${targetPort ?? port}/${protocol}`);
    if (nodePort) lines.field('NodePort', `${name ?? '<unset>'}\t${nodePort}/${protocol}`);
    lines.field('Endpoints', formatEndpoints(slices, name ?? '') || '<none>');
  }
  lines.field('Session Affinity', spec.sessionAffinity ?? 'None');
  if (spec.externalTrafficPolicy) lines.field('External Traffic Policy', spec.externalTrafficPolicy);
  if (spec.internalTrafficPolicy) lines.field('Internal Traffic Policy', spec.internalTrafficPolicy);
  if (metadata.deletionTimestamp) lines.field('Status', 'Terminating');
}

async function slicesOf({ metadata }: Service, { api, mapper }: DescribeContext): Promise<readonly EndpointSlice[]> {
  const info = await mapper.one('endpointslices.discovery.k8s.io');
  const { items } = await api.list(info, metadata.namespace, { labelSelector: `kubernetes.io/service-name=${metadata.name}` });
  return items as unknown as EndpointSlice[];
}

/** At most three, and how many more there are. */
function formatEndpoints(slices: readonly EndpointSlice[], portName: string): string {
  const all = slices.flatMap(({ endpoints = [], ports = [] }) => {
    const port = ports.find(({ name }) => (name ?? '') === portName)?.port;
    return port === undefined
      ? []
      : endpoints
          .filter(({ conditions }) => conditions?.ready !== false)
          .flatMap(({ addresses }) => addresses.map((address) => `${address.includes(':') ? `[${address}]` : address}:${port}`));
  });
  const shown = all.slice(0, 3).join(',');
  return all.length > 3 ? `${shown} + ${all.length - 3} more...` : shown;
}
