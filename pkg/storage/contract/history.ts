/** Histories of concurrent clients of a store, for the linearizability checker: what is recorded, and its model. */
import { randomInt, SeededRandom } from '../../clock/random.ts';
import { isStoreError, type Operation, prefixRange, type Store } from '../store.ts';
import { bytes } from './harness.ts';
import type { Call, SequentialModel } from './linearizability.ts';

/** A value of '' stands for "no such key", in inputs and outputs. */
type Input =
  | { readonly kind: 'get'; readonly name: string }
  | { readonly kind: 'list' }
  | { readonly kind: 'commit'; readonly writes: readonly { readonly name: string; readonly value: string; readonly expect?: string }[] };
type Output = { readonly kind: 'values'; readonly values: readonly string[] } | { readonly kind: 'ok' } | { readonly kind: 'conflict' };

const names = ['x', 'y', 'z'];

/** The state: the values under `names`, in that order. */
export const storeModel: SequentialModel<readonly string[], Input, Output> = {
  initial: names.map(() => ''),
  fingerprint: (state) => state.join(),
  step(state, input, output) {
    if (input.kind !== 'commit') {
      const values = input.kind === 'list' ? state : [state[names.indexOf(input.name)]];
      return output === undefined || (output.kind === 'values' && output.values.join() === values.join()) ? state : undefined;
    }
    const holds = input.writes.every((w) => w.expect === undefined || state[names.indexOf(w.name)] === w.expect);
    if (output !== undefined && output.kind !== (holds ? 'ok' : 'conflict')) return undefined;
    return holds ? names.map((name, i) => input.writes.find((w) => w.name === name)?.value ?? (state[i] as string)) : state;
  },
};

export interface RecordOptions {
  readonly seed: string;
  /** Calls that each client makes, at most. */
  readonly calls: number;
  /** Awaited before each call; false ends the recording. */
  readonly next?: () => Promise<boolean>;
}

/** Lets five clients call the stores at random, and writes down what they asked, what they got, and when. */
export async function recordHistory(stores: readonly Store[], prefix: string, options: RecordOptions): Promise<Call<Input, Output>[]> {
  const history: Call<Input, Output>[] = [];
  let clock = 0;
  const client = async (id: number): Promise<void> => {
    const random = new SeededRandom(`${options.seed}/${id}`);
    const store = stores[id % stores.length] as Store;
    /** What this client last saw under each name: the expectation of its compare-and-sets. */
    const seen = new Map<string, Seen>(names.map((name) => [name, { revision: 0, value: '' }]));
    for (let i = 0; i < options.calls; i++) {
      if (options.next && !(await options.next())) return;
      const input = randomInput(random, `${id}.${i}`, seen);
      const start = clock++;
      const output = await call(store, prefix, input, seen);
      if (output === 'nothing') continue;
      history.push({ input, output, start, end: output === undefined ? Number.POSITIVE_INFINITY : clock++ });
    }
  };
  await Promise.all([0, 1, 2, 3, 4].map(client));
  return history;
}

function randomInput(random: SeededRandom, value: string, seen: ReadonlyMap<string, Seen>): Input {
  const name = names[randomInt(random, names.length)] as string;
  const roll = random.next();
  if (roll < 0.25) return { kind: 'get', name };
  if (roll < 0.4) return { kind: 'list' };
  const other = names[(names.indexOf(name) + 1) % names.length] as string;
  const first = { name, value: random.next() < 0.2 ? '' : value };
  const expecting = { ...first, expect: (seen.get(name) as Seen).value };
  if (roll < 0.6) return { kind: 'commit', writes: [first] };
  return { kind: 'commit', writes: roll < 0.85 ? [expecting] : [expecting, { name: other, value }] };
}

/** undefined: it is not known what came of it; `nothing`: it certainly did not happen. */
async function call(store: Store, prefix: string, input: Input, seen: Map<string, Seen>): Promise<Output | undefined | 'nothing'> {
  try {
    return input.kind === 'commit' ? await commit(store, prefix, input, seen) : await read(store, prefix, input, seen);
  } catch (error) {
    if (isStoreError(error, 'Unavailable')) return 'nothing';
    if (isStoreError(error, 'Unknown') && input.kind === 'commit') return undefined;
    throw error;
  }
}

async function commit(store: Store, prefix: string, input: Input & { kind: 'commit' }, seen: Map<string, Seen>): Promise<Output> {
  const operations = input.writes.map((w): Operation => {
    const expect = w.expect === undefined ? undefined : (seen.get(w.name)?.revision ?? 0);
    return { key: prefix + w.name, value: w.value === '' ? undefined : bytes(w.value), ...(expect !== undefined && { expect }) };
  });
  const result = await store.commit(operations);
  if (!result.ok) return { kind: 'conflict' };
  for (const { name, value } of input.writes) seen.set(name, { revision: value === '' ? 0 : result.revision, value });
  return { kind: 'ok' };
}

async function read(store: Store, prefix: string, input: Exclude<Input, { kind: 'commit' }>, seen: Map<string, Seen>): Promise<Output> {
  const wanted = input.kind === 'list' ? names : [input.name];
  const items = input.kind === 'list' ? (await store.list(prefixRange(prefix))).items : [(await store.get(prefix + input.name)).item];
  const values = wanted.map((name) => {
    const item = items.find((found) => found?.key === prefix + name);
    const value = new TextDecoder().decode(item?.value);
    seen.set(name, { revision: item?.modRevision ?? 0, value });
    return value;
  });
  return { kind: 'values', values };
}

interface Seen {
  readonly revision: number;
  readonly value: string;
}
