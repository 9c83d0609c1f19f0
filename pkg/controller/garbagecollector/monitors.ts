import { qualifiedResource } from '../../api/errors.ts';
import type { KubeObject, ResourceRef } from '../../api/object.ts';
import type { Environment, Handler, Informer } from '../../listwatch/contract.ts';
import { createInformer } from '../../listwatch/informer.ts';
import type { DiscoveredResource } from '../discovery.ts';

/** Kept of an object: all that the collector asks about, and none of the rest. */
function metadataOnly({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp, finalizers, ownerReferences } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      uid,
      resourceVersion,
      creationTimestamp,
      ...(namespace ? { namespace } : {}),
      ...(deletionTimestamp ? { deletionTimestamp } : {}),
      ...(finalizers ? { finalizers } : {}),
      ...(ownerReferences ? { ownerReferences } : {}),
    },
  };
}

interface Monitor {
  readonly ref: ResourceRef;
  readonly informer: Informer<KubeObject>;
  readonly stop: AbortController;
}

/** Events own nothing and are owned by nobody, and there are many of them. */
const ignored = new Set(['events', 'events.events.k8s.io']);

/** One informer for each resource that can be listed, watched and deleted; they come and go with discovery. */
export class Monitors {
  readonly #env: Environment;
  readonly #handlerFor: (ref: ResourceRef) => Handler<KubeObject>;
  readonly #monitors = new Map<string, Monitor>();
  readonly #start: (run: (signal: AbortSignal) => Promise<void>) => void;

  /** `start`: runs an informer under whatever ends them all. */
  constructor(
    env: Environment,
    start: (run: (signal: AbortSignal) => Promise<void>) => void,
    handlerFor: (ref: ResourceRef) => Handler<KubeObject>,
  ) {
    this.#env = env;
    this.#start = start;
    this.#handlerFor = handlerFor;
  }

  /** Whether the first list of every one is there. */
  get synced(): boolean {
    return [...this.#monitors.values()].every(({ informer }) => informer.synced);
  }

  covers(ref: ResourceRef): boolean {
    return this.#monitors.has(qualifiedResource(ref));
  }

  follow(resources: readonly DiscoveredResource[]): void {
    const wanted = new Map<string, DiscoveredResource>();
    for (const resource of resources) {
      const watched = ['list', 'watch', 'delete'].every((verb) => resource.verbs.includes(verb));
      if (watched && !ignored.has(qualifiedResource(resource))) wanted.set(qualifiedResource(resource), resource);
    }
    for (const [name, { stop }] of this.#monitors) {
      if (wanted.has(name)) continue;
      this.#monitors.delete(name);
      stop.abort(new Error(`${name} is no longer served`));
    }
    for (const [name, { group, version, resource, kind, namespaced }] of wanted) {
      if (this.#monitors.has(name)) continue;
      const ref: ResourceRef = { group, version, resource, kind, namespaced };
      const informer = createInformer(this.#env, ref, { transform: metadataOnly });
      const stop = new AbortController();
      informer.addHandler(this.#handlerFor(ref));
      this.#monitors.set(name, { ref, informer, stop });
      this.#start(async (signal) => {
        const onAbort = (): void => stop.abort(signal.reason);
        signal.addEventListener('abort', onAbort, { once: true });
        await informer.run(stop.signal);
        signal.removeEventListener('abort', onAbort);
      });
    }
  }
}
