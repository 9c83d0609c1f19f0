import type { Service } from '../api/generated/core-v1.ts';

/**
 * The environment variables by which containers find services, as Docker's links made them:
 * https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
export function serviceVariables(services: readonly Service[]): [string, string][] {
  const out: [string, string][] = [];
  for (const { metadata, spec } of services) {
    const address = spec.clusterIP;
    const [first] = spec.ports ?? [];
    if (!address || address === 'None' || !first) continue;
    const prefix = variableName(metadata.name);
    out.push([`${prefix}_SERVICE_HOST`, address], [`${prefix}_SERVICE_PORT`, String(first.port)]);
    for (const { name, port } of spec.ports ?? []) if (name) out.push([`${prefix}_SERVICE_PORT_${variableName(name)}`, String(port)]);
    const host = address.includes(':') ? `[${address}]` : address;
    for (const [i, { port, protocol = 'TCP' }] of (spec.ports ?? []).entries()) {
      const scheme = protocol.toLowerCase();
      const url = `${scheme}://${host}:${port}`;
      const named = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
      if (i === 0) out.push([`${prefix}_PORT`, url]);
      out.push([named, url], [`${named}_PROTO`, scheme], [`${named}_PORT`, String(port)], [`${named}_ADDR`, address]);
    }
  }
  return out;
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
