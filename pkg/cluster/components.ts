import type { UserInfo } from '../api/http.ts';

/** Who the components are when they talk to the API server; their certificates and in-process lines say the same. */
export const components = {
  admin: { name: 'kubernetes-admin', groups: ['system:masters'] },
  apiserver: { name: 'system:apiserver', groups: ['system:masters'] },
  controller: { name: 'system:kube-controller-manager', groups: [] },
  scheduler: { name: 'system:kube-scheduler', groups: [] },
  proxy: { name: 'system:kube-proxy', groups: [] },
  dns: { name: 'system:kube-dns', groups: [] },
} as const satisfies Record<string, UserInfo>;

export function nodeUser(node: string): UserInfo {
  return { name: `system:node:${node}`, groups: ['system:nodes'] };
}
