import { badRequest } from '../../api/errors.ts';
import { isObject } from '../raw.ts';

/** Where the next page of a list begins. `revision` -1: wherever the store stands then (an inconsistent list). */
export interface ContinueToken {
  readonly revision: number;
  /** The last object of the page before: its name, in the list of all namespaces `namespace/name`. */
  readonly after: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** In the form of Kubernetes' own tokens. */
export function formatContinue({ revision, after }: ContinueToken): string {
  const bytes = encoder.encode(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start: `${after}\0` }));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}

/** Throws BadRequest for what this server never gave out. */
export function parseContinue(token: string): ContinueToken {
  let value: unknown;
  try {
    const binary = atob(token.replaceAll('-', '+').replaceAll('_', '/'));
    value = JSON.parse(decoder.decode(Uint8Array.from(binary, (c) => c.charCodeAt(0))));
  } catch (cause) {
    throw badRequest(`continue key is not valid: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  const { v, rv, start } = isObject(value) ? value : { v: undefined, rv: undefined, start: undefined };
  if (v !== 'meta.k8s.io/v1')
    throw badRequest(`continue key is not valid: server does not recognize this encoded version ${JSON.stringify(v ?? '')}`);
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0 || rv < -1) {
    throw badRequest('continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  }
  if (typeof start !== 'string' || !start.endsWith('\0') || start.length < 2 || start.startsWith('/') || start.split('/').includes('..')) {
    throw badRequest('continue key is not valid: encoded start key empty or not below the list (version meta.k8s.io/v1)');
  }
  return { revision: rv, after: start.slice(0, -1) };
}
