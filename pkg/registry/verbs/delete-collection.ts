import { isNotFound } from '../../api/errors.ts';
import type { DeleteOptions } from '../../api/generated/meta-v1.ts';
import type { ListQuery, RequestContext, ResourceDeclaration } from '../contract.ts';
import type { Resource } from '../resource.ts';
import type { StoredEntry } from '../stored-entry.ts';
import { checkDeleteOptions, deleteEntry } from './delete.ts';
import { listEntries } from './list.ts';

/** Deletes what the list holds, one after the other; what somebody else has deleted meanwhile is no error. */
export async function deleteEntries(
  resource: Resource,
  call: { readonly declaration: ResourceDeclaration; readonly context: RequestContext },
  query: ListQuery,
  options: DeleteOptions,
): Promise<StoredEntry[]> {
  checkDeleteOptions(options);
  const page = await listEntries(resource, query);
  const deleted: StoredEntry[] = [];
  for (const entry of page.entries) {
    const { namespace = '', name } = entry.peek().metadata;
    try {
      deleted.push((await deleteEntry(resource, { ...call, key: { namespace, name } }, options)).entry);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return deleted;
}
