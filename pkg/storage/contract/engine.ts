import type { Store } from '../store.ts';

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
