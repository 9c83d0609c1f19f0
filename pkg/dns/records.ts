/**
 * Cluster DNS: answers questions about services and pods from what the informers hold. Pure: a question goes in,
 * records come out. `node/dns-server.ts` puts it on the wire.
 *
 * Follows the Kubernetes DNS-based service discovery specification, version 1.1
 * (https://github.com/kubernetes/dns/blob/master/docs/specification.md).
 */
import type { Service } from '../api/generated/core-v1.ts';
import type { Endpoint, EndpointSlice } from '../api/generated/discovery-v1.ts';

export interface Question {
  /** Without the dot at the end; any case. */
  readonly name: string;
  readonly type: string;
}

export type DnsRecord =
  | { readonly type: 'A'; readonly name: string; readonly ttl: number; readonly data: string }
  | { readonly type: 'CNAME' | 'PTR'; readonly name: string; readonly ttl: number; readonly data: string }
  | {
      readonly type: 'SRV';
      readonly name: string;
      readonly ttl: number;
      readonly data: { readonly priority: number; readonly weight: number; readonly port: number; readonly target: string };
    }
  | { readonly type: 'TXT'; readonly name: string; readonly ttl: number; readonly data: string }
  | { readonly type: 'SOA'; readonly name: string; readonly ttl: number; readonly data: SoaData };

export interface SoaData {
  readonly mname: string;
  readonly rname: string;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
}

/** `outside`: the name is not in the cluster's domain; ask upstream. */
export type Answer =
  | { readonly kind: 'answer'; readonly records: readonly DnsRecord[]; readonly additional: readonly DnsRecord[] }
  /** The name exists, but has no record of this type. */
  | { readonly kind: 'nodata'; readonly authority: DnsRecord }
  | { readonly kind: 'nxdomain'; readonly authority: DnsRecord }
  | { readonly kind: 'outside' };

/** What the resolver needs to see of the cluster. */
export interface DnsView {
  /** By `namespace/name`. */
  service(key: string): Service | undefined;
  /** The slices of a service, by its `namespace/name`. */
  slices(key: string): readonly EndpointSlice[];
  hasNamespace(name: string): boolean;
  /** The service with this cluster IP. */
  serviceByIP(address: string): Service | undefined;
  /** Endpoints of headless services with this address, with the key of their service. */
  endpointsByIP(address: string): readonly { readonly service: string; readonly endpoint: Endpoint }[];
}

/** Seconds. Short, since services come and go; CoreDNS' kubernetes plugin has 5 too. */
const ttl = 5;

export class ClusterResolver {
  readonly #view: DnsView;
  readonly #zone: string;

  /** `domain`: `cluster.local`. */
  constructor(view: DnsView, domain: string) {
    this.#view = view;
    this.#zone = domain.toLowerCase();
  }

