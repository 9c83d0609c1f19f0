import type { UserInfo } from '../../api/http.ts';

/** What is asked for, as Kubernetes' SubjectAccessReview states it. */
export interface Attributes {
  readonly user: UserInfo;
  readonly verb: string;
  /** For requests to resources. */
  readonly resource?: {
    readonly group: string;
    readonly version: string;
    readonly resource: string;
    readonly subresource: string;
    readonly namespace: string;
    readonly name: string;
  };
  /** For all others. */
  readonly path?: string;
}

export interface Decision {
  readonly allowed: boolean;
  /** For the log, and for SubjectAccessReviews. */
  readonly reason: string;
}

/** Who may do what. RBAC comes as another implementation of this port. */
export interface Authorizer {
  authorize(attributes: Attributes): Decision | Promise<Decision>;
}

/** Paths that need no credential. A load balancer and a waiting client ask for them. */
const publicPaths = /^\/(healthz|livez|readyz|version)(\/|$)/;
/** What everybody with a credential may read, service accounts too: what the API consists of. */
const discoveryPaths = /^\/(api|apis|openapi|version|healthz|livez|readyz|openid|\.well-known)(\/|$)/;
/** Questions about oneself, which Kubernetes' `system:basic-user` may ask. */
const selfReviews = new Set(['selfsubjectreviews', 'selfsubjectaccessreviews', 'selfsubjectrulesreviews']);

/**
 * The rules of a cluster without RBAC: its administrators and its own components may do everything; everybody else
 * with a credential may read what the API consists of; without a credential there is health and version.
 */
export class ComponentAuthorizer implements Authorizer {
  static readonly groups: readonly string[] = ['system:masters', 'system:nodes'];
  static readonly users: readonly string[] = [
    'system:apiserver',
    'system:kube-controller-manager',
    'system:kube-scheduler',
    'system:kube-proxy',
    'system:kube-dns',
  ];

  authorize({ user, verb, resource, path }: Attributes): Decision {
    const group = user.groups.find((name) => ComponentAuthorizer.groups.includes(name));
    // That the administrators may do everything needs no reason, as in Kubernetes.
    if (group === 'system:masters') return { allowed: true, reason: '' };
    if (group !== undefined) return { allowed: true, reason: `the group ${group} may do everything` };
    if (ComponentAuthorizer.users.includes(user.name)) return { allowed: true, reason: `${user.name} is a component of the cluster` };
    if (path !== undefined && (verb === 'get' || verb === 'head')) {
      if (publicPaths.test(path)) return { allowed: true, reason: 'open to everybody' };
      if (discoveryPaths.test(path) && user.groups.includes('system:authenticated')) {
        return { allowed: true, reason: 'open to everybody with a credential' };
      }
    }
    if (verb === 'create' && resource && selfReviews.has(resource.resource) && user.groups.includes('system:authenticated')) {
      return { allowed: true, reason: 'everybody with a credential may ask about himself' };
    }
    return { allowed: false, reason: '' };
  }
}
