import type { Api } from '../api.ts';
import type { ResourceMapper } from '../resource-mapper.ts';
import type { Lines } from './lines.ts';

/** What a describer may look at beside its object. */
export interface DescribeContext {
  readonly api: Api;
  readonly mapper: ResourceMapper;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export type Describer<T> = (object: T, lines: Lines, context: DescribeContext) => Promise<void>;
