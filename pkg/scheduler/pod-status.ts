import { isNotFound } from '../api/errors.ts';
import type { Pod, PodCondition } from '../api/generated/core-v1.ts';
import { pods } from '../api/generated/resources.ts';
import type { Client } from '../client/client.ts';
import { type Clock, timestamp } from '../clock/clock.ts';
import type { Causes } from '../trace/cause.ts';

export interface PodStatusChange {
  readonly condition?: Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>;
  /** Empty: take it back. */
  readonly nominatedNodeName?: string;
}

/**
 * Writes what the scheduler has to say into pods' status. Writes for one pod keep their order; one that would change
 * nothing is left out.
 */
export class PodStatusWriter {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #last = new Map<string, Promise<void>>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** A pod that is gone is no error. `pod`: the newest state known. */
  write(pod: Pod, change: PodStatusChange, options: { readonly causes: Causes; readonly signal: AbortSignal }): Promise<void> {
    const body = statusPatch(pod, change, timestamp(this.#clock));
    if (!body) return Promise.resolve();
    const { name, namespace = '', uid } = pod.metadata;
    const before = this.#last.get(uid);
    const send = async (): Promise<void> => {
      await before?.catch(() => undefined); // its own caller has been told
      try {
        const client = this.#client.because(options.causes).resource(pods);
        await client.patch(
          name,
          { type: 'strategic', body: { metadata: { uid }, ...body } },
          { namespace, subresource: 'status', signal: options.signal },
        );
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    };
    const sent = send().finally(() => {
      if (this.#last.get(uid) === sent) this.#last.delete(uid);
    });
    this.#last.set(uid, sent);
    return sent;
  }
}

/** The strategic merge patch for a change, or undefined when the pod already says all that. */
export function statusPatch(pod: Pod, change: PodStatusChange, now: string): { readonly status: Record<string, unknown> } | undefined {
  const status: Record<string, unknown> = {};
  const { condition, nominatedNodeName } = change;
  if (condition) {
    const was = pod.status.conditions?.find(({ type }) => type === condition.type);
    if (was?.status !== condition.status || was.reason !== condition.reason || was.message !== condition.message) {
      const lastTransitionTime = was?.status === condition.status && was.lastTransitionTime ? was.lastTransitionTime : now;
      status['conditions'] = [{ ...condition, lastTransitionTime }];
    }
  }
  if (nominatedNodeName !== undefined && nominatedNodeName !== (pod.status.nominatedNodeName ?? '')) {
    status['nominatedNodeName'] = nominatedNodeName === '' ? null : nominatedNodeName;
  }
  return Object.keys(status).length > 0 ? { status } : undefined;
}
