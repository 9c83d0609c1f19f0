import type { ApiResponse } from '../../api/http.ts';
import { listParameters } from '../query-options.ts';
import type { ResourceCall } from '../resource-call.ts';
import { respondList } from '../respond.ts';
import { deleteContext, deleteOptions } from './delete.ts';

/** DELETE of a collection: everything that the selectors match, answered with what was deleted. */
export async function deleteCollection(call: ResourceCall): Promise<ApiResponse> {
  const options = await deleteOptions(call);
  const {
    labels,
    fields,
    limit,
    continue: token,
    resourceVersion,
    resourceVersionMatch,
  } = listParameters(call.exchange.request.query, 'deletecollection');
  const entries = await call.storage.deleteCollection(
    deleteContext(call, options),
    {
      namespace: call.key.namespace,
      ...(labels ? { labels } : {}),
      ...(fields ? { fields } : {}),
      ...(limit === undefined ? {} : { limit }),
      ...(token === undefined ? {} : { continue: token }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(resourceVersionMatch === undefined ? {} : { resourceVersionMatch }),
    },
    options,
  );
  const revision = entries.reduce((newest, entry) => Math.max(newest, entry.revision), 0);
  return respondList(call, { entries, revision });
}
