/**
 * Questions to the server that are posted as objects, answered, and not kept: who am I, may I, whose token is this.
 */
import { badRequest } from '../../api/errors.ts';
import type { ApiResponse, UserInfo } from '../../api/http.ts';
import { timestamp } from '../../clock/clock.ts';
import type { ResourceDeclaration } from '../../registry/contract.ts';
import type { JsonObject } from '../../runtime/values.ts';
import type { Attributes } from '../auth/authorizer.ts';
import type { Exchange } from '../exchange.ts';
import { negotiate } from '../negotiate.ts';
import { writeParameters } from '../query-options.ts';
import { readObject, schemaOf } from '../request-body.ts';
import { contextOf, type Services } from '../resource-call.ts';
import { respondObject } from '../respond.ts';

type Review = (exchange: Exchange, services: Services, spec: JsonObject) => Promise<unknown> | unknown;

/** By resource: the status that answers the spec. */
const reviews: Readonly<Record<string, Review>> = {
  'authentication.k8s.io/selfsubjectreviews': ({ user }) => ({ userInfo: userInfo(user) }),
  'authentication.k8s.io/tokenreviews': tokenReview,
  'authorization.k8s.io/selfsubjectaccessreviews': ({ user }, services, spec) => accessReview(services, user, spec),
  'authorization.k8s.io/subjectaccessreviews': (_, services, spec) => accessReview(services, reviewedUser(spec), spec),
  'authorization.k8s.io/localsubjectaccessreviews': localAccessReview,
  'authorization.k8s.io/selfsubjectrulesreviews': rulesReview,
};

export function isReview({ group, resource }: { readonly group: string; readonly resource: string }): boolean {
  return Object.hasOwn(reviews, `${group}/${resource}`);
}

export async function review(exchange: Exchange, services: Services, declaration: ResourceDeclaration): Promise<ApiResponse> {
  const { group, version, resource, kind } = declaration;
  const negotiated = negotiate(exchange.request.headers['accept'], undefined, 'no table');
  const context = contextOf(exchange, 'create', writeParameters(exchange.request.query, 'CreateOptions'), exchange.signal);
  const gvk = [group, version, kind] as const;
  const body = await readObject(exchange, gvk, schemaOf(declaration, gvk), context);
  const spec = (body['spec'] ?? {}) as JsonObject;
  const answer = reviews[`${group}/${resource}`] as Review;
  const status = await answer(exchange, services, spec);
  const metadata = { ...(body['metadata'] as JsonObject | undefined), creationTimestamp: timestamp(services.clock) };
  const object = { kind, apiVersion: `${group}/${version}`, metadata, ...(resource === 'selfsubjectreviews' ? {} : { spec }), status };
  return respondObject(exchange, object, negotiated, { status: 201 });
}

function userInfo({ name, uid, groups, extra }: UserInfo): unknown {
  return { username: name, ...(uid ? { uid } : {}), ...(groups.length > 0 ? { groups } : {}), ...(extra ? { extra } : {}) };
}

async function tokenReview(_: Exchange, { tokens }: Services, spec: JsonObject): Promise<unknown> {
  const { token, audiences } = spec as { token?: string; audiences?: readonly string[] };
  if (!token) throw badRequest('token is required for TokenReview in authentication');
  const wanted = audiences?.length ? audiences : (tokens?.audiences ?? []);
  const found = await tokens?.review(token, wanted);
  if (!found) return { authenticated: false, user: {}, error: 'invalid bearer token' };
  return { authenticated: true, user: userInfo(found.user), audiences: found.audiences };
}

interface AccessSpec {
  readonly resourceAttributes?: {
    readonly namespace?: string;
    readonly verb?: string;
    readonly group?: string;
    readonly version?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly name?: string;
  };
  readonly nonResourceAttributes?: { readonly path?: string; readonly verb?: string };
  readonly user?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: UserInfo['extra'];
}

async function accessReview({ authorizer }: Services, user: UserInfo, spec: AccessSpec): Promise<unknown> {
  const { resourceAttributes: of, nonResourceAttributes: path } = spec;
  if ((of === undefined) === (path === undefined)) {
    throw badRequest('exactly one of nonResourceAttributes or resourceAttributes must be specified');
  }
  const attributes: Attributes = of
    ? {
        user,
        verb: of.verb ?? '',
        resource: {
          group: of.group ?? '',
          version: of.version ?? '',
          resource: of.resource ?? '',
          subresource: of.subresource ?? '',
          namespace: of.namespace ?? '',
          name: of.name ?? '',
        },
      }
    : { user, verb: path?.verb ?? '', path: path?.path ?? '' };
  const { allowed, reason } = await authorizer.authorize(attributes);
  return { allowed, ...(reason === '' ? {} : { reason }) };
}

function reviewedUser({ user, uid, groups, extra }: AccessSpec): UserInfo {
  if (!user && !groups?.length) throw badRequest('at least one of user or group must be specified');
  return { name: user ?? '', groups: groups ?? [], ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) };
}

function localAccessReview({ info }: Exchange, services: Services, spec: AccessSpec): Promise<unknown> {
  const namespace = spec.resourceAttributes?.namespace ?? '';
  if (namespace !== info.namespace)
    throw badRequest(`spec.resourceAttributes.namespace must match metadata.namespace: ${JSON.stringify(namespace)}`);
  return accessReview(services, reviewedUser(spec), spec);
}

/** Without RBAC there are no rules to list; an answer that says so lets `kubectl auth can-i --list` print what it knows. */
async function rulesReview({ user }: Exchange, { authorizer }: Services): Promise<unknown> {
  const resource = { group: '*', version: '*', resource: '*', subresource: '', namespace: '', name: '' };
  const { allowed } = await authorizer.authorize({ user, verb: '*', resource });
  return {
    resourceRules: allowed ? [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] : [],
    nonResourceRules: allowed
      ? [{ verbs: ['*'], nonResourceURLs: ['*'] }]
      : [
          {
            verbs: ['get'],
            nonResourceURLs: ['/api', '/api/*', '/apis', '/apis/*', '/healthz', '/livez', '/openapi', '/openapi/*', '/readyz', '/version'],
          },
        ],
    incomplete: !allowed,
  };
}
