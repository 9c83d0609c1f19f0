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
  /** How many at a time; one unless stated. */
  readonly width?: number;
}

/**
 * Deletes what the list holds, and gives it as it was listed; what somebody else has deleted meanwhile is no error. After another error nothing more is
 * begun, and what was begun has ended when it is thrown.
 */
export async function deleteEntries(
  resource: Resource,
  call: DeleteCollectionCall,
  options: DeleteOptions,
): Promise<readonly StoredEntry[]> {
  checkDeleteOptions(options);
  const { declaration, context, width = 1 } = call;
  const { entries } = await call.select();
  const failures: unknown[] = [];
  const left = entries.values();
  const work = async (): Promise<void> => {
    for (const entry of left) {
      if (failures.length > 0) return;
      const { namespace = '', name } = entry.peek().metadata;
      try {
        await deleteEntry(resource, { declaration, context, key: { namespace, name } }, options);
      } catch (error) {
        if (!isNotFound(error)) failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, entries.length) }, work));
  if (failures.length > 0) throw failures[0];
  return entries;
}
