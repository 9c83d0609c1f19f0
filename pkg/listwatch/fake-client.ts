import { ApiError, alreadyExists, conflict, notFound } from '../api/errors.ts';
import type { ApiResponse, WatchEvent } from '../api/http.ts';
import { apiVersionOf, copyOf, type Draft, deepFreeze, type KubeList, type KubeObject, keyOf, type ResourceRef } from '../api/object.ts';
import type {
  Client,
  CreateOptions,
  DeleteCallOptions,
  GetOptions,
  ListOptions,
  Patch,
  PatchOptions,
  RawRequest,
  ResourceClient,
  WatchOptions,
  WriteOptions,
} from '../client/client.ts';
import { formatTime, timestamp } from '../clock/clock.ts';
import { randomSuffix, uuid } from '../clock/random.ts';
import type { Causes } from '../trace/cause.ts';
import { type Call, type FakeServer, filterOf } from './fake-server.ts';
import { jsonPatched, type Loose, merged, mergePatched, same, structs } from './fake-writes.ts';

/** A client of the fake server. */
export function createFakeClient(server: FakeServer, agent = 'test'): Client {
  return new FakeClient(server, { agent, causes: [] });
}

class FakeClient implements Client {
  readonly #server: FakeServer;
  readonly #identity: { readonly agent: string; readonly causes: Causes };

  constructor(server: FakeServer, identity: { readonly agent: string; readonly causes: Causes }) {
    this.#server = server;
    this.#identity = identity;
  }