  resolve(question: Question): Answer {
    const name = question.name.toLowerCase().replace(/\.$/, '');
    const type = question.type.toUpperCase();
    if (name.endsWith('.in-addr.arpa')) return this.#reverse(name, type);
    if (name !== this.#zone && !name.endsWith(`.${this.#zone}`)) return { kind: 'outside' };
    const labels = name === this.#zone ? [] : name.slice(0, -this.#zone.length - 1).split('.');
    const found = this.#lookup(name, labels);
    if (!found) return { kind: 'nxdomain', authority: this.#soa() };
    const alias = found.filter((record) => record.type === 'CNAME');
    const records = alias.length > 0 ? alias : found.filter((record) => record.type === type || type === 'ANY');
    if (records.length === 0) return { kind: 'nodata', authority: this.#soa() };
    return { kind: 'answer', records, additional: type === 'SRV' ? this.#targets(records) : [] };
  }

  /** All records at a name; an empty list where the name exists with nothing at it; undefined: no such name. */
  #lookup(name: string, labels: readonly string[]): DnsRecord[] | undefined {
    if (labels.length === 0) return [this.#soa()];
    if (labels.length === 1 && labels[0] === 'dns-version') return [{ type: 'TXT', name, ttl, data: '1.1.0' }];
    const kind = labels.at(-1);
    const namespace = labels.at(-2);
    if (kind !== 'svc' && kind !== 'pod') return undefined;
    if (namespace === undefined) return [];
    if (kind === 'pod') return this.#pod(name, labels.slice(0, -2), namespace);
    const service = labels.at(-3);
    if (service === undefined) return this.#view.hasNamespace(namespace) ? [] : undefined;
    return this.#service(name, labels.slice(0, -3), `${namespace}/${service}`);
  }

  /** `10-244-1-7.default.pod.cluster.local`: the name says the address; only the namespace is checked. */
  #pod(name: string, rest: readonly string[], namespace: string): DnsRecord[] | undefined {
    if (!this.#view.hasNamespace(namespace)) return undefined;
    if (rest.length === 0) return [];
    const address = (rest[0] as string).replaceAll('-', '.');
    if (rest.length > 1 || !isAddress(address)) return undefined;
    return [{ type: 'A', name, ttl, data: address }];
  }

  #service(name: string, rest: readonly string[], key: string): DnsRecord[] | undefined {
    const service = this.#view.service(key);
    if (!service) return undefined;
    const { spec } = service;
    if (spec.type === 'ExternalName') {
      return rest.length === 0 && spec.externalName ? [{ type: 'CNAME', name, ttl, data: spec.externalName }] : undefined;
    }
    const headless = spec.clusterIP === 'None';
    if (!headless && !spec.clusterIP) return rest.length === 0 ? [] : undefined;
    if (rest.length === 0) {
      const records: DnsRecord[] = headless
        ? this.#ready(key).map((endpoint) => ({ type: 'A', name, ttl, data: endpoint.addresses[0] as string }))
        : [{ type: 'A', name, ttl, data: spec.clusterIP as string }];
      for (const port of this.#ports(service, key)) records.push(...this.#srv(name, service, key, port));
      return headless && records.length === 0 ? undefined : records;
    }
    if (rest.length === 2 && rest[0]?.startsWith('_') && rest[1]?.startsWith('_')) {
      const port = this.#ports(service, key).find((p) => `_${p.name}` === rest[0] && `_${p.protocol.toLowerCase()}` === rest[1]);
      return port ? this.#srv(name, service, key, port) : undefined;
    }
    if (rest.length === 1 && headless) {
      const own = this.#ready(key).filter((endpoint) => hostnameOf(endpoint) === rest[0]);
      return own.length > 0 ? own.map((endpoint) => ({ type: 'A', name, ttl, data: endpoint.addresses[0] as string })) : undefined;
    }
    return undefined;
  }

  #ports(service: Service, key: string): { name: string; protocol: string; port: number }[] {
    const ports =
      service.spec.clusterIP === 'None' ? this.#view.slices(key).flatMap((slice) => slice.ports ?? []) : (service.spec.ports ?? []);
    const unique = new Map<string, { name: string; protocol: string; port: number }>();
    for (const { name = '', protocol = 'TCP', port } of ports)
      if (port) unique.set(`${name}/${protocol}/${port}`, { name, protocol, port });
    return [...unique.values()];
  }

  #srv(name: string, service: Service, key: string, port: { port: number }): DnsRecord[] {
    const base = `${service.metadata.name}.${service.metadata.namespace}.svc.${this.#zone}`;
    const targets = service.spec.clusterIP === 'None' ? this.#ready(key).map((endpoint) => `${hostnameOf(endpoint)}.${base}`) : [base];
    const weight = Math.max(1, Math.floor(100 / Math.max(1, targets.length)));
    return targets.map((target) => ({ type: 'SRV', name, ttl, data: { priority: 0, weight, port: port.port, target } }));
  }

  /** The addresses behind SRV targets, so that no second question is needed. */
  #targets(records: readonly DnsRecord[]): DnsRecord[] {
    const names = new Set(records.flatMap((record) => (record.type === 'SRV' ? [record.data.target] : [])));
    return [...names].flatMap((target) => {
      const labels = target.slice(0, -this.#zone.length - 1).split('.');
      return (this.#lookup(target, labels) ?? []).filter((record) => record.type === 'A');
    });
  }

  /** IPv4 endpoints that DNS may show, ascending by address. */
  #ready(key: string): Endpoint[] {
    return this.#view
      .slices(key)
      .filter((slice) => slice.addressType === 'IPv4')
      .flatMap((slice) => slice.endpoints ?? [])
      .filter((endpoint) => endpoint.conditions?.ready !== false && endpoint.addresses[0])
      .sort((a, b) => ((a.addresses[0] as string) < (b.addresses[0] as string) ? -1 : 1));
  }

  #reverse(name: string, type: string): Answer {
    const address = name
      .replace(/\.in-addr\.arpa$/, '')
      .split('.')
      .reverse()
      .join('.');
    const targets: string[] = [];
    const service = this.#view.serviceByIP(address);
    if (service) targets.push(`${service.metadata.name}.${service.metadata.namespace}.svc.${this.#zone}`);
    for (const { service: key, endpoint } of this.#view.endpointsByIP(address)) {
      const [namespace, serviceName] = key.split('/');
      targets.push(`${hostnameOf(endpoint)}.${serviceName}.${namespace}.svc.${this.#zone}`);
    }
    if (targets.length === 0) return { kind: 'outside' };
    if (type !== 'PTR' && type !== 'ANY') return { kind: 'nodata', authority: this.#soa() };
    return { kind: 'answer', records: targets.map((data) => ({ type: 'PTR', name, ttl, data })), additional: [] };
  }

  #soa(): DnsRecord {
    const data = {
      mname: `ns.dns.${this.#zone}`,
      rname: `hostmaster.${this.#zone}`,
      serial: 1,
      refresh: 7200,
      retry: 1800,
      expire: 86400,
      minimum: ttl,
    };
    return { type: 'SOA', name: this.#zone, ttl, data };
  }
}

/** The endpoint's own label: its hostname, else its address with dashes. */
function hostnameOf(endpoint: Endpoint): string {
  return (endpoint.hostname ?? (endpoint.addresses[0] as string).replaceAll('.', '-')).toLowerCase();
}

function isAddress(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}
