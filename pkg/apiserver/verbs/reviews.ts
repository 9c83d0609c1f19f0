/**
 * Questions to the server that are posted as objects, answered, and not kept: who am I, may I, whose token is this.
 */
import { badRequest, invalid } from '../../api/errors.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import type { ApiResponse, UserInfo } from '../../api/http.ts';
import { timestamp } from '../../clock/clock.ts';
import type { ResourceDeclaration } from '../../registry/contract.ts';
import { validateAccessReview } from '../../registry/validation/access-review.ts';
import type { JsonObject } from '../../runtime/values.ts';
import type { Attributes } from '../auth/authorizer.ts';
import type { Exchange } from '../exchange.ts';
import { negotiate } from '../negotiate.ts';
import { writeParameters } from '../query-options.ts';
import { readObject, schemaOf } from '../request-body.ts';
import { contextOf, type Services } from '../resource-call.ts';
import { respondObject } from '../respond.ts';

interface Question {
  readonly spec: JsonObject;
  readonly metadata: JsonObject;
}
type Review = (exchange: Exchange, services: Services, question: Question) => Promise<unknown> | unknown;

/** By resource: the status that answers the spec. */
const reviews: Readonly<Record<string, Review>> = {
  'authentication.k8s.io/selfsubjectreviews': ({ user }) => ({ userInfo: userInfo(user) }),
  'authentication.k8s.io/tokenreviews': tokenReview,
  'authorization.k8s.io/selfsubjectaccessreviews': selfAccessReview,
  'authorization.k8s.io/subjectaccessreviews': subjectAccessReview,
  'authorization.k8s.io/localsubjectaccessreviews': localAccessReview,
  'authorization.k8s.io/selfsubjectrulesreviews': rulesReview,
};

/** Answers that are about the one who asks are made anew: nothing of the question stands in them. */
const answeredAnew: Readonly<Record<string, (services: Services) => object>> = {
  selfsubjectreviews: ({ clock }) => ({ metadata: { creationTimestamp: timestamp(clock) } }),
  selfsubjectrulesreviews: () => ({ metadata: {}, spec: {} }),
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
  const metadata: JsonObject = { ...(body['metadata'] as JsonObject | undefined) };
  if (declaration.namespaced) metadata['namespace'] ??= exchange.info.namespace;
  else delete metadata['namespace'];
  const answer = reviews[`${group}/${resource}`] as Review;
  const status = await answer(exchange, services, { spec, metadata });
  const kept = answeredAnew[resource]?.(services) ?? { metadata, spec };
  const object = { kind, apiVersion: `${group}/${version}`, ...kept, status };
  return respondObject(exchange, object, negotiated, { status: 201 });
}

function userInfo({ name, uid, groups, extra }: UserInfo): unknown {
  return { username: name, ...(uid ? { uid } : {}), ...(groups.length > 0 ? { groups } : {}), ...(extra ? { extra } : {}) };
}

async function tokenReview(_: Exchange, { tokens }: Services, { spec }: Question): Promise<unknown> {
  const { token, audiences } = spec as { token?: string; audiences?: readonly string[] };
  if (!token) throw badRequest('token is required for TokenReview in authentication');
  const wanted = audiences?.length ? audiences : (tokens?.audiences ?? []);
  const found = await tokens?.review(token, wanted);
  if (!found) return { user: {}, error: 'invalid bearer token' };
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
  return { name: user ?? '', groups: groups ?? [], ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) };
}

/** Kubernetes names no kind when it refuses one of these. */
function checkAccess(causes: readonly StatusCause[]): void {
  if (causes.length > 0) throw invalid({ group: 'authorization.k8s.io', kind: '' }, '', causes);
}

function selfAccessReview({ user }: Exchange, services: Services, { spec, metadata }: Question): Promise<unknown> {
  checkAccess(validateAccessReview(spec, { metadata }));
  return accessReview(services, user, spec);
}

function subjectAccessReview(_: Exchange, services: Services, { spec, metadata }: Question): Promise<unknown> {
  checkAccess(validateAccessReview(spec, { metadata, about: 'anybody' }));
  return accessReview(services, reviewedUser(spec), spec);
}

function localAccessReview(_: Exchange, services: Services, { spec, metadata }: Question): Promise<unknown> {
  checkAccess(validateAccessReview(spec, { metadata, about: 'anybody here' }));
  return accessReview(services, reviewedUser(spec), spec);
}

/** Without RBAC there are no rules to list; an answer that says so lets `kubectl auth can-i --list` print what it knows. */
async function rulesReview({ user }: Exchange, { authorizer }: Services, { spec }: Question): Promise<unknown> {
  if (!spec['namespace']) throw badRequest('no namespace on request');
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
