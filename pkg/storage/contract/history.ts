/**
 * Histories of concurrent clients of a store, for the linearizability checker: what is recorded, and its model. The
 * model knows values and revisions: that a commit gets a revision greater than all before it, that a read tells the
 * revision it was made at, and that every key says which commit wrote it.
 */
import { randomInt, SeededRandom } from '../../clock/random.ts';
import { isStoreError, type KeyValue, type Operation, prefixRange, type Store } from '../store.ts';
import { bytes } from './harness.ts';
import type { Call, SequentialModel } from './linearizability.ts';

/** `value` '' and `mod` 0: no such key. */
interface Cell {
  readonly value: string;
  /** The revision of the write; undefined: of a commit that never told it. */
  readonly mod: number | undefined;
}
interface Write {
  readonly name: string;
  readonly value: string;
  /** The modRevision that the key must have. */
  readonly expect?: number;
}
type Input =
  | { readonly kind: 'get'; readonly name: string }
  | { readonly kind: 'list' }
  | { readonly kind: 'past'; readonly revision: number }
  | { readonly kind: 'commit'; readonly writes: readonly Write[] };
/** `cells`: under each name that was read; of a conflict, under each name whose expectation failed. */
type Output = { readonly revision: number } & (
  | { readonly kind: 'values' | 'conflict'; readonly cells: Readonly<Record<string, Cell>> }
  | { readonly kind: 'ok' }
);

const names = ['x', 'y', 'z'];
const nothing: Cell = { value: '', mod: 0 };

export interface StoreState {
  /** The newest revision that somebody can have been told of. */
  readonly revision: number;
  readonly cells: Readonly<Record<string, Cell>>;
}

export type StoreCall = Call<Input, Output>;

export const storeModel: SequentialModel<StoreState, Input, Output> = {
  initial: { revision: 0, cells: Object.fromEntries(names.map((name) => [name, nothing])) },
  fingerprint: ({ revision, cells }) => `${revision} ${names.map((name) => `${cells[name]?.value}@${cells[name]?.mod}`).join()}`,
  step(state, input, output) {
    // What has been read of the past is checked by itself: `checkPast`.
    if (input.kind === 'past') return state;
    if (output && output.revision < state.revision) return undefined;
    if (input.kind !== 'commit') return output?.kind === 'values' ? observe(state, output.revision, output.cells) : state;
    return commitStep(state, input.writes, output);
  },
};

function commitStep(state: StoreState, writes: readonly Write[], output: Output | undefined): StoreState | undefined {
  const failed = writes.filter(({ name, expect }) => expect !== undefined && !mayBe(state.cells[name] as Cell, expect));
  if (output?.kind === 'conflict') {
    const seen = observe(state, output.revision, output.cells);
    const said = Object.keys(output.cells);
    // A key that was not named held what was expected of it.
    const rest = writes.filter(({ name, expect }) => expect !== undefined && !said.includes(name));
    if (!seen || said.length === 0 || rest.some(({ name, expect }) => !mayBe(seen.cells[name] as Cell, expect as number))) return undefined;
    return writes.every(({ name, expect }) => !said.includes(name) || (seen.cells[name] as Cell).mod !== expect) ? seen : undefined;
  }
  if (failed.length > 0) return output ? undefined : state;
  const changes = writes.filter(({ name, value }) => value !== '' || state.cells[name]?.value !== '');
  if (changes.length === 0) return { ...state, revision: output?.revision ?? state.revision };
  if (output && output.revision <= state.revision) return undefined;
  const cells = { ...state.cells };
  for (const { name, value } of changes) cells[name] = value === '' ? nothing : { value, mod: output?.revision };
  return { revision: output?.revision ?? state.revision, cells };
}

/** The state if it can show these cells; what was not known of it is known then. */
function observe(state: StoreState, revision: number, seen: Readonly<Record<string, Cell>>): StoreState | undefined {
  const cells = { ...state.cells };
  for (const [name, { value, mod }] of Object.entries(seen)) {
    const cell = state.cells[name] as Cell;
    if (cell.value !== value || !mayBe(cell, mod as number) || (mod as number) > revision) return undefined;
    cells[name] = { value, mod };
  }
  return { revision, cells };
}

function mayBe(cell: Cell, mod: number): boolean {
  return cell.mod === mod || (cell.mod === undefined && mod > 0);
}

/** Two reads of one past revision show the same, and what was read as the newest once is read as the past later. */
export function checkPast(history: readonly StoreCall[]): string | undefined {
  const known = new Map<string, { start: number; text: string }>();
  for (const { input, output, start } of history.toSorted((a, b) => a.start - b.start)) {
    if (output?.kind !== 'values') continue;
    const revision = input.kind === 'past' ? input.revision : output.revision;
    for (const [name, { value, mod }] of Object.entries(output.cells)) {
      const text = `${value}@${mod}`;
      const before = known.get(`${name}@${revision}`);
      if (before && before.text !== text) return `${name} at revision ${revision} was ${before.text}, and then ${text}`;
      known.set(`${name}@${revision}`, { start, text });
    }
  }
  return undefined;
}

export interface RecordOptions {
  readonly seed: string;
  /** Calls that each client makes, at most. */
  readonly calls: number;
  /** Awaited before each call; false ends the recording. */
  readonly next?: () => Promise<boolean>;
  /** Told of each call as it begins and ends, for a recorder that may not live to return them. */
  readonly tell?: (line: string) => void;
  /** Reads of the past are asked for too; not where somebody compacts. */
  readonly past?: boolean;
}

