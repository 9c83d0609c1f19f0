/**
 * The contract of `Store` as a test suite that every engine runs. Each file in `contract/` holds the properties of
 * one subject; the naive model they compare with is `contract/model-store.ts`.
 */
import { describe } from 'node:test';
import { registerConcurrency } from './contract/concurrency.ts';
import { registerReadsAndCommits } from './contract/reads-and-commits.ts';
import { registerWatches } from './contract/watches.ts';
import type { Store } from './store.ts';

/** One store under test. It may hold keys of others, outside the prefix that a test picks for itself. */
export interface StoreUnderTest {
  store: Store;
  /** Another client of the same data, where the engine has such a thing. The harness closes it. */
  another?(): Promise<Store>;
  /** Closes the store and opens it again on the same data, where the engine keeps any; replaces `store`. */
  reopen?(): Promise<void>;
  /** Closes the store and removes what it left. */
  dispose(): Promise<void>;
}

export interface Engine {
  readonly name: string;
  /** Why this engine cannot be tested here, with the command that would enable it. */
  readonly skip?: string | undefined;
  open(): Promise<StoreUnderTest>;
  /** Runs of each property; fewer for engines behind a network. Default 100. */
  readonly runs?: number;
}

/** Registers the suite with node:test. */
export function storeContract(engine: Engine): void {
  describe(`store contract: ${engine.name}`, engine.skip === undefined ? {} : { skip: engine.skip }, () => {
    registerReadsAndCommits(engine);
    registerWatches(engine);
    registerConcurrency(engine);
  });
}
