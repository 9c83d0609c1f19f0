/**
 * A page in a browser cannot set headers when it opens a WebSocket: its token comes among the subprotocols, in
 * base64url, and beside it at least one that the server can answer with.
 * Kubernetes: k8s.io/apiserver/pkg/authentication/request/websocket.
 */
import { ApiError } from '../../api/errors.ts';
import type { ApiRequest } from '../../api/http.ts';

const prefix = 'base64url.bearer.authorization.k8s.io.';

/** The subprotocols that a client of a WebSocket offers, most wanted first. */
export function offeredProtocols(headers: ApiRequest['headers']): string[] {
  const names = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  return names.filter((name) => name !== '');
}

/** The same request with the token where other clients have it, and nowhere else. Throws Unauthorized for one that cannot be read. */
export function unpackWebSocketToken(request: ApiRequest): ApiRequest {
  const { headers } = request;
  if (headers['authorization'] !== undefined || headers['sec-websocket-protocol']?.includes(prefix) !== true) return request;
  const offered = offeredProtocols(headers);
  const [token, ...more] = offered.filter((name) => name.startsWith(prefix));
  if (token === undefined) return request;
  const rest = offered.filter((name) => !name.startsWith(prefix));
  if (more.length > 0 || rest.length === 0) throw new ApiError('Unauthorized', 'Unauthorized');
  const authorization = `Bearer ${decoded(token.slice(prefix.length))}`;
  return { ...request, headers: { ...headers, authorization, 'sec-websocket-protocol': rest.join(', ') } };
}

function decoded(encoded: string): string {
  try {
    return atob(encoded.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    throw new ApiError('Unauthorized', 'Unauthorized');
  }
}
