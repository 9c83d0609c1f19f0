import { ApiError } from '../api/errors.ts';
import type { ApiRequest, ApiResponse } from '../api/http.ts';
import type { ExplanationLog } from './explanation.ts';

const prefix = '/debug/scheduling';

/**
 * The explanations as a request handler, without a server around it:
 * `GET /debug/scheduling` gives a line for each kept decision, `GET /debug/scheduling/<namespace>/<pod>` all that is
 * known about one pod, newest first. Answers JSON; failures are Status objects.
 */
export function createExplainHandler(log: ExplanationLog): (request: Pick<ApiRequest, 'method' | 'path'>) => ApiResponse {
  return ({ method, path }) => {
    if (path !== prefix && !path.startsWith(`${prefix}/`)) return fail(new ApiError('NotFound', `${path} is not served here`));
    if (method !== 'GET') return fail(new ApiError('MethodNotAllowed', `${method} is not supported on ${path}`));
    const rest = path.slice(prefix.length + 1);
    if (rest === '') return answer(200, { decisions: log.summaries() });
    const key = rest.split('/').map(decodeURIComponent).join('/');
    const explanations = log.of(key);
    if (explanations.length === 0) {
      return fail(new ApiError('NotFound', `no decision about pod ${JSON.stringify(key)} is known; ask for <namespace>/<name>`));
    }
    return answer(200, { pod: key, explanations });
  };
}

function answer(status: number, body: unknown): ApiResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: new TextEncoder().encode(JSON.stringify(body)) };
}

function fail(error: ApiError): ApiResponse {
  return answer(error.code, error.toStatus());
}
