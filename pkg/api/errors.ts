/**
 * The one error that crosses the API: a reason from a closed set, which fixes the HTTP status, and what a `Status`
 * object carries. Thrown by the registry and the API server, and thrown again by every client.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
 */
import type { ListMeta, Status, StatusCause, StatusDetails } from './generated/meta-v1.ts';

const codes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  Timeout: 504,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServerTimeout: 500,
  ServiceUnavailable: 503,
  StoreReadError: 500,
  Unknown: 500,
} as const;

export type StatusReason = keyof typeof codes;

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly reason: StatusReason;
  readonly code: number;
  readonly details: StatusDetails | undefined;
  /** Of an expired page of a list: the token to go on with. */
  readonly metadata: ListMeta;

  constructor(
    reason: StatusReason,
    message: string,
    options: ErrorOptions & { details?: StatusDetails; code?: number; metadata?: ListMeta } = {},
  ) {
    super(message, options);
    this.reason = reason;
    this.code = options.code ?? codes[reason];
    this.details = options.details;
    this.metadata = options.metadata ?? {};
  }

  /** As the server sends it. */
  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.metadata,
      status: 'Failure',
      message: this.message,
      ...(this.reason === 'Unknown' ? {} : { reason: this.reason }),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    };
  }

  /** As a client reads it; a reason that is not known falls back to what the HTTP status says. */
  static fromStatus(status: Partial<Status>, httpStatus: number): ApiError {
    const code = status.code ?? httpStatus;
    const reason = status.reason && status.reason in codes ? (status.reason as StatusReason) : reasonOf(code);
    return new ApiError(reason, status.message ?? `the server answered with HTTP status ${httpStatus}`, {
      code,
      ...(status.details ? { details: status.details } : {}),
      ...(status.metadata ? { metadata: status.metadata } : {}),
    });
  }
}

function reasonOf(code: number): StatusReason {
  return (Object.keys(codes) as StatusReason[]).find((reason) => codes[reason] === code) ?? 'Unknown';
}

export function isApiError(error: unknown, reason?: StatusReason): error is ApiError {
  return error instanceof ApiError && (reason === undefined || error.reason === reason);
}
export const isNotFound = (error: unknown): boolean => isApiError(error, 'NotFound');
export const isConflict = (error: unknown): boolean => isApiError(error, 'Conflict');
export const isAlreadyExists = (error: unknown): boolean => isApiError(error, 'AlreadyExists');
export const isInvalid = (error: unknown): boolean => isApiError(error, 'Invalid');
/** The revision asked for is no longer kept: list again. */
export const isExpired = (error: unknown): boolean => isApiError(error, 'Expired') || isApiError(error, 'Gone');

/** A resource's qualified name as messages write it: `pods`, `deployments.apps`. */
export function qualifiedResource(ref: { readonly group: string; readonly resource: string }): string {
  return ref.group ? `${ref.resource}.${ref.group}` : ref.resource;
}

interface Named {
  readonly group: string;
  readonly resource: string;
}

export function notFound(ref: Named, name: string): ApiError {
  return new ApiError('NotFound', `${qualifiedResource(ref)} "${name}" not found`, { details: details(ref, name) });
}

export function alreadyExists(ref: Named, name: string, beingDeleted = false): ApiError {
  const head = beingDeleted ? 'object is being deleted: ' : '';
  return new ApiError('AlreadyExists', `${head}${qualifiedResource(ref)} "${name}" already exists`, { details: details(ref, name) });
}

export function conflict(ref: Named, name: string, why: string): ApiError {
  return new ApiError('Conflict', `Operation cannot be fulfilled on ${qualifiedResource(ref)} "${name}": ${why}`, {
    details: details(ref, name),
  });
}

/** `causes` as validation found them, in order; the message lists them all. `kind` as in `Pod`, `Deployment`. */
export function invalid(kind: { readonly group: string; readonly kind: string }, name: string, causes: readonly StatusCause[]): ApiError {
  // What is said of a field twice stands among the causes twice, but in the message once.
  const texts = [...new Set(causes.map((cause) => `${cause.field}: ${cause.message}`))];
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const qualified = kind.group ? `${kind.kind}.${kind.group}` : kind.kind;
  return new ApiError('Invalid', `${qualified} "${name}" is invalid: ${list}`, {
    details: { ...(name ? { name } : {}), ...(kind.group ? { group: kind.group } : {}), ...(kind.kind ? { kind: kind.kind } : {}), causes },
  });
}

export function badRequest(message: string, cause?: unknown): ApiError {
  return new ApiError('BadRequest', message, { cause });
}

function details(ref: Named, name: string): StatusDetails {
  return { name, ...(ref.group ? { group: ref.group } : {}), kind: ref.resource };
}

/** Something that the code itself rules out has happened: a bug. Never swallowed. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}
