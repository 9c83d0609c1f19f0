/**
 * A request to a resource, once it is known which resource and who asks: what every verb is given.
 */
import type { StatusCause } from '../api/generated/meta-v1.ts';
import type { ApiResponse } from '../api/http.ts';
import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import type { Logger } from '../log/log.ts';
import type { ObjectKey, RequestContext, ResourceDeclaration, ResourceStorage } from '../registry/contract.ts';
import type { PastCommit } from '../registry/past-writes.ts';
import { forbiddenField, requiredField } from '../runtime/field-errors.ts';
import { causesHeader, parseCauses } from '../trace/cause.ts';
import type { Authorizer } from './auth/authorizer.ts';
import type { ServiceAccountTokens } from './auth/service-account-tokens.ts';
import type { BackendDialer, KubeletDialer } from './connect/dialers.ts';
import type { Exchange } from './exchange.ts';
import { type MediaType, type Negotiated, negotiate } from './negotiate.ts';
import { boolean, text, type WriteParameters, writeParameters } from './query-options.ts';

/** What the server sees of the registry. */
export interface RegistryPort {
  /** All resources at all versions. The list is live: it changes when custom resources come and go. */
  declarations(): readonly ResourceDeclaration[];
  storage(group: string, version: string, resource: string): ResourceStorage | undefined;
  /** What was written at a revision, whatever it was; undefined where it is not kept. */
  commitAt(revision: number, signal: AbortSignal): Promise<PastCommit | undefined>;
  /** After it, `declarations` and `storage` know every custom resource whose definition was acknowledged before the call. */
  fresh(): Promise<void>;
}

/** Compresses what goes to a client that asked for it. An adapter does: no part of the language can. */
export interface Compressor {
  gzip(body: Uint8Array | AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

/** What verbs need of the server around them. */
export interface Services {
  readonly registry: RegistryPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly compressor: Compressor | undefined;
  readonly kubelets: KubeletDialer | undefined;
  readonly backends: BackendDialer | undefined;
  readonly tokens: ServiceAccountTokens | undefined;
  readonly authorizer: Authorizer;
}

export interface ResourceCall {
  readonly exchange: Exchange;
  readonly services: Services;
  readonly storage: ResourceStorage;
  readonly declaration: ResourceDeclaration;
  readonly key: ObjectKey;
  /** Empty for the object itself. */
  readonly subresource: string;
  readonly negotiated: Negotiated;
}

export type Verb = (call: ResourceCall) => ApiResponse | Promise<ApiResponse>;

/** Group, version and kind of what a call reads and writes: the resource's own, or its subresource's. */
export function kindOf({ declaration, subresource }: ResourceCall): readonly [group: string, version: string, kind: string] {
  const { group, version, kind, subresources } = declaration;
  return (subresource === '' ? undefined : subresources[subresource]?.kind) ?? [group, version, kind];
}

/** The forms in which a resource's objects are given: protobuf is for Kubernetes' own kinds alone. */
export function negotiateResource(exchange: Exchange, declaration: ResourceDeclaration): Negotiated {
  return negotiate(exchange.request.headers['accept'], isBuiltIn(declaration) ? undefined : withoutProtobuf);
}

const withoutProtobuf: readonly MediaType[] = ['application/json', 'application/yaml'];

export function isBuiltIn({ custom }: ResourceDeclaration): boolean {
  return custom === undefined;
}

const readParameters: WriteParameters = { dryRun: false, fieldManager: undefined, fieldValidation: 'Warn' };

/** For verbs that change nothing. */
export function readContext(call: ResourceCall, signal: AbortSignal = call.exchange.signal): RequestContext {
  return contextOf(call.exchange, call.exchange.info.verb, readParameters, signal);
}

/** For verbs that write: reads dryRun, fieldManager and fieldValidation. `options` names them in messages. */
export function writeContext(call: ResourceCall, options: string, verb = call.exchange.info.verb): RequestContext {
  return contextOf(call.exchange, verb, writeParameters(call.exchange.request.query, options), call.exchange.signal);
}

/** The same for a patch: whether conflicts are forced is for an apply to say, and who applies. */
export function patchContext(call: ResourceCall, verb: 'patch' | 'apply'): { readonly context: RequestContext; readonly force: boolean } {
  const { query } = call.exchange.request;
  const force = boolean(query, 'force');
  const causes: StatusCause[] = [];
  if (verb === 'apply' && text(query, 'fieldManager') === undefined)
    causes.push(requiredField('fieldManager', 'is required for apply patch'));
  if (verb === 'patch' && force !== undefined) causes.push(forbiddenField('force', 'may not be specified for non-apply patch'));
  const parameters = writeParameters(query, 'PatchOptions', causes);
  return { context: contextOf(call.exchange, verb, parameters, call.exchange.signal), force: force ?? false };
}

export function contextOf(exchange: Exchange, verb: string, parameters: WriteParameters, signal: AbortSignal): RequestContext {
  const { headers } = exchange.request;
  const agent = agentOf(headers['user-agent']);
  return {
    user: exchange.user,
    agent,
    requestId: exchange.requestId,
    verb,
    causes: parseCauses(headers[causesHeader]),
    dryRun: parameters.dryRun,
    fieldManager: parameters.fieldManager ?? agent,
    fieldValidation: parameters.fieldValidation,
    warn: (text) => exchange.warnings.add(text),
    signal,
  };
}

/** The User-Agent's first word: what stands before the first slash, as Kubernetes names field managers by default. */
function agentOf(userAgent: string | undefined): string {
  if (!userAgent) return 'unknown';
  const slash = userAgent.indexOf('/');
  return (slash < 0 ? userAgent : userAgent.slice(0, slash)).slice(0, 128);
}
