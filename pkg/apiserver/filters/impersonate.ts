/**
 * Acting as somebody else (`kubectl --as`): allowed to whom the authorizer grants the verb `impersonate` on the
 * user, and on each group and extra that is asked for.
 * https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/
 */
import { badRequest } from '../../api/errors.ts';
import type { UserInfo } from '../../api/http.ts';
import { asAuthenticated } from '../auth/authenticator.ts';
import type { Attributes, Authorizer } from '../auth/authorizer.ts';
import type { Exchange, Filter } from '../exchange.ts';
import { forbidden } from './authorize.ts';

const extraHeader = 'impersonate-extra-';

export function impersonate(authorizer: Authorizer): Filter {
  return {
    name: 'impersonate',
    apply(exchange) {
      return asksForAnother(exchange.request.headers) ? act(exchange, authorizer) : undefined;
    },
  };
}

function asksForAnother(headers: Readonly<Record<string, string>>): boolean {
  for (const name in headers) if (name.startsWith('impersonate-')) return true;
  return false;
}

async function act(exchange: Exchange, authorizer: Authorizer): Promise<undefined> {
  const wanted = wantedUser(exchange.request.headers);
  if (!wanted) return undefined;
  for (const resource of impersonatedResources(wanted)) {
    const attributes: Attributes = { user: exchange.user, verb: 'impersonate', resource };
    const decision = await authorizer.authorize(attributes);
    if (!decision.allowed) throw forbidden(attributes, decision.reason);
  }
  exchange.user = wanted.name === 'system:anonymous' ? wanted : asAuthenticated(wanted);
  return undefined;
}

function wantedUser(headers: Readonly<Record<string, string>>): UserInfo | undefined {
  const name = headers['impersonate-user'];
  const uid = headers['impersonate-uid'];
  const groups = split(headers['impersonate-group']);
  const extra: Record<string, readonly string[]> = {};
  for (const [header, value] of Object.entries(headers)) {
    if (header.startsWith(extraHeader)) extra[decodeExtraKey(header.slice(extraHeader.length))] = split(value);
  }
  if (name === undefined || name === '') {
    if (uid === undefined && groups.length === 0 && Object.keys(extra).length === 0) return undefined;
    throw badRequest('requested impersonation of a group, uid or extra without impersonating a user');
  }
  const [, namespace, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name) ?? [];
  const implied = account !== undefined && groups.length === 0 ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`] : [];
  return {
    name,
    ...(uid === undefined ? {} : { uid }),
    groups: [...groups, ...implied],
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

function* impersonatedResources(user: UserInfo): Generator<NonNullable<Attributes['resource']>> {
  const [, namespace, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user.name) ?? [];
  const base = { group: '', version: 'v1', subresource: '', namespace: '' };
  if (account !== undefined) yield { ...base, resource: 'serviceaccounts', namespace: namespace as string, name: account };
  else yield { ...base, resource: 'users', name: user.name };
  const inAuthentication = { ...base, group: 'authentication.k8s.io' };
  if (user.uid !== undefined) yield { ...inAuthentication, resource: 'uids', name: user.uid };
  for (const name of user.groups) yield { ...base, resource: 'groups', name };
  for (const [key, values] of Object.entries(user.extra ?? {})) {
    for (const name of values) yield { ...inAuthentication, resource: 'userextras', subresource: key, name };
  }
}

function split(header: string | undefined): string[] {
  return (header ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function decodeExtraKey(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // As Kubernetes: a key that is no percent-encoding stands for itself.
  }
}
