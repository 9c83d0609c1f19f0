import { isNotFound } from '../../api/errors.ts';
import type { DeleteOptions } from '../../api/generated/meta-v1.ts';
import type { RequestContext, ResourceDeclaration } from '../contract.ts';
import type { Resource } from '../resource.ts';
import type { StoredEntry } from '../stored-entry.ts';
import { checkDeleteOptions, deleteEntry } from './delete.ts';

export interface DeleteCollectionCall {
  readonly declaration: ResourceDeclaration;
  readonly context: RequestContext;
  /** What is to go. */
  select(): Promise<{ readonly entries: readonly StoredEntry[] }>;
}

/** Deletes what the list holds, one after the other; what somebody else has deleted meanwhile is no error. */
export async function deleteEntries(resource: Resource, call: DeleteCollectionCall, options: DeleteOptions): Promise<StoredEntry[]> {
  checkDeleteOptions(options);
  const { declaration, context } = call;
  const { entries } = await call.select();
  const deleted: StoredEntry[] = [];
  for (const entry of entries) {
    const { namespace = '', name } = entry.peek().metadata;
    try {
      deleted.push((await deleteEntry(resource, { declaration, context, key: { namespace, name } }, options)).entry);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return deleted;
}
