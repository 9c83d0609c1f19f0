/**
 * A control plane in one process: registry and API server over a store, the control loops and the scheduler as
 * clients of it. In the order in which a request meets them; `run` starts what moves by itself.
 */
import type { UserInfo } from '../api/http.ts';
import { createControllerManager } from '../controller/controller-manager.ts';
import type { Environment } from '../listwatch/contract.ts';
import { createInformerFactory } from '../listwatch/informer-factory.ts';
import { runTogether } from '../listwatch/run-together.ts';
import { createScheduler, type Scheduler } from '../scheduler/scheduler.ts';
import { type ApiPlane, type ApiPlaneOptions, createApiPlane } from './api-plane.ts';
import { firstAddress } from './cluster-options.ts';
import { components } from './components.ts';

export interface ControlPlaneOptions extends ApiPlaneOptions {
  readonly controllers?: readonly string[];
  /** PEM of the cluster's CA, for `kube-root-ca.crt`. */
  readonly rootCA: string;
  /** Where pods reach the API server; the `kubernetes` Service leads there. */
  readonly serverEndpoint: { readonly address: string; readonly port: number };
}

export interface ControlPlane extends ApiPlane {
  readonly scheduler: Scheduler;
  /** Control loops and scheduler, until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
}

export function createControlPlane(options: ControlPlaneOptions): ControlPlane {
  const { clock, random, log, metrics, network } = options;
  const plane = createApiPlane(options);
  const environment = (user: UserInfo, component: string): Environment => ({
    client: plane.client(user, component),
    clock,
    random: random.fork(component),
    log: log.child({ component }),
    metrics,
  });

  const schedulerEnvironment = environment(components.scheduler, 'kube-scheduler');
  const schedulerInformers = createInformerFactory(schedulerEnvironment);
  const scheduler = createScheduler({ ...schedulerEnvironment, informers: schedulerInformers });
  const manager = createControllerManager(environment(components.controller, 'kube-controller-manager'), {
    clusterCIDR: network.clusterCIDR,
    rootCA: options.rootCA,
    apiServerEndpoints: {
      addresses: [options.serverEndpoint.address],
      port: options.serverEndpoint.port,
      clusterIP: firstAddress(network.serviceCIDR),
    },
    ...(options.controllers ? { controllers: options.controllers } : {}),
    ...(options.nodeMonitorGracePeriod === undefined ? {} : { nodeMonitorGracePeriod: options.nodeMonitorGracePeriod }),
  });

  return {
    ...plane,
    scheduler,
    run: (signal) =>
      runTogether([(stop) => manager.run(stop), (stop) => schedulerInformers.run(stop), (stop) => scheduler.run(stop)], signal),
  };
}
