import type { ApiResponse } from '../../api/http.ts';
import { listParameters } from '../query-options.ts';
import { type ResourceCall, readContext } from '../resource-call.ts';
import { respondList } from '../respond.ts';
import { includeObject } from '../table.ts';

/** GET of a collection: one page, all of it at one revision. */
export async function list(call: ResourceCall): Promise<ApiResponse> {
  const { query } = call.exchange.request;
  if (call.negotiated.as === 'Table') includeObject(query);
  const { labels, fields, limit, continue: token, resourceVersion, resourceVersionMatch } = listParameters(query, 'list');
  const page = await call.storage.list(readContext(call), {
    namespace: call.key.namespace,
    ...(labels ? { labels } : {}),
    ...(fields ? { fields } : {}),
    ...(limit === undefined ? {} : { limit }),
    ...(token === undefined ? {} : { continue: token }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(resourceVersionMatch === undefined ? {} : { resourceVersionMatch }),
  });
  return respondList(call, page);
}
