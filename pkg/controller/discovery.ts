/**
 * Which resources the server has at this moment, custom ones included: for loops that work on all of them.
 * https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery
 */
import { ApiError } from '../api/errors.ts';
import { parseApiVersion, type ResourceRef } from '../api/object.ts';
import type { Client } from '../client/client.ts';
import { readBody } from '../client/read-body.ts';

export interface DiscoveredResource extends ResourceRef {
  readonly verbs: readonly string[];
}

/** The documents, as far as they are read here. */
interface GroupList {
  readonly items: readonly {
    readonly metadata: { readonly name?: string };
    readonly versions: readonly {
      readonly version: string;
      readonly freshness?: string;
      readonly resources: readonly {
        readonly resource: string;
        readonly responseKind: { readonly kind: string };
        readonly scope: 'Cluster' | 'Namespaced';
        readonly verbs: readonly string[];
      }[];
    }[];
  }[];
}

const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const decoder = new TextDecoder();

export class Discovery {
  readonly #client: Client;
  #documents = new Map<string, { readonly etag: string | undefined; readonly groups: GroupList }>();
  #resources: readonly DiscoveredResource[] = [];
  #kinds = new Map<string, DiscoveredResource>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** Each resource once, at its group's preferred version that has it; in the server's order. */
  get resources(): readonly DiscoveredResource[] {
    return this.#resources;
  }

  /** The resource that an owner reference means, at whatever version it names. */
  byKind(apiVersion: string, kind: string): DiscoveredResource | undefined {
    return this.#kinds.get(kindKey(parseApiVersion(apiVersion).group, kind));
  }

  /** Asks the server; costs next to nothing when nothing has changed. Throws ApiErrors. */
  async refresh(signal?: AbortSignal): Promise<void> {
    const changed = [await this.#read('/api', signal), await this.#read('/apis', signal)];
    if (!changed.includes(true)) return;
    const resources = new Map<string, DiscoveredResource>();
    const kinds = new Map<string, DiscoveredResource>();
    for (const { groups } of this.#documents.values()) {
      for (const { metadata, versions } of groups.items) {
        const group = metadata.name ?? '';
        for (const { version, resources: listed } of versions) {
          for (const { resource, responseKind, scope, verbs } of listed) {
            const key = `${group}/${resource}`;
            if (resources.has(key)) continue;
            const found = { group, version, resource, kind: responseKind.kind, namespaced: scope === 'Namespaced', verbs };
            resources.set(key, found);
            kinds.set(kindKey(group, found.kind), found);
          }
        }
      }
    }
    this.#resources = [...resources.values()];
    this.#kinds = kinds;
  }

  async #read(path: string, signal: AbortSignal | undefined): Promise<boolean> {
    const known = this.#documents.get(path);
    const headers = { accept, ...(known?.etag ? { 'if-none-match': known.etag } : {}) };
    const response = await this.#client.raw({ path, headers, ...(signal ? { signal } : {}) });
    if (response.status === 304) return false;
    const groups: unknown = JSON.parse(decoder.decode(await readBody(response.body)));
    if (!isGroupList(groups)) throw new ApiError('NotAcceptable', `the server's answer to ${path} is no APIGroupDiscoveryList`);
    this.#documents.set(path, { etag: response.headers['etag'], groups });
    return true;
  }
}

const kindKey = (group: string, kind: string): string => `${group}/${kind}`;

function isGroupList(value: unknown): value is GroupList {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    value.kind === 'APIGroupDiscoveryList' &&
    'items' in value &&
    Array.isArray(value.items)
  );
}