/** Lets five clients call the stores at random, and writes down what they asked, what they got, and when. */
export async function recordHistory(stores: readonly Store[], prefix: string, options: RecordOptions): Promise<StoreCall[]> {
  const history: StoreCall[] = [];
  let clock = 0;
  const client = async (id: number): Promise<void> => {
    const random = new SeededRandom(`${options.seed}/${id}`);
    const store = stores[id % stores.length] as Store;
    /** The modRevision that this client last saw under each name: the expectation of its compare-and-sets. */
    const seen = new Map<string, number>(names.map((name) => [name, 0]));
    let newest = 0;
    for (let i = 0; i < options.calls; i++) {
      if (options.next && !(await options.next())) return;
      const input = randomInput(random, `${id}.${i}.${options.seed}`, { seen, newest: options.past ? newest : 0 });
      const start = clock++;
      options.tell?.(JSON.stringify({ start, input }));
      const output = await call(store, prefix, input, seen);
      if (output !== undefined && output !== 'nothing') newest = Math.max(newest, output.revision);
      const end = clock++;
      options.tell?.(JSON.stringify({ start, end, output }));
      if (output === 'nothing') continue;
      history.push({ input, output, start, end: output === undefined ? Number.POSITIVE_INFINITY : end });
    }
  };
  await Promise.all([0, 1, 2, 3, 4].map(client));
  return history;
}

/** The calls that a recorder told of before its end; those under way then may have happened or not. */
export function toldHistory(lines: readonly string[]): StoreCall[] {
  const calls = new Map<number, StoreCall>();
  for (const line of lines) {
    const { start, input, end, output } = JSON.parse(line) as { start: number; input?: Input; end?: number; output?: Output | 'nothing' };
    if (input) calls.set(start, { input, output: undefined, start, end: Number.POSITIVE_INFINITY });
    else if (output === 'nothing') calls.delete(start);
    else if (output && end !== undefined) calls.set(start, { ...(calls.get(start) as StoreCall), output, end });
  }
  // A read that was not answered says nothing.
  return [...calls.values()].filter(({ input, output }) => output !== undefined || input.kind === 'commit');
}

/** A list of everything, as the last call of a history. */
export async function finalRead(store: Store, prefix: string, history: readonly StoreCall[]): Promise<StoreCall> {
  const start = Math.max(0, ...history.flatMap((each) => (each.end === Number.POSITIVE_INFINITY ? [each.start] : [each.end]))) + 1;
  const input: Input = { kind: 'list' };
  return { input, output: await read(store, prefix, input, new Map()), start, end: start + 1 };
}

/** The state that a final read has shown, for the history that goes on from there. */
export function stateAfter(final: StoreCall): StoreState {
  const { revision, cells } = final.output as Output & { kind: 'values' };
  return { revision, cells };
}

interface Knowledge {
  readonly seen: ReadonlyMap<string, number>;
  readonly newest: number;
}

function randomInput(random: SeededRandom, value: string, { seen, newest }: Knowledge): Input {
  const name = names[randomInt(random, names.length)] as string;
  const roll = random.next();
  if (roll < 0.05 && newest > 0) return { kind: 'past', revision: newest };
  if (roll < 0.25) return { kind: 'get', name };
  if (roll < 0.4) return { kind: 'list' };
  const other = names[(names.indexOf(name) + 1) % names.length] as string;
  const first = { name, value: random.next() < 0.2 ? '' : value };
  const expecting = { ...first, expect: seen.get(name) as number };
  if (roll < 0.6) return { kind: 'commit', writes: [first] };
  return { kind: 'commit', writes: roll < 0.85 ? [expecting] : [expecting, { name: other, value }] };
}

/** undefined: it is not known what came of it; `nothing`: it certainly did not happen. */
async function call(store: Store, prefix: string, input: Input, seen: Map<string, number>): Promise<Output | undefined | 'nothing'> {
  try {
    return input.kind === 'commit' ? await commit(store, prefix, input, seen) : await read(store, prefix, input, seen);
  } catch (error) {
    if (isStoreError(error, 'Unavailable')) return 'nothing';
    if (isStoreError(error, 'Unknown') && input.kind === 'commit') return undefined;
    throw error;
  }
}

async function commit(store: Store, prefix: string, input: Input & { kind: 'commit' }, seen: Map<string, number>): Promise<Output> {
  const operations = input.writes.map(({ name, value, expect }): Operation => {
    return { key: prefix + name, value: value === '' ? undefined : bytes(value), ...(expect !== undefined && { expect }) };
  });
  const result = await store.commit(operations);
  const { revision } = result;
  if (!result.ok) {
    const cells = [...result.current].map(([key, item]): [string, Cell] => [key.slice(prefix.length), cellOf(item)]);
    for (const [name, { mod }] of cells) seen.set(name, mod as number);
    return { kind: 'conflict', revision, cells: Object.fromEntries(cells) };
  }
  for (const { name, value } of input.writes) seen.set(name, value === '' ? 0 : revision);
  return { kind: 'ok', revision };
}

async function read(store: Store, prefix: string, input: Exclude<Input, { kind: 'commit' }>, seen: Map<string, number>): Promise<Output> {
  const wanted = input.kind === 'get' ? [input.name] : names;
  const at = input.kind === 'past' ? { revision: input.revision } : {};
  const { revision, items } =
    input.kind === 'get'
      ? await store.get(prefix + input.name).then((got) => ({ revision: got.revision, items: [got.item] }))
      : await store.list(prefixRange(prefix), at);
  const cells = wanted.map((name): [string, Cell] => [name, cellOf(items.find((found) => found?.key === prefix + name))]);
  if (input.kind !== 'past') for (const [name, { mod }] of cells) seen.set(name, mod as number);
  return { kind: 'values', revision, cells: Object.fromEntries(cells) };
}

function cellOf(item: KeyValue | undefined): Cell {
  return item ? { value: new TextDecoder().decode(item.value), mod: item.modRevision } : nothing;
}
