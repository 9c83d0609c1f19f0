import { isApiError, isNotFound } from '../api/errors.ts';
import type { Pod } from '../api/generated/core-v1.ts';
import { pods } from '../api/generated/resources.ts';
import type { Draft, KubeObject } from '../api/object.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../listwatch/contract.ts';
import type { Expectations } from './expectations.ts';
import { slowStart } from './slow-start.ts';

/** How a controller tells, in events of the owner, what became of one of its pods. */
export interface PodWords {
  done(verb: 'create' | 'delete', pod: string): string;
  failed(verb: 'create' | 'delete', pod: string, why: string): string;
}

const usualWords: PodWords = {
  done: (verb, pod) => `${verb === 'create' ? 'Created' : 'Deleted'} pod: ${pod}`,
  failed: (verb, _pod, why) => `Error ${verb === 'create' ? 'creating' : 'deleting'}: ${why}`,
};

/** Creates and deletes an owner's pods: tells the owner's events, and keeps count of what is still to be seen. */
export class PodControl {
  readonly #client: Client;
  readonly #owner: KubeObject;
  readonly #events: EventRecorder;
  readonly #expectations: Expectations;
  readonly #words: PodWords;

  constructor(options: {
    readonly client: Client;
    readonly owner: KubeObject;
    readonly events: EventRecorder;
    readonly expectations: Expectations;
    readonly words?: PodWords;
  }) {
    this.#client = options.client;
    this.#owner = options.owner;
    this.#events = options.events;
    this.#expectations = options.expectations;
    this.#words = options.words ?? usualWords;
  }

  /** Does all of it, creations in growing batches. Returns the first failure; undefined when there was none. */
  async apply({ create, remove }: { readonly create: readonly (() => Draft<Pod>)[]; readonly remove: readonly Pod[] }): Promise<unknown> {
    if (create.length + remove.length === 0) return undefined;
    const { uid } = this.#owner.metadata;
    this.#expectations.expect(uid, { creations: create.length, deletions: remove.map(({ metadata }) => metadata.uid) });
    const removed = Promise.allSettled(remove.map((pod) => this.#remove(pod)));
    const { successes, failure } = await slowStart(create.length, (index) => this.#create((create[index] as () => Draft<Pod>)()));
    // Those that failed or were not tried will never be seen.
    this.#expectations.created(uid, create.length - successes);
    return failure ?? (await removed).find((result) => result.status === 'rejected')?.reason;
  }

  async #create(draft: Draft<Pod>): Promise<void> {
    try {
      const pod = await this.#client.resource(pods).create(draft, { namespace: this.#owner.metadata.namespace ?? '' });
      this.#events.event(this.#owner, 'Normal', 'SuccessfulCreate', this.#words.done('create', pod.metadata.name));
    } catch (error) {
      if (!isNamespaceTerminating(error)) {
        const message = this.#words.failed('create', draft.metadata.name ?? '', messageOf(error));
        this.#events.event(this.#owner, 'Warning', 'FailedCreate', message);
      }
      throw error;
    }
  }

  async #remove({ metadata }: Pod): Promise<void> {
    const { name, uid, namespace = '' } = metadata;
    try {
      await this.#client.resource(pods).delete(name, { namespace, preconditions: { uid } });
      this.#events.event(this.#owner, 'Normal', 'SuccessfulDelete', this.#words.done('delete', name));
    } catch (error) {
      // It is not there, or stays: nobody will see it go.
      this.#expectations.deleted(this.#owner.metadata.uid, uid);
      if (isNotFound(error)) return;
      this.#events.event(this.#owner, 'Warning', 'FailedDelete', this.#words.failed('delete', name, messageOf(error)));
      throw error;
    }
  }
}

/** The server refuses to create anything in a namespace that is being deleted, and says so in a cause. */
export function isNamespaceTerminating(error: unknown): boolean {
  return isApiError(error) && error.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') === true;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
