import { badRequest } from '../../api/errors.ts';
import { parseJson } from '../../runtime/json.ts';
import { isObject } from '../raw.ts';

/** Where the next page of a list begins. `revision` -1: wherever the store stands then (an inconsistent list). */
export interface ContinueToken {
  readonly revision: number;
  /** The last object of the page before: its name, in the list of all namespaces `namespace/name`. */
  readonly after: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const version = 'meta.k8s.io/v1';

/** In the form of Kubernetes' own tokens. */
export function formatContinue({ revision, after }: ContinueToken): string {
  const bytes = encoder.encode(JSON.stringify({ v: version, rv: revision, start: `${after}\0` }));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}

/** Throws BadRequest for what this server never gave out. */
export function parseContinue(token: string): ContinueToken {
  const { v, rv, start } = membersOf(token);
  if (v !== version) throw notValid(`server does not recognize this encoded version ${v}`);
  if (rv === 0) throw notValid(`incorrect encoded start resourceVersion (version ${version})`);
  if (start === '') throw notValid(`encoded start key empty (version ${version})`);
  if (start.startsWith('/') || start.split('/').includes('..')) throw notValid(start);
  if (!start.endsWith('\0') || start.length < 2) throw notValid(`no page ends at ${JSON.stringify(start)}`);
  return { revision: Math.max(rv, -1), after: start.slice(0, -1) };
}

/** A member that is not there is empty, or zero. */
function membersOf(token: string): { readonly v: string; readonly rv: number; readonly start: string } {
  const at = token.search(/[^A-Za-z0-9_-]/);
  if (at >= 0 || token.length % 4 === 1) throw notValid(`illegal base64 data at input byte ${at < 0 ? token.length - 1 : at}`);
  const binary = atob(token.replaceAll('-', '+').replaceAll('_', '/'));
  const text = decoder.decode(Uint8Array.from(binary, (c) => c.charCodeAt(0)));
  let value: unknown;
  try {
    ({ value } = parseJson(text));
  } catch (cause) {
    throw notValid(cause instanceof Error ? cause.message : String(cause));
  }
  if (value !== null && !isObject(value)) throw notValid(`json: cannot unmarshal ${typeOf(value)} into a continue token`);
  const { v = '', rv = 0, start = '' } = value ?? {};
  if (typeof v !== 'string') throw notValid(`json: cannot unmarshal ${typeOf(v)} into the version`);
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv)) throw notValid(`json: cannot unmarshal ${typeOf(rv)} into the resourceVersion`);
  if (typeof start !== 'string') throw notValid(`json: cannot unmarshal ${typeOf(start)} into the start key`);
  return { v, rv, start };
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value === 'bigint' ? 'number' : typeof value;
}

function notValid(why: string): Error {
  return badRequest(`invalid continue token: continue key is not valid: ${why}`);
}
