/**
 * The service proxy of one node (kube-proxy): watches Services and EndpointSlices and keeps a backend in step with
 * them. Reading order: `service-ports.ts` (what is wanted, pure), `nftables.ts` and `userspace.node.ts` (the two
 * ways to get it), and this file, the loop between them.
 *
 * Guarantees: a change is in force at most `minSyncPeriod` plus the backend's own time after it was seen; changes
 * that come together are applied together; a failed apply is repeated with back-off until it succeeds.
 */
import { endpointslices, services } from '../api/generated/resources.ts';
import type { Environment, InformerFactory, Runnable } from '../listwatch/contract.ts';
import { computeServicePorts, type ServicePort } from './service-ports.ts';

/** Makes service ports real. */
export interface ProxyBackend {
  /** `nftables`, `userspace`: for logs and status. */
  readonly name: string;
  /** Makes exactly these ports work; earlier ones that are missing stop. Atomic as far as the backend can be. */
  apply(ports: readonly ServicePort[]): Promise<void>;
  /** Takes everything away. */
  close(): Promise<void>;
}

export interface ProxyOptions {
  /** The node that this proxy serves; absent: the machine itself, which runs no pods. */
  readonly node?: string;
  readonly backend: ProxyBackend;
  readonly informers: InformerFactory;
  /** Milliseconds between two applies; changes in between are merged. Default 50. */
  readonly minSyncPeriod?: number;
}

const firstRetry = 100;
const longestRetry = 10_000;

export function createProxy(env: Environment, options: ProxyOptions): Runnable {
  const { clock } = env;
  const log = env.log.child({ component: 'proxy', node: options.node ?? 'host' });
  const serviceInformer = options.informers.informer(services);
  const sliceInformer = options.informers.informer(endpointslices);
  const latency = env.metrics.histogram({
    name: 'kubeproxy_sync_proxy_rules_duration_seconds',
    help: 'How long it took to apply the rules of all services',
  });
  const minSyncPeriod = options.minSyncPeriod ?? 50;

  return {
    name: `proxy/${options.node ?? 'host'}`,
    async run(signal) {
      let wake: () => void = () => {};
      let dirty = true;
      const touch = (): void => {
        dirty = true;
        wake();
      };
      const handler = { onAdd: touch, onUpdate: touch, onDelete: touch };
      serviceInformer.addHandler(handler);
      sliceInformer.addHandler(handler);
      signal.addEventListener('abort', touch, { once: true });
      try {
        await options.informers.whenSynced(signal);
        let retry = firstRetry;
        while (!signal.aborted) {
          if (!dirty) {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
            continue;
          }
          dirty = false;
          const started = clock.monotonic();
          let pause = minSyncPeriod;
          try {
            await options.backend.apply(computeServicePorts(serviceInformer.lister.list(), sliceInformer.lister.list(), options.node));
            latency.observe((clock.monotonic() - started) / 1000);
            retry = firstRetry;
          } catch (error) {
            dirty = true;
            pause = retry;
            retry = Math.min(retry * 2, longestRetry);
            log.error('could not apply service rules; trying again', { error, backend: options.backend.name, afterMs: pause });
          }
          await clock.sleep(pause, signal);
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        await options.backend.close();
      }
    },
  };
}
