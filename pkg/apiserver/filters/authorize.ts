import { ApiError } from '../../api/errors.ts';
import type { Attributes, Authorizer, Decision } from '../auth/authorizer.ts';
import type { Exchange, Filter } from '../exchange.ts';

/** Refuses (403) what the authorizer does not allow. */
export function authorize(authorizer: Authorizer): Filter {
  return {
    name: 'authorize',
    apply(exchange) {
      const attributes = attributesOf(exchange);
      const decision = authorizer.authorize(attributes);
      return decision instanceof Promise ? decision.then((each) => obey(attributes, each)) : obey(attributes, decision);
    },
  };
}

function obey(attributes: Attributes, { allowed, reason }: Decision): undefined {
  if (!allowed) throw forbidden(attributes, reason);
  return undefined;
}

export function attributesOf({ info, user, request }: Exchange): Attributes {
  if (!info.isResource) return { user, verb: info.verb, path: request.path };
  const { group, version, resource, subresource, namespace, name } = info;
  return { user, verb: info.verb, resource: { group, version, resource, subresource, namespace, name } };
}

/** Worded as Kubernetes words it. */
export function forbidden({ user, verb, resource, path }: Attributes, reason: string): ApiError {
  const why = reason === '' ? '' : `: ${reason}`;
  if (!resource)
    return new ApiError('Forbidden', `forbidden: User ${JSON.stringify(user.name)} cannot ${verb} path ${JSON.stringify(path)}${why}`);
  const { group, namespace, name } = resource;
  const qualified = group === '' ? resource.resource : `${resource.resource}.${group}`;
  const withSubresource = resource.subresource === '' ? resource.resource : `${resource.resource}/${resource.subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  return new ApiError(
    'Forbidden',
    `${qualified}${name === '' ? '' : ` ${JSON.stringify(name)}`} is forbidden: User ${JSON.stringify(user.name)} cannot ${verb} resource ` +
      `${JSON.stringify(withSubresource)} in API group ${JSON.stringify(group)} ${where}${why}`,
    { details: { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource.resource } },
  );
}
