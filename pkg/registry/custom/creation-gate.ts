import { ApiError, qualifiedResource } from '../../api/errors.ts';
import type { ResourceDeclaration } from '../contract.ts';

/**
 * What creates objects of a definition passes here. When the definition is being deleted, the gate is shut: whoever
 * empties it waits until those that are through have ended, and nobody leaves an object behind. Requests may hold a
 * storage that is older than the definition's end, so all storages of a definition share one gate.
 */
export class CreationGate {
  readonly #under = new Set<Promise<unknown>>();
  #state: 'open' | 'terminating' | 'gone' = 'open';

  shut(state: 'terminating' | 'gone'): void {
    this.#state = state;
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  /** Throws Forbidden, or NotFound once the definition is gone. */
  async pass<T>(declaration: ResourceDeclaration, name: string, create: () => Promise<T>): Promise<T> {
    if (this.#state === 'gone') throw new ApiError('NotFound', 'the server could not find the requested resource');
    if (this.#state === 'terminating') {
      const why = 'create not allowed while custom resource definition is terminating';
      throw new ApiError('Forbidden', `${qualifiedResource(declaration)} ${JSON.stringify(name || 'Unknown')} is forbidden: ${why}`, {
        details: { name: name || 'Unknown', group: declaration.group, kind: declaration.resource },
      });
    }
    const running = create();
    this.#under.add(running);
    try {
      return await running;
    } finally {
      this.#under.delete(running);
    }
  }

  /** When it resolves, everything that passed before has ended. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#under]);
  }
}
