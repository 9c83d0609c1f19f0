/**
 * What Kubernetes 1.36 still serves but asks to leave: whoever uses it is told so in a `Warning` header.
 * https://kubernetes.io/docs/reference/using-api/deprecation-policy/
 */
import { apiVersionOf } from '../api/object.ts';
import type { ResourceDeclaration } from '../registry/contract.ts';

interface Deprecation {
  /** Minor versions: since when it is deprecated, and from when on it is no longer served. */
  readonly since: number;
  readonly until?: number;
  /** What takes its place, if the same kind in another version does not go without saying. */
  readonly instead?: string;
}

const deprecations: Readonly<Record<string, Readonly<Record<string, Deprecation>>>> = {
  v1: {
    ComponentStatus: { since: 19 },
    Endpoints: { since: 33, instead: 'discovery.k8s.io/v1 EndpointSlice' },
  },
  'admissionregistration.k8s.io/v1alpha1': {
    MutatingAdmissionPolicy: { since: 35, until: 38 },
    MutatingAdmissionPolicyBinding: { since: 35, until: 38 },
  },
  'certificates.k8s.io/v1alpha1': { ClusterTrustBundle: { since: 34, until: 37 } },
  'coordination.k8s.io/v1alpha2': { LeaseCandidate: { since: 35, until: 38 } },
  'coordination.k8s.io/v1beta1': { LeaseCandidate: { since: 36, until: 39 } },
  'networking.k8s.io/v1beta1': { IPAddress: { since: 34, until: 37 }, ServiceCIDR: { since: 34, until: 37 } },
  'resource.k8s.io/v1alpha3': { DeviceTaintRule: { since: 36, until: 39 } },
  'resource.k8s.io/v1beta1': devices({ since: 35, until: 38 }),
  'resource.k8s.io/v1beta2': devices({ since: 36, until: 39 }),
  'storage.k8s.io/v1beta1': {
    VolumeAttributesClass: { since: 34, until: 37, instead: 'storage.k8s.io/v1 VolumeAttributesClass' },
  },
};

function devices(deprecation: Deprecation): Readonly<Record<string, Deprecation>> {
  const kinds = ['DeviceClass', 'ResourceClaim', 'ResourceClaimTemplate', 'ResourceSlice'];
  return Object.fromEntries(kinds.map((kind) => [kind, deprecation]));
}

/** The text of the warning; undefined: there is nothing to warn of. */
export function deprecationOf(declaration: ResourceDeclaration): string | undefined {
  const { kind, custom } = declaration;
  if (custom) return custom.deprecation;
  const apiVersion = apiVersionOf(declaration);
  const found = deprecations[apiVersion]?.[kind];
  if (!found) return undefined;
  const { since, until, instead } = found;
  const end = until === undefined ? '' : `, unavailable in v1.${until}+`;
  return `${apiVersion} ${kind} is deprecated in v1.${since}+${end}${instead === undefined ? '' : `; use ${instead}`}`;
}
