/** URLs, as Go's `net/url` reads those of a request: absolute, or a path from the root. */
import { opaque } from '../types/cel-type.ts';
import { traversal } from '../types/cost-rule.ts';
import { ArrayList, CelError, HashMap, mapKey, OpaqueValue } from '../values/value.ts';
import { f, m, type Overload } from './overload.ts';

interface Parts {
  readonly scheme: string;
  /** With its port. */
  readonly host: string;
  readonly path: string;
  readonly query: string;
}

class UrlValue extends OpaqueValue {
  readonly type = opaque('kubernetes.URL');
  readonly text: string;
  readonly parts: Parts;
  constructor(text: string, parts: Parts) {
    super();
    this.text = text;
    this.parts = parts;
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof UrlValue && other.text === this.text;
  }
}

type One = readonly [UrlValue];
const type = 'kubernetes.URL';

export const urls: readonly Overload[] = [
  f('url', `string -> ${type}`, (args: readonly [string]) => toUrl(args[0]), traversal(0, { keeps: true })),
  f('isURL', 'string -> bool', (args: readonly [string]) => urlFault(args[0]) === undefined),
  m('getScheme', `(${type}) -> string`, (args: One) => args[0].parts.scheme),
  m('getHost', `(${type}) -> string`, (args: One) => args[0].parts.host),
  m('getHostname', `(${type}) -> string`, (args: One) => args[0].parts.host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1')),
  m('getPort', `(${type}) -> string`, (args: One) => /:(\d*)$/.exec(args[0].parts.host)?.[1] ?? ''),
  m('getEscapedPath', `(${type}) -> string`, (args: One) => escapePath(args[0].parts.path)),
  m('getQuery', `(${type}) -> map(string, list(string))`, (args: One) => queryOf(args[0].parts.query)),
];

function toUrl(text: string): UrlValue {
  const fault = urlFault(text);
  if (fault !== undefined) throw new CelError(`URL parse error during conversion from string: parse ${JSON.stringify(text)}: ${fault}`);
  // What follows a # was part of path or query while it was checked.
  return new UrlValue(text, split(text.replace(/#.*$/s, '')));
}

const schemeSyntax = /^([a-zA-Z][a-zA-Z0-9+.-]*):/;

function split(text: string): Parts {
  const scheme = schemeSyntax.exec(text)?.[1] ?? '';
  const rest = scheme === '' ? text : text.slice(scheme.length + 1);
  const [before = '', query = ''] = cut(rest, '?');
  if (!before.startsWith('/')) return { scheme: scheme.toLowerCase(), host: '', path: '', query };
  const authority = scheme !== '' && before.startsWith('//') ? /^\/\/([^/]*)/.exec(before)?.[1] : undefined;
  const path = authority === undefined ? before : before.slice(2 + authority.length);
  const host = (authority ?? '').slice((authority ?? '').lastIndexOf('@') + 1);
  return { scheme: scheme.toLowerCase(), host: decoded(host), path, query };
}

function cut(text: string, at: string): readonly [string, string?] {
  const index = text.indexOf(at);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}

/** Undefined: nothing is wrong with it. */
export function urlFault(text: string): string | undefined {
  if (text === '') return 'empty url';
  if (/[\x00-\x1f\x7f]/.test(text)) return 'net/url: invalid control character in URL';
  if (text === '*') return undefined;
  const scheme = schemeSyntax.exec(text)?.[1];
  if (scheme === undefined && text.startsWith(':')) return 'missing protocol scheme';
  const [rest = ''] = cut(scheme === undefined ? text : text.slice(scheme.length + 1), '?');
  if (!rest.startsWith('/')) {
    if (scheme !== undefined) return undefined;
    return /^[^/?]*:/.test(text) ? 'first path segment in URL cannot contain colon' : 'invalid URI for request';
  }
  const authority =
    scheme !== undefined && rest.startsWith('//') && !rest.startsWith('///') ? (/^\/\/([^/]*)/.exec(rest)?.[1] ?? '') : undefined;
  const path = authority === undefined ? rest : rest.slice(2 + authority.length);
  return (authority === undefined ? undefined : authorityFault(authority)) ?? escapeFault(path);
}

function authorityFault(authority: string): string | undefined {
  const at = authority.lastIndexOf('@');
  if (at >= 0 && !/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(authority.slice(0, at))) return 'net/url: invalid userinfo';
  const host = authority.slice(at + 1);
  if (host.startsWith('[')) {
    const end = host.lastIndexOf(']');
    if (end < 0) return "missing ']' in host";
    if (!/^(:\d*)?$/.test(host.slice(end + 1))) return `invalid port ${JSON.stringify(host.slice(end + 1))} after host`;
    return undefined;
  }
  const colon = host.lastIndexOf(':');
  if (colon >= 0 && !/^:\d*$/.test(host.slice(colon))) return `invalid port ${JSON.stringify(host.slice(colon))} after host`;
  const bad = /[ "<>\\^`{|}]/.exec(host)?.[0];
  return bad === undefined ? escapeFault(host) : `invalid character ${JSON.stringify(bad)} in host name`;
}

function escapeFault(text: string): string | undefined {
  const bad = /%(?![0-9a-fA-F]{2})/.exec(text);
  return bad ? `invalid URL escape ${JSON.stringify(text.slice(bad.index, bad.index + 3))}` : undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Escapes that are no UTF-8 stay as they are.
    return text;
  }
}

/** As it was written, if that is how a path is written. */
function escapePath(path: string): string {
  if (/^[A-Za-z0-9\-._~!$&'()*+,;=:@[\]/%]*$/.test(path)) return path;
  return encodeURI(decoded(path)).replace(/[?#[\]]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function queryOf(query: string): HashMap {
  const found = new Map<string, string[]>();
  for (const pair of query.split('&')) {
    if (pair === '' || pair.includes(';') || escapeFault(pair) !== undefined) continue;
    const [key = '', value = ''] = cut(pair, '=').map((part) => decoded((part ?? '').replaceAll('+', ' ')));
    found.set(key, [...(found.get(key) ?? []), value]);
  }
  return new HashMap(new Map([...found].map(([key, values]) => [mapKey(key), [key, new ArrayList(values)] as const])));
}
