/**
 * Who asks. Authenticators are tried in order: the first that knows the credential says who it is; one that is
 * given a credential of its kind that is not good throws Unauthorized. With no credential at all the request is
 * `system:anonymous`.
 */
import type { ApiRequest, UserInfo } from '../../api/http.ts';

export interface Authenticator {
  readonly name: string;
  /** undefined: not mine to say. Throws ApiError Unauthorized. */
  authenticate(request: ApiRequest): UserInfo | undefined | Promise<UserInfo | undefined>;
}

export const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

const authenticated = 'system:authenticated';

/** Adds `system:authenticated`, which everybody who proved who he is belongs to. */
export function asAuthenticated(user: UserInfo): UserInfo {
  return user.groups.includes(authenticated) ? user : { ...user, groups: [...user.groups, authenticated] };
}

/** Callers in this process, whose identity the transport vouches for. */
export const inProcessAuthenticator: Authenticator = {
  name: 'in-process',
  authenticate: ({ peer }) => (peer.user ? asAuthenticated(peer.user) : undefined),
};

/** Which of the credentials of a user it was. */
const credentialId = 'authentication.kubernetes.io/credential-id';

/** A connection shows its certificate once: whom it names is worked out once, too. */
const named = new WeakMap<NonNullable<ApiRequest['peer']['certificate']>, UserInfo>();

/** Client certificates: the common name is the user, the organizations are its groups. */
export const certificateAuthenticator: Authenticator = {
  name: 'x509',
  authenticate({ peer: { certificate } }) {
    if (!certificate || certificate.commonName === '') return undefined;
    let user = named.get(certificate);
    if (!user) {
      const { commonName: name, organizations: groups, fingerprint } = certificate;
      user = asAuthenticated({ name, groups, ...(fingerprint ? { extra: { [credentialId]: [`X509SHA256=${fingerprint}`] } } : {}) });
      named.set(certificate, user);
    }
    return user;
  },
};
