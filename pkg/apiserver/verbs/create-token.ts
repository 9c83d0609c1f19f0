import { ApiError, badRequest, conflict, invalid, notFound } from '../../api/errors.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import type { ApiResponse } from '../../api/http.ts';
import type { KubeObject } from '../../api/object.ts';
import { formatTime, timestamp } from '../../clock/clock.ts';
import type { BoundObject, ServiceAccountTokens } from '../auth/service-account-tokens.ts';
import { readObject, schemaOf } from '../request-body.ts';
import { kindOf, type ResourceCall, writeContext } from '../resource-call.ts';
import { respondObject } from '../respond.ts';

interface TokenRequestSpec {
  readonly audiences?: readonly string[];
  readonly expirationSeconds?: number;
  readonly boundObjectRef?: { readonly kind?: string; readonly apiVersion?: string; readonly name?: string; readonly uid?: string };
}

const resources = { Pod: 'pods', Secret: 'secrets', Node: 'nodes' } as const;
const defaultExpiration = 3600;
const shortest = 600;
const longest = 2 ** 32;

/** POST to a service account's `token`: a TokenRequest, answered with the token in its status. */
export async function createToken(call: ResourceCall): Promise<ApiResponse> {
  const { tokens, clock } = call.services;
  if (!tokens) throw new ApiError('ServiceUnavailable', 'this API server has no key to sign tokens with');
  const context = writeContext(call, 'CreateOptions');
  const kind = kindOf(call);
  const body = await readObject(call.exchange, kind, schemaOf(call.declaration, kind), context);
  const spec = (body['spec'] ?? {}) as TokenRequestSpec;
  const expirationSeconds = spec.expirationSeconds ?? defaultExpiration;
  checkExpiration(expirationSeconds, call.key.name);
  const account = (await call.storage.get(context, call.key)).object;
  const bound = spec.boundObjectRef ? await findBound(tokens, call, account, spec.boundObjectRef) : undefined;
  const { token, expires } = await tokens.issue({
    namespace: call.key.namespace,
    serviceAccount: { name: account.metadata.name, uid: account.metadata.uid },
    audiences: spec.audiences ?? [],
    expirationSeconds,
    ...(bound ?? {}),
  });
  const answer = {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name: call.key.name, namespace: call.key.namespace, creationTimestamp: timestamp(clock) },
    spec: {
      audiences: spec.audiences?.length ? spec.audiences : tokens.audiences,
      expirationSeconds,
      boundObjectRef: spec.boundObjectRef ?? null,
    },
    status: { token, expirationTimestamp: formatTime(expires) },
  };
  return respondObject(call.exchange, answer, call.negotiated, { status: 201 });
}

function checkExpiration(seconds: number, name: string): void {
  const why =
    seconds < shortest
      ? 'may not specify a duration less than 10 minutes'
      : seconds > longest
        ? 'may not specify a duration larger than 2^32 seconds'
        : '';
  if (why === '') return;
  const cause: StatusCause = { reason: 'FieldValueInvalid', field: 'spec.expirationSeconds', message: `Invalid value: ${seconds}: ${why}` };
  throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, name, [cause]);
}

async function findBound(
  tokens: ServiceAccountTokens,
  call: ResourceCall,
  account: KubeObject,
  reference: NonNullable<TokenRequestSpec['boundObjectRef']>,
): Promise<{ bound: BoundObject; node?: { name: string; uid: string } }> {
  const { kind, name = '', uid } = reference;
  if (kind !== 'Pod' && kind !== 'Secret' && kind !== 'Node') {
    throw badRequest(`cannot bind token to object of type ${reference.apiVersion ?? ''}, Kind=${kind ?? ''}`);
  }
  const resource = { group: '', resource: resources[kind] };
  const object = await tokens.lookUp(resources[kind], kind === 'Node' ? '' : call.key.namespace, name);
  if (!object) throw notFound(resource, name);
  if (uid !== undefined && uid !== '' && uid !== object.metadata.uid) {
    throw conflict(
      resource,
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  const bound: BoundObject = { kind, name, uid: object.metadata.uid };
  if (kind !== 'Pod') return { bound };
  const { serviceAccountName, nodeName } = (object as Pod).spec;
  if (serviceAccountName !== account.metadata.name) {
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account.metadata.name)} to pod running with different serviceaccount name.`,
    );
  }
  const node = nodeName ? await tokens.lookUp('nodes', '', nodeName) : undefined;
  return node ? { bound, node: { name: node.metadata.name, uid: node.metadata.uid } } : { bound };
}
