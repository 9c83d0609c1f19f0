import { SeededRandom } from '../../clock/random.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { silentLogger } from '../../log/log.ts';
import { MemoryStore } from '../../storage/memory-store.ts';
import type { Store } from '../../storage/store.ts';
import type { RequestContext } from '../contract.ts';
import { Registry, type RegistryOptions } from '../registry.ts';

/** A registry over a memory store on virtual time, started; for tests and benchmarks. */
export async function testRegistry(options: Partial<RegistryOptions> & { seed?: number } = {}): Promise<TestRegistry> {
  const clock = new VirtualClock();
  const store = options.store ?? new MemoryStore();
  const { seed = 1, ...rest } = options;
  const registry = new Registry({ clock, random: new SeededRandom(seed), log: silentLogger, ...rest, store });
  await registry.start();
  const warnings: string[] = [];
  let request = 0;
  const context = (changes: Partial<RequestContext> = {}): RequestContext => ({
    user: { name: 'kubernetes-admin', groups: ['system:masters'] },
    agent: 'test',
    requestId: `request-${++request}`,
    verb: 'test',
    causes: [],
    dryRun: false,
    fieldManager: 'test',
    fieldValidation: 'Warn',
    warn: (text) => warnings.push(text),
    signal: new AbortController().signal,
    ...changes,
  });
  return { registry, store, clock, context, warnings };
}

export interface TestRegistry {
  readonly registry: Registry;
  readonly store: Store;
  readonly clock: VirtualClock;
  context(changes?: Partial<RequestContext>): RequestContext;
  readonly warnings: readonly string[];
}
