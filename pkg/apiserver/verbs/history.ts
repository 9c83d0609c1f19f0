/**
 * GET of an object's history: `/debug/history/<the object's own path>?limit=&before=`. Allowed to whoever may get the
 * object; of its causes, those are named whose objects the asker may get too.
 */
import { badRequest } from '../../api/errors.ts';
import type { ApiResponse } from '../../api/http.ts';
import { apiVersionOf } from '../../api/object.ts';
import type { ObjectKey, ResourceDeclaration } from '../../registry/contract.ts';
import type { PastChange } from '../../registry/past-writes.ts';
import type { ObjectHistory, ObjectName, PastRevision, PastWrite } from '../../trace/object-history.ts';
import { negotiate } from '../negotiate.ts';
import { integer } from '../query-options.ts';
import type { ResourceCall } from '../resource-call.ts';
import { respondObject } from '../respond.ts';

/** Revisions in one answer, and causes looked up for it. */
const mostItems = 1_000;
const mostCauses = 2_000;
/** Causes looked up at once. */
const together = 16;

export async function history(call: ResourceCall): Promise<ApiResponse> {
  const { exchange, declaration, key, storage } = call;
  const { query, headers } = exchange.request;
  const limit = positive(query, 'limit');
  const before = positive(query, 'before');
  const past = await storage.history(key, {
    limit: Math.min(limit ?? mostItems, mostItems),
    ...(before === undefined ? {} : { before }),
    signal: exchange.signal,
  });
  const items = past.entries.map(({ revision, type, entry, record }): PastRevision => {
    return { revision, type, ...(record ? { record } : {}), ...(entry ? { object: entry.object } : {}) };
  });
  const { revision, oldestRevision, earlier } = past;
  const causes = await causesOf(call, items);
  const answer: ObjectHistory = {
    apiVersion: 'gokube.dev/v1',
    kind: 'ObjectHistory',
    object: nameOf(declaration, key),
    revision,
    oldestRevision,
    earlier,
    items,
    causes,
  };
  const { compressor } = call.services;
  return respondObject(exchange, answer, negotiate(headers['accept'], ['application/json', 'application/yaml']), { compressor });
}

function positive(query: URLSearchParams, name: string): number | undefined {
  const value = integer(query, name);
  if (value !== undefined && value < 1) throw badRequest(`${name} must be greater than 0, got ${value}`);
  return value;
}

/** Follows the causes of the items, generation by generation, back to requests that nothing caused. */
async function causesOf(call: ResourceCall, items: readonly PastRevision[]): Promise<Record<string, PastWrite>> {
  const { services, exchange } = call;
  const found: Record<string, PastWrite> = {};
  const seen = new Set<number>();
  const mayRead = new Map<string, boolean>();
  let wanted = newCauses(items, seen);
  while (wanted.length > 0) {
    const writes: PastWrite[] = [];
    for (let at = 0; at < wanted.length; at += together) {
      const commits = await Promise.all(wanted.slice(at, at + together).map((each) => services.registry.commitAt(each, exchange.signal)));
      for (const commit of commits) {
        if (!commit) continue;
        const { revision, record } = commit;
        const visible: PastChange[] = [];
        for (const change of commit.changes) if (await isVisible(call, change, mayRead)) visible.push(change);
        const objects = visible.map(({ declaration, key, type }) => ({ ...nameOf(declaration, key), type }));
        // Who wrote what one may not read, and why, is no more to be told than what it was.
        const hidden = objects.length === 0 && commit.changes.length > 0;
        writes.push({ revision, objects, ...(hidden ? { hidden } : {}), ...(record && objects.length > 0 ? { record } : {}) });
      }
    }
    for (const write of writes) found[write.revision] = write;
    wanted = newCauses(writes, seen);
  }
  return found;
}

function newCauses(writes: readonly Pick<PastRevision, 'revision' | 'record'>[], seen: Set<number>): number[] {
  const causes = new Set(writes.flatMap(({ revision, record }) => (record?.causes ?? []).filter((cause) => cause < revision)));
  const fresh = [...causes].filter((cause) => !seen.has(cause)).slice(0, Math.max(0, mostCauses - seen.size));
  for (const cause of fresh) seen.add(cause);
  return fresh;
}

async function isVisible(call: ResourceCall, { declaration, key }: PastChange, known: Map<string, boolean>): Promise<boolean> {
  const { group, version, resource } = declaration;
  const name = `${group}/${resource}/${key.namespace}/${key.name}`;
  let visible = known.get(name);
  if (visible === undefined) {
    const attributes = { user: call.exchange.user, verb: 'get', resource: { group, version, resource, subresource: '', ...key } };
    visible = (await call.services.authorizer.authorize(attributes)).allowed;
    known.set(name, visible);
  }
  return visible;
}

function nameOf(declaration: ResourceDeclaration, { namespace, name }: ObjectKey): ObjectName {
  const { kind, resource } = declaration;
  return { apiVersion: apiVersionOf(declaration), kind, resource, ...(namespace === '' ? {} : { namespace }), name };
}
