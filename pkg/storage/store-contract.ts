/**
 * The contract of `Store` as a test suite that every engine runs. Each file in `contract/` holds the properties of
 * one subject; the naive model they compare with is `contract/model-store.ts`.
 */
import { describe } from 'node:test';
import { registerConcurrency } from './contract/concurrency.ts';
import type { Engine } from './contract/engine.ts';
import { registerReadsAndCommits } from './contract/reads-and-commits.ts';
import { registerWatches } from './contract/watches.ts';

export type { Engine, StoreUnderTest } from './contract/engine.ts';

/** Registers the suite with node:test. */
export function storeContract(engine: Engine): void {
  void describe(`store contract: ${engine.name}`, engine.skip === undefined ? {} : { skip: engine.skip }, () => {
    registerReadsAndCommits(engine);
    registerWatches(engine);
    registerConcurrency(engine);
  });
}
