/** The checker must find what it is there to find: stores that are wrong in one way each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from '../memory-store.ts';
import {
  type CommitOptions,
  type CommitResult,
  type GetResult,
  type KeyRange,
  type ListOptions,
  type ListResult,
  type Operation,
  type ReadOptions,
  StoreError,
} from '../store.ts';
import { checkPast, finalRead, recordHistory, stateAfter, storeModel, toldHistory } from './history.ts';
import { isLinearizable } from './linearizability.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Every call takes a while before and after it happens, so that calls overlap. */
class SlowStore extends MemoryStore {
  protected calls = 0;
  override async get(key: string, options?: ReadOptions): Promise<GetResult> {
    await turn();
    const result = await super.get(key, options);
    await turn();
    return result;
  }
  override async list(range: KeyRange, options?: ListOptions): Promise<ListResult> {
    await turn();
    const result = await super.list(range, options);
    await turn();
    return result;
  }
  override async commit(operations: readonly Operation[], options?: CommitOptions): Promise<CommitResult> {
    this.calls++;
    await turn();
    const result = await super.commit(operations, options);
    await turn();
    return result;
  }
}

/** Reads show the commit before the newest one. */
class StaleReads extends SlowStore {
  override async get(key: string, options: ReadOptions = {}): Promise<GetResult> {
    const now = await super.revision();
    return super.get(key, { revision: Math.max(0, now - 1), ...options });
  }
}
/** A list is put together from two moments. */
class TornLists extends SlowStore {
  override async list(range: KeyRange, options: ListOptions = {}): Promise<ListResult> {
    const first = await super.list(range, options);
    await turn();
    const second = await super.list(range, options);
    return { ...second, items: [...first.items.slice(0, 1), ...second.items.filter(({ key }) => key !== first.items[0]?.key)] };
  }
}
/** Expectations are looked at some time before the commit. */
class LateChecks extends SlowStore {
  override async commit(operations: readonly Operation[], options?: CommitOptions): Promise<CommitResult> {
    const stale = new Map<string, number>();
    for (const { key } of operations) stale.set(key, (await super.get(key)).item?.modRevision ?? 0);
    if (operations.some(({ key, expect }) => expect !== undefined && expect !== stale.get(key))) return super.commit(operations, options);
    return super.commit(
      operations.map(({ key, value }) => ({ key, value })),
      options,
    );
  }
}
/** The keys of one commit come one by one. */
class SplitCommits extends SlowStore {
  override async commit(operations: readonly Operation[], options?: CommitOptions): Promise<CommitResult> {
    let result = await super.commit(operations.slice(0, 1), options);
    if (operations.length > 1 && result.ok) result = await super.commit(operations.slice(1), options);
    return result;
  }
}
/** Says now and then that a commit certainly did not happen, when it did. */
class FalseRefusals extends SlowStore {
  override async commit(operations: readonly Operation[], options?: CommitOptions): Promise<CommitResult> {
    const result = await super.commit(operations, options);
    if (result.ok && this.calls % 7 === 0) throw new StoreError('Unavailable', 'it did not happen');
    return result;
  }
}
/** Sends again what it has had no answer to, and says what came of the second attempt. */
class Repeats extends SlowStore {
  override async commit(operations: readonly Operation[], options?: CommitOptions): Promise<CommitResult> {
    const result = await super.commit(operations, options);
    if (result.ok && this.calls % 5 === 0) return super.commit(operations, options);
    return result;
  }
}
/** Acknowledges now and then what it then forgets. */
class Forgets extends SlowStore {
  override async commit(operations: readonly Operation[], options?: CommitOptions): Promise<CommitResult> {
    if (this.calls++ % 9 === 0 && operations.every(({ expect }) => expect === undefined))
      return { ok: true, revision: (await this.revision()) + 1 };
    return super.commit(operations, options);
  }
}
/** Tells a commit's revision one too small. */
class WrongRevisions extends SlowStore {
  override async commit(operations: readonly Operation[], options?: CommitOptions): Promise<CommitResult> {
    const result = await super.commit(operations, options);
    return result.ok && this.calls % 6 === 0 ? { ...result, revision: result.revision - 1 } : result;
  }
}
/** A refusal shows what stood there a moment ago. */
class StaleRefusals extends SlowStore {
  override async commit(operations: readonly Operation[], options?: CommitOptions): Promise<CommitResult> {
    const before = new Map(await Promise.all(operations.map(async ({ key }) => [key, (await super.get(key)).item] as const)));
    await turn();
    const result = await super.commit(operations, options);
    return result.ok ? result : { ...result, current: new Map([...result.current.keys()].map((key) => [key, before.get(key)])) };
  }
}

async function findsFault(make: () => MemoryStore, rounds: number): Promise<boolean> {
  for (let round = 0; round < rounds; round++) {
    const store = make();
    const calls = await recordHistory([store], '/k/', { seed: String(round), calls: 12, past: true });
    const history = [...calls, await finalRead(store, '/k/', calls)];
    if (!isLinearizable(storeModel, history) || checkPast(history) !== undefined) return true;
  }
  return false;
}

test('a store that is right is never refused', async () => {
  assert.equal(await findsFault(() => new SlowStore(), 60), false);
});

for (const Broken of [StaleReads, TornLists, LateChecks, SplitCommits, FalseRefusals, Repeats, Forgets, WrongRevisions, StaleRefusals]) {
  test(`a store with ${Broken.name} is found out`, async () => {
    assert.equal(await findsFault(() => new Broken(), 60), true);
  });
}

test('a past that changes is found out', async () => {
  class ChangingPast extends SlowStore {
    override async list(range: KeyRange, options: ListOptions = {}): Promise<ListResult> {
      return super.list(range, options.revision === undefined ? options : { ...options, revision: Math.max(0, options.revision - 1) });
    }
  }
  assert.equal(await findsFault(() => new ChangingPast(), 60), true);
});

test('a history of which the last answers are missing is checked with what stands there afterwards', async () => {
  for (let round = 0; round < 30; round++) {
    const store = new SlowStore();
    const lines: string[] = [];
    await recordHistory([store], '/k/', { seed: String(round), calls: 6, tell: (line) => lines.push(line) });
    const whole = toldHistory(lines);
    const final = await finalRead(store, '/k/', whole);
    const answers = lines.filter((line) => line.includes('"end"'));
    const unheard = new Set(answers.slice(answers.length - (round % 6)));
    const told = toldHistory(lines.filter((line) => !unheard.has(line)));
    assert.ok(isLinearizable(storeModel, [...told, final]));
    assert.ok(isLinearizable({ ...storeModel, initial: stateAfter(final) }, [final]));
    const forgotten = { ...final, output: { ...final.output, cells: storeModel.initial.cells } } as typeof final;
    if (JSON.stringify(forgotten) !== JSON.stringify(final)) assert.ok(!isLinearizable(storeModel, [...whole, forgotten]));
  }
});
