import type { ResourceRef } from '../api/object.ts';
import type { ObjectHistory, PastWrite } from '../trace/object-history.ts';
import type { Client } from './client.ts';
import { readBody } from './read-body.ts';
import { resourcePath } from './resource-path.ts';

export interface ReadHistoryOptions {
  readonly namespace?: string;
  /** At most so many revisions, the newest ones; default: all that are kept. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** Every kept revision of an object, oldest first, with their causes; of an object that is gone, too. */
export async function readHistory(
  client: Client,
  ref: ResourceRef,
  name: string,
  options: ReadHistoryOptions = {},
): Promise<ObjectHistory> {
  const path = `/debug/history${resourcePath(ref, { name, namespace: options.namespace })}`;
  const { limit = Number.POSITIVE_INFINITY, signal } = options;
  const page = async (before: number | undefined, most: number): Promise<ObjectHistory> => {
    const query = new URLSearchParams();
    if (before !== undefined) query.set('before', String(before));
    if (Number.isFinite(most)) query.set('limit', String(most));
    const response = await client.raw({ path: `${path}?${query}`, headers: { accept: 'application/json' }, ...(signal ? { signal } : {}) });
    return JSON.parse(new TextDecoder().decode(await readBody(response.body))) as ObjectHistory;
  };
  let whole = await page(undefined, limit);
  while (whole.earlier && whole.items.length > 0 && whole.items.length < limit) {
    const older = await page(whole.items[0]?.revision, limit - whole.items.length);
    const causes: Record<string, PastWrite> = { ...older.causes, ...whole.causes };
    whole = { ...whole, earlier: older.earlier, items: [...older.items, ...whole.items], causes };
    if (older.items.length === 0) break;
  }
  return whole;
}
