/**
 * Which form the client wants its answer in: the `Accept` header as the API server reads it.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
 */
import { ApiError } from '../api/errors.ts';

export type MediaType = 'application/json' | 'application/yaml' | 'application/vnd.kubernetes.protobuf';

/** The object itself, or one of the forms that every kind can be shown in. */
export type Representation = 'object' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';

export interface Negotiated {
  readonly mediaType: MediaType;
  readonly as: Representation;
  /** Of meta.k8s.io, for Table and PartialObjectMetadata. */
  readonly metaVersion: 'v1' | 'v1beta1';
  /** JSON with line breaks: `;pretty=1`. */
  readonly pretty?: boolean;
}

export const mediaTypes: readonly MediaType[] = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

const plain: Negotiated = { mediaType: 'application/json', as: 'object', metaVersion: 'v1' };

/** Clients send a handful of different headers, over and over. Bounded, since a header is the client's to choose. */
const known = new Map<string, Negotiated>();
const maxKnown = 256;

/** Which of the other forms an answer may take: what is not stored has no rows. */
type Forms = 'all' | 'no table' | 'none';

/**
 * For resources: the object's own form among `offered`, or one of the other forms, which are offered in all media types
 * that can express them. Throws NotAcceptable.
 */
export function negotiate(accept: string | undefined, offered: readonly MediaType[] = mediaTypes, forms: Forms = 'all'): Negotiated {
  if (accept === undefined || accept === '' || accept === '*/*') return plain;
  const key = offered === mediaTypes && forms === 'all' ? accept : '';
  const before = key === '' ? undefined : known.get(key);
  if (before) return before;
  const found = choose(accept, offered, forms);
  if (!found) throw notAcceptable(mediaTypes);
  if (key !== '') {
    if (known.size >= maxKnown) known.clear();
    known.set(key, found);
  }
  return found;
}

/** For what has one form only: discovery, health, and refusals. Throws NotAcceptable. */
export function negotiatePlain(accept: string | undefined, offered: readonly MediaType[] = mediaTypes): Negotiated {
  if (accept === undefined || accept === '' || accept === '*/*') return plain;
  const found = choose(accept, offered, 'none');
  if (!found) throw notAcceptable(offered);
  return found;
}

export function notAcceptable(offered: readonly string[]): ApiError {
  return new ApiError('NotAcceptable', `only the following media types are accepted: ${offered.join(', ')}`);
}

/** What a watch is given as. */
export const watchedTypes: readonly string[] = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];
/** What a list is given as: a watch has the same path. */
export const listedTypes: readonly string[] = [...mediaTypes, ...watchedTypes];

/**
 * Before anything else is looked at, a client must name one of the types that a path produces, or accept anything; which
 * of their forms it wants is looked at after. Throws NotAcceptable.
 */
export function checkProduced(accept: string | undefined, produced: readonly string[]): void {
  if (accept === undefined || accept === '' || accept === '*/*' || produced.includes(accept)) return;
  const types = accept.split(',').map((clause) => clause.split(';', 1)[0]?.trim() ?? '');
  if (!types.some((type) => type === '*/*' || produced.includes(type))) {
    const message = `406: Not Acceptable\n\nAvailable representations: ${produced.join(', ')}`;
    throw new ApiError('NotAcceptable', message, { details: {} });
  }
}

function choose(accept: string, offered: readonly MediaType[], forms: Forms): Negotiated | undefined {
  for (const { type, parameters } of parseAccept(accept)) {
    if (!streamed.has(parameters.get('stream') ?? '')) continue;
    const pretty = parameters.get('pretty') === '1' ? { pretty: true } : {};
    const as = parameters.get('as');
    if (as === undefined && !parameters.has('g') && !parameters.has('v')) {
      const mediaType = offered.find((each) => matches(type, each));
      if (mediaType) return { ...plain, mediaType, ...pretty };
      continue;
    }
    const version = parameters.get('v');
    if (forms === 'none' || parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue;
    if (as === 'Table' && forms === 'no table') continue;
    if (as !== 'Table' && as !== 'PartialObjectMetadata' && as !== 'PartialObjectMetadataList') continue;
    const mediaType = (as === 'Table' ? textTypes : mediaTypes).find((each) => matches(type, each));
    if (mediaType) return { mediaType, as, metaVersion: version, ...pretty };
  }
  return undefined;
}

/** What `;stream=` may ask for; a list is given whole all the same. */
const streamed = new Set(['', 'watch']);
/** A table's cells are of any type, which protobuf cannot express. */
const textTypes: readonly MediaType[] = ['application/json', 'application/yaml'];

/** The clauses of an Accept header, most wanted first; equal ones in the order in which they stand. */
export function parseAccept(accept: string): readonly Clause[] {
  const clauses = accept.split(',').map((text) => {
    const [type = '', ...rest] = text.split(';').map((part) => part.trim());
    const parameters = new Map(
      rest.map((part): [string, string] => {
        const equals = part.indexOf('=');
        return equals < 0 ? [part.toLowerCase(), ''] : [part.slice(0, equals).trim().toLowerCase(), unquote(part.slice(equals + 1).trim())];
      }),
    );
    const quality = Number(parameters.get('q') ?? '1');
    return { type: type.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 1 : quality };
  });
  return clauses.filter((clause) => clause.type !== '' && clause.quality > 0).sort((a, b) => b.quality - a.quality);
}

function matches(pattern: string, type: string): boolean {
  return pattern === type || pattern === '*/*' || pattern === '*' || pattern === 'application/*';
}

function unquote(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const typeOnly = new RegExp(`^${token}(/${token})?$`);
const parameter = new RegExp(`^\\s*;\\s*(${token})\\s*=\\s*(?:${token}|"(?:[^"\\\\]|\\\\.)*")`);

/** The media type of a `Content-Type` header, without its parameters; undefined where it is not well formed. */
export function mediaTypeOf(contentType: string): string | undefined {
  const semicolon = contentType.indexOf(';');
  const type = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
  if (!typeOnly.test(type)) return undefined;
  const names = new Set<string>();
  let rest = semicolon < 0 ? '' : contentType.slice(semicolon);
  while (rest.trim() !== '' && rest.trim() !== ';') {
    const found = parameter.exec(rest);
    const name = found?.[1]?.toLowerCase();
    if (!found || name === undefined || names.has(name)) return undefined;
    names.add(name);
    rest = rest.slice(found[0].length);
  }
  return type;
}

/** Whether a client that holds what `If-None-Match` names has the present document. The comparison is the weak one. */
export function holdsCurrent(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((each) => {
    const held = each.trim();
    return held === '*' || held.replace(/^W\//, '') === etag;
  });
}
