import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import type { FakeBehavior } from '../cri/fake/behavior.ts';
import { FakeRuntime } from '../cri/fake/fake-runtime.ts';
import { MemoryHost } from '../kubelet/memory-host.ts';
import { SimulatedNetwork } from '../network/simulated-network.ts';
import type { Machine, NodeMachine } from './machine.ts';

export interface SimulatedMachineOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** What containers do unless their pods' annotations say otherwise. */
  readonly behavior?: FakeBehavior;
}

/** A node that is simulated shows its runtime, so that a test can hurt single containers. */
export interface SimulatedNodeMachine extends NodeMachine {
  readonly runtime: FakeRuntime;
}

/** A machine of fake runtimes, memory and addresses: for tests, simulations and browsers. */
export function createSimulatedMachine(options: SimulatedMachineOptions): Machine {
  const network = new SimulatedNetwork();
  return {
    runtimeName: 'fake',
    hostAddress: network.hostAddress,
    async addNode(name): Promise<SimulatedNodeMachine> {
      const nodeNetwork = await network.addNode(name);
      const runtime = new FakeRuntime({
        clock: options.clock,
        random: options.random.fork(`runtime/${name}`),
        network: nodeNetwork,
        ...(options.behavior ? { behavior: options.behavior } : {}),
      });
      return {
        name,
        runtime,
        images: runtime,
        network: nodeNetwork,
        host: new MemoryHost({ runtime, node: name }),
        directory: '/var/lib/kubelet',
        proxyBackend: () => undefined,
        async powerOff() {
          await runtime.powerOff();
        },
        async powerOn() {
          runtime.powerOn();
        },
        remove: () => network.removeNode(name),
      };
    },
    hostProxyBackend: () => undefined,
    close: () => network.close(),
  };
}
