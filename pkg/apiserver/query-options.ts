/**
 * Query parameters, read and checked as Kubernetes reads and checks its ListOptions, CreateOptions and the like.
 */
import { badRequest, invalid } from '../api/errors.ts';
import type { StatusCause } from '../api/generated/meta-v1.ts';
import { byteLength } from '../api/qualified-name.ts';
import { type FieldTerm, parseFieldSelector, parseSelector, type Selector } from '../api/selectors.ts';
import { forbiddenField, invalidField, tooLongField, unsupportedField } from '../runtime/field-errors.ts';
import { isTrue } from './request-info.ts';

/** An integer parameter; absent: undefined. */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const wellFormed = /^[+-]?\d+$/.test(text);
  if (!wellFormed || BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${wellFormed ? 'value out of range' : 'invalid syntax'}`);
  }
  return Number(text);
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

/** ListOptions. Which combinations have a meaning, the registry knows. */
export function listParameters(query: URLSearchParams, verb: 'list' | 'watch' | 'deletecollection'): ListParameters {
  const labelSelector = text(query, 'labelSelector');
  const fieldSelector = text(query, 'fieldSelector');
  const limit = integer(query, 'limit');
  const token = text(query, 'continue');
  const resourceVersion = text(query, 'resourceVersion');
  const resourceVersionMatch = text(query, 'resourceVersionMatch');
  const sendInitialEvents = boolean(query, 'sendInitialEvents');
  const timeoutSeconds = integer(query, 'timeoutSeconds');
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
  if (sendInitialEvents !== undefined && verb !== 'watch') {
    const cause = forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list');
    throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [cause]);
  }
  return parameters;
}

export interface WriteParameters {
  readonly dryRun: boolean;
  readonly fieldManager: string | undefined;
  readonly fieldValidation: 'Ignore' | 'Warn' | 'Strict';
}

const fieldValidations = new Set(['Ignore', 'Strict', 'Warn']);

/**
 * `options`: the kind that the message names: CreateOptions, UpdateOptions, PatchOptions, DeleteOptions; `before`: what
 * is wrong already.
 */
export function writeParameters(query: URLSearchParams, options: string, before: readonly StatusCause[] = []): WriteParameters {
  const causes: StatusCause[] = [...before];
  const dryRun = query.getAll('dryRun');
  if (dryRun.some((value) => value !== 'All')) causes.push(unsupportedField('dryRun', dryRun, ['All']));
  const fieldManager = text(query, 'fieldManager');
  if (fieldManager !== undefined) {
    if (byteLength(fieldManager) > 128) causes.push(tooLongField('fieldManager', 128));
    for (const { 0: character, index } of fieldManager.matchAll(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu)) {
      const code = (character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0');
      const position = byteLength(fieldManager.slice(0, index));
      causes.push(invalidField('fieldManager', fieldManager, `invalid character U+${code} (at position ${position})`));
    }
  }
  const validation = text(query, 'fieldValidation') ?? 'Warn';
  if (!fieldValidations.has(validation)) causes.push(unsupportedField('fieldValidation', validation, ['', ...fieldValidations]));
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: options }, '', causes);
  return { dryRun: dryRun.length > 0, fieldManager, fieldValidation: validation as WriteParameters['fieldValidation'] };
}
