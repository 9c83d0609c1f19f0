/**
 * Where a resource's keys live under `/registry/`: by its plural, but for a few that history named otherwise.
 * Resources that other servers once kept apart (CRDs, APIServices) carry their group.
 */
const named: Readonly<Record<string, string>> = {
  nodes: 'minions',
  services: 'services/specs',
  endpoints: 'services/endpoints',
  replicationcontrollers: 'controllers',
  'ingresses.networking.k8s.io': 'ingress',
  'events.events.k8s.io': 'events',
};
const withGroup = new Set(['apiextensions.k8s.io', 'apiregistration.k8s.io']);

export function storagePrefixOf(group: string, resource: string): string {
  const name = group === '' ? resource : `${resource}.${group}`;
  return named[name] ?? (withGroup.has(group) ? `${group}/${resource}` : resource);
}
