import type { CustomResourceDefinition, CustomResourceDefinitionStatus } from '../../api/generated/apiextensions-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import type { Clock, Timer } from '../../clock/clock.ts';
import type { Logger } from '../../log/log.ts';
import type { Resource } from '../resource.ts';
import { updateEntry } from '../verbs/update.ts';
import { definitionContext } from './definition-context.ts';
import { cleanupFinalizer, conditionOf, isEstablished, settleStatus, type TakenNames, withCondition } from './definition-status.ts';

/** After a failure: 100 ms, doubling to 30 s. */
const retryBase = 100;
const retryMax = 30_000;
/** How long objects may take to go before the definition's status says that they have not. */
const checkAfter = 60_000;

export interface DefinitionLoopOptions {
  /** Of the definitions themselves. */
  readonly resource: () => Resource;
  readonly clock: Clock;
  readonly log: Logger;
  /** What others of the definition's group are called. */
  taken(definition: CustomResourceDefinition): TakenNames;
  /** Asks for the deletion of a definition's objects; how many are still there. */
  deleteAll(definition: CustomResourceDefinition, causes: readonly number[]): Promise<number>;
}

/**
 * Brings definitions to what they ask for: accepts their names, and empties those that are being deleted. Every server
 * over a store does; whoever is second finds the work done. (In Kubernetes: the naming, establishing and finalizing
 * controllers of the apiextensions server.)
 */
export class DefinitionLoop {
  readonly #options: DefinitionLoopOptions;
  readonly #queue = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #retries = new Map<string, Timer>();
  readonly #checks = new Map<string, Timer>();
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: DefinitionLoopOptions) {
    this.#options = options;
  }

  /** Looks at the definition of that name, soon. */
  notice(name: string): void {
    if (this.#closed) return;
    this.#queue.add(name);
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#queue.clear();
    for (const timer of [...this.#retries.values(), ...this.#checks.values()]) timer.cancel();
    await this.#running;
  }

  async #run(): Promise<void> {
    // Whoever noticed is in the middle of telling others.
    await Promise.resolve();
    for (const name of this.#queue) {
      this.#queue.delete(name);
      try {
        await this.#settle(name);
        this.#failures.delete(name);
      } catch (error) {
        this.#again(name, error);
      }
    }
    this.#running = undefined;
  }

  #again(name: string, error: unknown): void {
    if (this.#closed) return;
    const { clock, log } = this.#options;
    const failures = this.#failures.get(name) ?? 0;
    this.#failures.set(name, failures + 1);
    log.warn('a CustomResourceDefinition could not be brought to what it asks for', { name, error });
    this.#retries.get(name)?.cancel();
    this.#retries.set(
      name,
      clock.setTimer(Math.min(retryMax, retryBase * 2 ** failures), () => {
        this.#retries.delete(name);
        this.notice(name);
      }),
    );
  }

  async #settle(name: string): Promise<void> {
    const { cache } = this.#options.resource();
    await cache.ready(false);
    const entry = cache.get(cache.keyOf('', name));
    if (!entry) return;
    const definition = entry.object as unknown as CustomResourceDefinition;
    const { deletionTimestamp, finalizers = [] } = definition.metadata;
    if (deletionTimestamp === undefined)
      await this.#writeStatus(name, (current, now) => settleStatus(current, this.#options.taken(current), now));
    else if (finalizers.includes(cleanupFinalizer)) await this.#empty(definition, entry.revision);
  }

  /** Once nothing is left, the definition is let go. What still has finalizers is waited for: its going is noticed. */
  async #empty(definition: CustomResourceDefinition, revision: number): Promise<void> {
    const { name } = definition.metadata;
    if (!isEstablished(definition)) {
      await this.#terminating(name, 'False', 'NeverEstablished', 'resource was never established');
    } else {
      const waiting = ['InstanceDeletionInProgress', 'InstanceDeletionCheck'];
      if (!waiting.includes(conditionOf(definition, 'Terminating')?.reason ?? '')) {
        await this.#terminating(name, 'True', 'InstanceDeletionInProgress', 'CustomResource deletion is in progress');
      }
      const left = await this.#deleteAll(definition, revision);
      if (left > 0) {
        this.#checkLater(name);
        return;
      }
      await this.#terminating(name, 'False', 'InstanceDeletionCompleted', 'removed all instances');
    }
    await updateEntry(this.#options.resource(), this.#call(name, '', [revision]), (current) => {
      const { metadata } = current as KubeObject;
      const finalizers = (metadata.finalizers ?? []).filter((finalizer) => finalizer !== cleanupFinalizer);
      return { ...(current as KubeObject), metadata: { ...metadata, finalizers } };
    });
  }

  async #deleteAll(definition: CustomResourceDefinition, revision: number): Promise<number> {
    try {
      return await this.#options.deleteAll(definition, [revision]);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      await this.#terminating(definition.metadata.name, 'True', 'InstanceDeletionFailed', `could not issue all deletes: ${why}`);
      throw error;
    }
  }

  /** Says so when objects have not gone for a while. */
  #checkLater(name: string): void {
    if (this.#checks.has(name)) return;
    const check = async (): Promise<void> => {
      this.#checks.delete(name);
      const { cache } = this.#options.resource();
      const definition = cache.get(cache.keyOf('', name))?.object as unknown as CustomResourceDefinition | undefined;
      if (this.#closed || !definition?.metadata.deletionTimestamp) return;
      const why = 'could not confirm zero CustomResources remaining: timed out waiting for the condition';
      await this.#terminating(name, 'True', 'InstanceDeletionCheck', why);
    };
    const timer = this.#options.clock.setTimer(checkAfter, () => {
      check().catch((error: unknown) => this.#options.log.warn('the end of a CustomResourceDefinition could not be told', { name, error }));
    });
    this.#checks.set(name, timer);
  }

  async #terminating(name: string, status: 'True' | 'False', reason: string, message: string): Promise<void> {
    await this.#writeStatus(name, ({ status: before }, now) => {
      const conditions = withCondition(before.conditions ?? [], { type: 'Terminating', status, reason, message }, now);
      return { ...before, conditions };
    });
  }

  async #writeStatus(
    name: string,
    next: (definition: CustomResourceDefinition, now: string) => CustomResourceDefinitionStatus,
  ): Promise<void> {
    const resource = this.#options.resource();
    const { environment, cache } = resource;
    const entry = cache.get(cache.keyOf('', name));
    if (!entry) return;
    await updateEntry(resource, this.#call(name, 'status', [entry.revision]), (current) => {
      const definition = current as unknown as CustomResourceDefinition;
      const status = next(definition, environment.timestamps.at(environment.clock.now()));
      return status === definition.status ? (current as KubeObject) : ({ ...definition, status } as unknown as KubeObject);
    });
  }

  #call(name: string, subresource: string, causes: readonly number[]) {
    const { declaration } = this.#options.resource();
    return { declaration, context: definitionContext('update', causes), key: { namespace: '', name }, subresource };
  }
}
