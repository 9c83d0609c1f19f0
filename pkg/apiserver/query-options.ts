/**
 * Query parameters, read and checked as Kubernetes reads and checks its ListOptions, CreateOptions and the like.
 */
import { badRequest, invalid } from '../api/errors.ts';
import type { StatusCause } from '../api/generated/meta-v1.ts';
import { type FieldTerm, parseFieldSelector, parseSelector, type Selector } from '../api/selectors.ts';
import { isTrue } from './request-info.ts';

/** An integer parameter; absent or empty: undefined. */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const value = Number(text);
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw badRequest(
      `strconv.ParseInt: parsing ${JSON.stringify(text)}: ${/^[+-]?\d+$/.test(text) ? 'value out of range' : 'invalid syntax'}`,
    );
  }
  return value;
}

export function boolean(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name);
  return text === null ? undefined : isTrue(text);
}

/** A text parameter; absent or empty: undefined. */
export function text(query: URLSearchParams, name: string): string | undefined {
  return query.get(name) || undefined;
}

export interface ListParameters {
  readonly labels?: Selector;
  readonly fields?: readonly FieldTerm[];
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: string;
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;
  readonly bookmarks: boolean;
}

/** ListOptions; `verb` decides which combinations are allowed. */
export function listParameters(query: URLSearchParams, verb: 'list' | 'watch' | 'deletecollection'): ListParameters {
  const labelSelector = text(query, 'labelSelector');
  const fieldSelector = text(query, 'fieldSelector');
  const limit = integer(query, 'limit');
  const token = text(query, 'continue');
  const resourceVersion = text(query, 'resourceVersion');
  const resourceVersionMatch = text(query, 'resourceVersionMatch');
  const sendInitialEvents = boolean(query, 'sendInitialEvents');
  const timeoutSeconds = integer(query, 'timeoutSeconds');
  if (resourceVersion !== undefined && !/^\d{1,20}$/.test(resourceVersion)) {
    throw badRequest(
      `Invalid value: ${JSON.stringify(resourceVersion)}: strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`,
    );
  }
  const parameters: ListParameters = {
    ...(labelSelector === undefined ? {} : { labels: parseSelector(labelSelector) }),
    ...(fieldSelector === undefined ? {} : { fields: parseFieldSelector(fieldSelector) }),
    ...(limit === undefined || limit <= 0 ? {} : { limit }),
    ...(token === undefined ? {} : { continue: token }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(resourceVersionMatch === undefined ? {} : { resourceVersionMatch }),
    ...(sendInitialEvents === undefined ? {} : { sendInitialEvents }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    bookmarks: boolean(query, 'allowWatchBookmarks') ?? false,
  };
  const causes = listProblems(parameters, verb);
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', causes);
  return parameters;
}

function listProblems(parameters: ListParameters, verb: string): StatusCause[] {
  const { resourceVersion, resourceVersionMatch: match, sendInitialEvents, continue: token } = parameters;
  const causes: StatusCause[] = [];
  const forbidden = (field: string, why: string): void => {
    causes.push({ reason: 'FieldValueForbidden', field, message: `Forbidden: ${why}` });
  };
  if (sendInitialEvents !== undefined && verb !== 'watch') forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list');
  if (verb === 'watch' && sendInitialEvents !== undefined) {
    if (match !== 'NotOlderThan') {
      forbidden('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
    }
    return causes;
  }
  if (match === undefined) return causes;
  if (verb === 'watch') {
    forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
    return causes;
  }
  if (resourceVersion === undefined) {
    forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided');
  }
  if (token !== undefined) forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided');
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    causes.push({
      reason: 'FieldValueNotSupported',
      field: 'resourceVersionMatch',
      message: `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan"`,
    });
  } else if (match === 'Exact' && resourceVersion === '0') {
    forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
  return causes;
}

export interface WriteParameters {
  readonly dryRun: boolean;
  readonly fieldManager: string | undefined;
  readonly fieldValidation: 'Ignore' | 'Warn' | 'Strict';
}

const fieldValidations = new Set(['Ignore', 'Strict', 'Warn']);

/** `options`: the kind that the message names: CreateOptions, UpdateOptions, PatchOptions, DeleteOptions. */
export function writeParameters(query: URLSearchParams, options: string): WriteParameters {
  const causes: StatusCause[] = [];
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  for (const value of dryRun) if (value !== 'All') causes.push(unsupported('dryRun', value, ['All']));
  const fieldManager = text(query, 'fieldManager');
  if (fieldManager !== undefined) {
    if (fieldManager.length > 128) {
      causes.push({ reason: 'FieldValueTooLong', field: 'fieldManager', message: 'Too long: may not be more than 128 bytes' });
    }
    if (/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(fieldManager)) {
      causes.push({
        reason: 'FieldValueInvalid',
        field: 'fieldManager',
        message: `Invalid value: ${JSON.stringify(fieldManager)}: should only contain printable characters`,
      });
    }
  }
  const validation = text(query, 'fieldValidation') ?? 'Warn';
  if (!fieldValidations.has(validation)) causes.push(unsupported('fieldValidation', validation, [...fieldValidations]));
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: options }, '', causes);
  return { dryRun: dryRun.length > 0, fieldManager, fieldValidation: validation as WriteParameters['fieldValidation'] };
}

export function unsupported(field: string, value: string, supported: readonly string[]): StatusCause {
  const list = supported.map((each) => JSON.stringify(each)).join(', ');
  return { reason: 'FieldValueNotSupported', field, message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}` };
}
