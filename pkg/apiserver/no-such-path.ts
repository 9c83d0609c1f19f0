import { ApiError } from '../api/errors.ts';
import type { ApiResponse } from '../api/http.ts';

/** Throws NotFound in the words that clients expect for a path below a version of the API that nothing is at. */
export function noSuchPath(): never {
  throw new ApiError('NotFound', 'the server could not find the requested resource', { details: {} });
}

const page = new TextEncoder().encode('404 page not found\n');

/** What there is at any other path: no API at all, so no Status either. */
export function noSuchPage(): ApiResponse {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };
  return { status: 404, headers, body: page };
}

export function methodNotAllowed(): ApiError {
  return new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource', { details: {} });
}