  because(causes: Causes): Client {
    return new FakeClient(this.#server, { ...this.#identity, causes });
  }

  as(agent: string): Client {
    return new FakeClient(this.#server, { ...this.#identity, agent });
  }

  resource<T extends KubeObject>(ref: ResourceRef<T>): ResourceClient<T> {
    return new FakeResource<T>(this.#server, ref, this.#identity);
  }

  /** Aggregated discovery alone: /api and /apis. */
  async raw({ path, signal }: RawRequest): Promise<ApiResponse> {
    await Promise.resolve();
    signal?.throwIfAborted();
    if (path !== '/api' && path !== '/apis') throw new ApiError('NotFound', 'the server could not find the requested resource');
    const body = new TextEncoder().encode(JSON.stringify(discover(path === '/api', [...this.#server.served.values()])));
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  }
}

function discover(core: boolean, refs: readonly ResourceRef[]): unknown {
  const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
  const own = refs.filter(({ group }) => (group === '') === core);
  const items = [...Map.groupBy(own, ({ group }) => group)].map(([group, members]) => ({
    metadata: { name: group },
    versions: [...Map.groupBy(members, ({ version }) => version)].map(([version, resources]) => ({
      version,
      resources: resources.map(({ resource, kind, namespaced }) => ({
        resource,
        responseKind: { kind },
        scope: namespaced ? 'Namespaced' : 'Cluster',
        verbs,
      })),
    })),
  }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', items };
}

class FakeResource<T extends KubeObject> implements ResourceClient<T> {
  readonly #server: FakeServer;
  readonly #ref: ResourceRef<T>;
  readonly #identity: { readonly agent: string; readonly causes: Causes };

  constructor(server: FakeServer, ref: ResourceRef<T>, identity: { readonly agent: string; readonly causes: Causes }) {
    this.#server = server;
    this.#ref = ref;
    this.#identity = identity;
  }

  async get(name: string, options: GetOptions = {}): Promise<T> {
    await this.#enter('get', name, options);
    return this.#current(name, options) as T;
  }

  async list(options: ListOptions = {}): Promise<KubeList<T>> {
    await this.#enter('list', '', options);
    const accepts = filterOf(options);
    let from = 0;
    let revision = this.#server.revision;
    if (options.continue) {
      const token = JSON.parse(options.continue) as { from: number; revision: number };
      // Pages of one list share a revision: a change in between spoils the token here, as compaction does there.
      if (token.revision !== revision) throw new ApiError('Expired', 'The provided continue parameter is too old');
      ({ from, revision } = token);
    }
    const found = this.#server.all(this.#ref).filter(accepts);
    const end = options.limit ? from + options.limit : found.length;
    const more = end < found.length ? { continue: JSON.stringify({ from: end, revision }), remainingItemCount: found.length - end } : {};
    return {
      apiVersion: apiVersionOf(this.#ref),
      kind: `${this.#ref.kind}List`,
      metadata: { resourceVersion: String(revision), ...more },
      items: found.slice(from, end),
    };
  }

  async *watch(options: WatchOptions): AsyncGenerator<readonly WatchEvent<T>[]> {
    await this.#enter('watch', '', options);
    yield* this.#server.watch(this.#ref, options) as AsyncGenerator<readonly WatchEvent<T>[]>;
  }

  async create(draft: Draft<T>, options: CreateOptions = {}): Promise<T> {
    const object = copyOf(draft) as unknown as Loose;
    if (!object.metadata.name) object.metadata.name = `${object.metadata.generateName ?? ''}${randomSuffix(this.#server.random)}`;
    await this.#enter('create', object.metadata.name, options);
    if (this.#ref.namespaced) object.metadata.namespace = options.namespace ?? object.metadata.namespace ?? 'default';
    if (this.#server.find(this.#ref, keyOf(object))) throw alreadyExists(this.#ref, object.metadata.name);
    const metadata = {
      ...object.metadata,
      uid: uuid(this.#server.random),
      creationTimestamp: timestamp(this.#server.clock),
      generation: 1,
    };
    if (options.dryRun) return deepFreeze({ ...object, metadata }) as unknown as T;
    return this.#server.commit(this.#ref, undefined, { ...object, ...structs(this.#ref.kind, object), metadata }) as T;
  }

  async update(object: Draft<T>, options: WriteOptions = {}): Promise<T> {
    return this.#change('update', object.metadata.name as string, '', options, (current) =>
      merged(current, copyOf(object) as unknown as Loose, false),
    );
  }

  async updateStatus(object: Draft<T>, options: WriteOptions = {}): Promise<T> {
    return this.#change('update', object.metadata.name as string, 'status', options, (current) =>
      merged(current, copyOf(object) as unknown as Loose, true),
    );
  }

  async patch(name: string, patch: Patch, options: PatchOptions = {}): Promise<T> {
    return this.#change('patch', name, options.subresource ?? '', options, (current) => {
      const patched = patch.type === 'json' ? jsonPatched(current, patch.body) : (mergePatched(current, patch.body) as Loose);
      return merged(current, patched, options.subresource === 'status');
    });
  }

  async delete(name: string, options: DeleteCallOptions = {}): Promise<unknown> {
    await this.#enter('delete', name, options);
    const current = this.#current(name, options);
    const { preconditions } = options;
    if (preconditions?.uid && preconditions.uid !== current.metadata.uid)
      throw conflict(this.#ref, name, 'the UID in the precondition does not match');
    if (preconditions?.resourceVersion && preconditions.resourceVersion !== current.metadata.resourceVersion) {
      throw conflict(this.#ref, name, 'the resourceVersion in the precondition does not match');
    }
    const next = copyOf(current) as Loose;
    const finalizers = new Set(next.metadata.finalizers ?? []);
    if (options.propagationPolicy === 'Foreground') finalizers.add('foregroundDeletion');
    if (options.propagationPolicy === 'Orphan') finalizers.add('orphan');
    if (finalizers.size > 0) next.metadata.finalizers = [...finalizers];
    const pod =
      this.#ref.resource === 'pods' && next.spec?.['nodeName'] && !['Succeeded', 'Failed'].includes(String(next.status?.['phase']));
    const grace = options.gracePeriodSeconds ?? (pod ? Number(next.spec?.['terminationGracePeriodSeconds'] ?? 30) : 0);
    const namespaceContent = this.#ref.resource === 'namespaces' && (next.spec?.['finalizers'] as unknown[] | undefined)?.length;
    if (finalizers.size === 0 && !(pod && grace > 0) && !namespaceContent) return this.#server.commit(this.#ref, current, undefined);
    if (
      current.metadata.deletionTimestamp &&
      grace >= (current.metadata.deletionGracePeriodSeconds ?? 0) &&
      finalizers.size === (current.metadata.finalizers?.length ?? 0)
    ) {
      return current;
    }
    next.metadata.deletionTimestamp ??= formatTime(this.#server.clock.now() + grace * 1000);
    next.metadata.deletionGracePeriodSeconds = grace;
    next.metadata.generation = (next.metadata.generation ?? 0) + 1;
    if (namespaceContent) next.status = { ...next.status, phase: 'Terminating' };
    return this.#server.commit(this.#ref, current, next);
  }

  async deleteCollection(options: DeleteCallOptions & ListOptions = {}): Promise<unknown> {
    const { items } = await this.list(options);
    for (const { metadata } of items)
      await this.delete(metadata.name, { ...options, ...(metadata.namespace ? { namespace: metadata.namespace } : {}) });
    return { kind: 'Status', status: 'Success' };
  }

  /** `binding` (sets spec.nodeName) and `eviction` (deletes). */
  async createSubresource<R>(name: string, subresource: string, body: unknown, options: WriteOptions = {}): Promise<R> {
    if (subresource === 'eviction') return (await this.delete(name, options)) as R;
    const { target } = body as { target: { name: string } };
    return (await this.#change('create', name, subresource, options, (current) => ({
      ...current,
      spec: { ...current.spec, nodeName: target.name },
    }))) as unknown as R;
  }

  getSubresource<R>(name: string, subresource: string): Promise<R> {
    return Promise.reject(new ApiError('NotFound', `the fake server has no subresource ${subresource} of ${name}`));
  }

  /** `finalize` of namespaces. */
  async updateSubresource<R>(name: string, subresource: string, body: unknown, options: WriteOptions = {}): Promise<R> {
    return (await this.#change('update', name, subresource, options, (current) => ({
      ...current,
      spec: (copyOf(body) as Loose).spec ?? {},
    }))) as unknown as R;
  }

  async #change(
    verb: 'create' | 'update' | 'patch',
    name: string,
    subresource: string,
    options: WriteOptions,
    change: (current: Loose) => Loose,
  ): Promise<T> {
    await this.#enter(verb, name, options, subresource);
    const current = this.#current(name, options);
    const next = change(copyOf(current) as Loose);
    const asked = next.metadata;
    if (asked.uid && asked.uid !== current.metadata.uid) throw conflict(this.#ref, name, 'the UID does not match');
    if (asked.resourceVersion && asked.resourceVersion !== current.metadata.resourceVersion) {
      throw conflict(this.#ref, name, 'the object has been modified; please apply your changes to the latest version and try again');
    }
    const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, resourceVersion } = current.metadata;
    next.metadata = {
      ...asked,
      uid,
      creationTimestamp,
      resourceVersion,
      ...(deletionTimestamp ? { deletionTimestamp, deletionGracePeriodSeconds: deletionGracePeriodSeconds ?? 0 } : {}),
    };
    if (same(next, current)) return current as T;
    if (!same(next.spec, (current as Loose).spec)) next.metadata.generation = (current.metadata.generation ?? 0) + 1;
    if (options.dryRun) return deepFreeze(next) as unknown as T;
    const content = this.#ref.resource === 'namespaces' ? ((next.spec?.['finalizers'] as unknown[] | undefined) ?? []) : [];
    const held = (next.metadata.finalizers?.length ?? 0) + content.length > 0;
    const waits = this.#ref.resource === 'pods' && (next.metadata.deletionGracePeriodSeconds ?? 0) > 0;
    const committed = this.#server.commit(this.#ref, current, next);
    if (deletionTimestamp && !held && !waits) this.#server.commit(this.#ref, committed, undefined);
    return committed as T;
  }

  #current(name: string, options: { readonly namespace?: string }): KubeObject {
    const key = this.#ref.namespaced ? `${options.namespace ?? 'default'}/${name}` : name;
    const found = this.#server.find(this.#ref, key);
    if (!found) throw notFound(this.#ref, name);
    return found;
  }

  async #enter(
    verb: Call['verb'],
    name: string,
    options: { readonly namespace?: string; readonly signal?: AbortSignal },
    subresource = '',
  ): Promise<void> {
    const call: Call = { verb, ref: this.#ref, namespace: options.namespace ?? '', name, subresource, ...this.#identity };
    await Promise.resolve();
    options.signal?.throwIfAborted();
    this.#server.calls.push(call);
    await this.#server.intercept?.(call);
    options.signal?.throwIfAborted();
  }
}
