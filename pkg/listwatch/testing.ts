import { SeededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { type Logger, silentLogger } from '../log/log.ts';
import { MemoryMetrics } from '../metrics/memory-metrics.ts';
import type { Environment } from './contract.ts';
import { createFakeClient } from './fake-client.ts';
import { FakeServer } from './fake-server.ts';

/** A whole world for one test: a virtual clock, a fake server, and an Environment on both. */
export interface TestEnvironment extends Environment {
  readonly clock: VirtualClock;
  readonly metrics: MemoryMetrics;
  readonly server: FakeServer;
}

export function createTestEnvironment(options: { readonly seed?: number; readonly log?: Logger } = {}): TestEnvironment {
  const clock = new VirtualClock();
  const random = new SeededRandom(options.seed ?? 7);
  const server = new FakeServer(clock, random.fork('server'));
  return { clock, random, server, client: createFakeClient(server), log: options.log ?? silentLogger, metrics: new MemoryMetrics() };
}
