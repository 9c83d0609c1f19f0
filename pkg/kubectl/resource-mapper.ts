/**
 * From what people type (`po`, `pods`, `deployment.apps`, `all`) to resources, by what the server says it has.
 */
import type { Api } from './api.ts';
import { CommandError } from './failure.ts';
import type { ResourceInfo } from './resource-info.ts';
import { nearest } from './suggest.ts';

export type { ResourceInfo } from './resource-info.ts';

/** https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery */
interface GroupDiscovery {
  readonly items: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly { readonly version: string; readonly resources?: readonly DiscoveredResource[] }[];
  }[];
}
interface DiscoveredResource {
  readonly resource: string;
  readonly responseKind?: { readonly kind?: string };
  readonly scope: string;
  readonly singularResource: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly { readonly subresource: string }[];
}

const discoveryMediaType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

export class ResourceMapper {
  readonly #api: Api;
  #loading: Promise<readonly ResourceInfo[]> | undefined;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Every resource at every version, in the server's order: preferred versions first. Asked for once. */
  all(): Promise<readonly ResourceInfo[]> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /** What was typed, which may be a category. */
  async resolve(typed: string): Promise<readonly ResourceInfo[]> {
    const all = await this.all();
    const found = find(all, typed);
    if (found) return [found];
    const category = preferred(all).filter((info) => info.categories.includes(typed));
    if (category.length > 0) return category;
    const names = [...new Set(all.flatMap((info) => [info.resource, info.singular, ...info.shortNames]))].filter((name) => name !== '');
    const near = nearest(typed, names);
    throw new CommandError(
      `the server doesn't have a resource type ${JSON.stringify(typed)}${near.length > 0 ? `\n\nDid you mean this?\n${near.map((name) => `\t${name}`).join('\n')}` : ''}`,
    );
  }

  /** What was typed, which must be one resource. */
  async one(typed: string): Promise<ResourceInfo> {
    const [info, ...others] = await this.resolve(typed);
    if (!info || others.length > 0) throw new CommandError(`${JSON.stringify(typed)} is a category of resources; name one`);
    return info;
  }

  /** The resource of an object's apiVersion and kind. */
  async forKind(group: string, version: string, kind: string): Promise<ResourceInfo | undefined> {
    return (await this.all()).find((info) => info.group === group && info.version === version && info.kind === kind);
  }

  async #load(): Promise<readonly ResourceInfo[]> {
    const [core, groups] = await Promise.all([
      this.#api.json('/api', { accept: discoveryMediaType }),
      this.#api.json('/apis', { accept: discoveryMediaType }),
    ]);
    return [...(core as GroupDiscovery).items, ...(groups as GroupDiscovery).items].flatMap(({ metadata, versions = [] }) =>
      versions.flatMap(({ version, resources = [] }) =>
        resources.map((found) => ({
          group: metadata?.name ?? '',
          version,
          resource: found.resource,
          kind: found.responseKind?.kind ?? '',
          namespaced: found.scope === 'Namespaced',
          singular: found.singularResource,
          shortNames: found.shortNames ?? [],
          categories: found.categories ?? [],
          verbs: found.verbs,
          subresources: (found.subresources ?? []).map(({ subresource }) => subresource),
        })),
      ),
    );
  }
}

/** Each resource once, at its group's preferred version. */
export function preferred(all: readonly ResourceInfo[]): ResourceInfo[] {
  const seen = new Set<string>();
  return all.filter(({ group, resource }) => {
    const key = `${group}/${resource}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** `pods`, `pod`, `po`, `Pod`; then with a group behind it, or with version and group: `deployments.v1.apps`. */
function find(all: readonly ResourceInfo[], typed: string): ResourceInfo | undefined {
  const called = (info: ResourceInfo, name: string): boolean =>
    info.resource === name || info.singular === name || info.shortNames.includes(name) || info.kind.toLowerCase() === name.toLowerCase();
  const [name = '', ...rest] = typed.split('.');
  if (rest.length === 0) {
    // A full name wins over a short one of an earlier group.
    const named = (match: (info: ResourceInfo) => boolean): ResourceInfo | undefined => all.find(match);
    return named((info) => info.resource === name || info.singular === name) ?? named((info) => called(info, name));
  }
  const [version, ...group] = rest;
  return (
    all.find((info) => called(info, name) && info.version === version && info.group === group.join('.')) ??
    all.find((info) => called(info, name) && info.group === rest.join('.'))
  );
}

/** `pod/web`, `deployment.apps/web`: what kubectl prints of an object it has done something to. */
export function printedName(info: ResourceInfo, name: string): string {
  return `${printedType(info)}/${name}`;
}

/** `pod`, `deployment.apps`. */
export function printedType({ singular, kind, group }: ResourceInfo): string {
  const type = singular || kind.toLowerCase();
  return group === '' ? type : `${type}.${group}`;
}

/** `pods`, `deployments.apps`: as the server's messages name it. */
export function qualifiedName({ resource, group }: ResourceInfo): string {
  return group === '' ? resource : `${resource}.${group}`;
}
