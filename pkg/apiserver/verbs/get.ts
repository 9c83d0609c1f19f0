import type { ApiResponse } from '../../api/http.ts';
import { text } from '../query-options.ts';
import { type ResourceCall, readContext } from '../resource-call.ts';
import { respondEntry } from '../respond.ts';

/** GET of one object or of its status or scale. */
export async function get(call: ResourceCall): Promise<ApiResponse> {
  const resourceVersion = text(call.exchange.request.query, 'resourceVersion');
  const { subresource } = call;
  const entry = await call.storage.get(readContext(call), call.key, {
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(subresource === '' ? {} : { subresource }),
  });
  return respondEntry(call, entry);
}
