/**
 * Puts endpoints into EndpointSlices with as few writes as can be: pure. What has the same ports and the same family of
 * addresses shares slices; an endpoint stays in the slice it is in, and no slice holds more than it may.
 */
import type { Endpoint, EndpointPort, EndpointSlice } from '../../api/generated/discovery-v1.ts';
import { controllerRef, type Draft, type KubeObject } from '../../api/object.ts';
import { equal } from '../equal.ts';

export const serviceNameLabel = 'kubernetes.io/service-name';
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';

export interface SliceGroup {
  readonly addressType: 'IPv4' | 'IPv6';
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export interface SliceActions {
  readonly create: readonly Draft<EndpointSlice>[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

/** What every slice has. */
export interface SliceShape {
  readonly owner: KubeObject;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Endpoints in one slice. */
  readonly most: number;
}

/** `current`: the slices that this controller made for this owner. A group without endpoints has one empty slice. */
export function arrangeSlices(groups: Iterable<SliceGroup>, current: readonly EndpointSlice[], shape: SliceShape): SliceActions {
  const create: Draft<EndpointSlice>[] = [];
  const update: EndpointSlice[] = [];
  const left = new Set(current.filter(({ metadata }) => metadata.deletionTimestamp === undefined));
  for (const group of groups) {
    const { addressType, ports, endpoints } = group;
    const same = [...left].filter((slice) => slice.addressType === addressType && equal(slice.ports ?? [], ports));
    for (const slice of same) left.delete(slice);
    const plan = distribute(endpoints, same, shape.most);
    same.forEach((slice, at) => {
      const wanted = plan.kept[at] ?? [];
      if (wanted.length === 0 && (same.length > 1 || plan.fresh.length > 0 || endpoints.length > 0)) left.add(slice);
      else if (!equal(slice.endpoints ?? [], wanted) || !hasShape(slice, shape)) {
        update.push({ ...slice, metadata: shaped(slice, shape), endpoints: wanted, ports });
      }
    });
    for (const chunk of plan.fresh) create.push(newSlice({ ...group, endpoints: chunk }, shape));
    if (same.length === 0 && plan.fresh.length === 0) create.push(newSlice(group, shape));
  }
  return { create, update, remove: [...left] };
}

const has = (all: Readonly<Record<string, string>> | undefined, some: Readonly<Record<string, string>>): boolean =>
  Object.entries(some).every(([key, value]) => all?.[key] === value);

function hasShape({ metadata }: EndpointSlice, { labels, annotations = {} }: SliceShape): boolean {
  return has(metadata.labels, labels) && has(metadata.annotations, annotations);
}

function shaped({ metadata }: EndpointSlice, { labels, annotations }: SliceShape): EndpointSlice['metadata'] {
  return {
    ...metadata,
    labels: { ...metadata.labels, ...labels },
    ...(annotations ? { annotations: { ...metadata.annotations, ...annotations } } : {}),
  };
}

const keyOfEndpoint = ({ targetRef, addresses }: Endpoint): string => targetRef?.uid ?? addresses.join();

/** Endpoints stay in the slice they are in; new ones fill gaps; what does not fit makes new slices. */
function distribute(
  endpoints: readonly Endpoint[],
  slices: readonly EndpointSlice[],
  most: number,
): { kept: Endpoint[][]; fresh: Endpoint[][] } {
  const wanted = new Map(endpoints.map((endpoint) => [keyOfEndpoint(endpoint), endpoint]));
  const kept = slices.map((slice) => {
    const stay: Endpoint[] = [];
    for (const endpoint of slice.endpoints ?? []) {
      const now = wanted.get(keyOfEndpoint(endpoint));
      if (!now) continue;
      wanted.delete(keyOfEndpoint(endpoint));
      stay.push(now);
    }
    return stay;
  });
  const added = [...wanted.values()];
  for (const slice of kept) while (slice.length < most && added.length > 0) slice.push(added.shift() as Endpoint);
  const fresh: Endpoint[][] = [];
  while (added.length > 0) fresh.push(added.splice(0, most));
  return { kept, fresh };
}

function newSlice(group: SliceGroup, { owner, labels, annotations }: SliceShape): Draft<EndpointSlice> {
  const { name, namespace } = owner.metadata;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      generateName: `${name}-`,
      namespace: namespace as string,
      labels,
      ...(annotations && Object.keys(annotations).length > 0 ? { annotations } : {}),
      ownerReferences: [controllerRef(owner)],
    },
    ...group,
  };
}
