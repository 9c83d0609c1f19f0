/**
 * A control plane in one process: registry and API server over a store, the control loops and the scheduler as
 * clients of it. In the order in which a request meets them; `run` starts what moves by itself.
 */
import type { UserInfo } from '../api/http.ts';
import { ApiServer } from '../apiserver/api-server.ts';
import { ServiceAccountTokens } from '../apiserver/auth/service-account-tokens.ts';
import type { BackendDialer, KubeletDialer } from '../apiserver/connect/dialers.ts';
import type { Compressor } from '../apiserver/resource-call.ts';
import type { Client } from '../client/client.ts';
import { createClient } from '../client/create-client.ts';
import type { TokenSigner } from '../client/credentials/credentials.ts';
import { InProcessTransport } from '../client/in-process-transport.ts';
import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import { createControllerManager } from '../controller/controller-manager.ts';
import type { Environment } from '../listwatch/contract.ts';
import { createInformerFactory } from '../listwatch/informer-factory.ts';
import { runTogether } from '../listwatch/run-together.ts';
import type { Logger } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { Registry } from '../registry/registry.ts';
import { createScheduler, type Scheduler } from '../scheduler/scheduler.ts';
import type { Store } from '../storage/store.ts';
import { createSystemNamespaces, createSystemObjects } from './bootstrap.ts';
import { firstAddress, type NetworkPlan, type Patience } from './cluster-options.ts';
import { components } from './components.ts';

export interface ControlPlaneOptions extends Patience {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly network: NetworkPlan;
  readonly controllers?: readonly string[];
  /** PEM of the cluster's CA, for `kube-root-ca.crt`. */
  readonly rootCA: string;
  /** Where pods reach the API server; the `kubernetes` Service leads there. */
  readonly serverEndpoint: { readonly address: string; readonly port: number };
  /** Signs service accounts' tokens. */
  readonly signer: TokenSigner;
  /** The API server's way to kubelets. */
  readonly kubelets: KubeletDialer;
  /** Its way to pods and services, for proxies. */
  readonly backends?: BackendDialer;
  readonly compressor?: Compressor;
  /** What /version says this runs on: `linux/amd64`. */
  readonly platform?: string;
}

export interface ControlPlane {
  readonly registry: Registry;
  readonly server: ApiServer;
  readonly scheduler: Scheduler;
  /** The cut-able line that a client of this process talks through. */
  line(user: UserInfo): InProcessTransport;
  client(user: UserInfo, agent: string): Client;
  /** Registry and bootstrap objects; the API server answers from then on. */
  start(): Promise<void>;
  /** Control loops and scheduler, until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  /** Ends the registry's watches. The store stays open. */
  close(): Promise<void>;
}

export function createControlPlane(options: ControlPlaneOptions): ControlPlane {
  const { clock, random, log, metrics, network } = options;
  const registry = new Registry({
    store: options.store,
    clock,
    random: random.fork('registry'),
    log: log.child({ component: 'registry' }),
    metrics,
    serviceCIDRs: [network.serviceCIDR],
    nodePortRange: { from: network.nodePortRange[0], to: network.nodePortRange[1] },
    ...(options.notReadyTolerationSeconds === undefined ? {} : { notReadyTolerationSeconds: options.notReadyTolerationSeconds }),
    ...(options.unreachableTolerationSeconds === undefined ? {} : { unreachableTolerationSeconds: options.unreachableTolerationSeconds }),
  });
  const server = new ApiServer({
    registry,
    tokens: new ServiceAccountTokens({ signer: options.signer, registry, clock, random: random.fork('tokens') }),
    kubelets: options.kubelets,
    ...(options.backends ? { backends: options.backends } : {}),
    ...(options.compressor ? { compressor: options.compressor } : {}),
    ...(options.platform ? { platform: options.platform } : {}),
    clock,
    random: random.fork('apiserver'),
    log: log.child({ component: 'apiserver' }),
    metrics,
  });
  const line = (user: UserInfo): InProcessTransport => new InProcessTransport({ server, user });
  const client = (user: UserInfo, agent: string): Client => createClient(line(user), { agent });
  const environment = (user: UserInfo, component: string): Environment => ({
    client: client(user, component),
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
    registry,
    server,
    scheduler,
    line,
    client,
    async start() {
      await registry.start();
      const bootstrap = client(components.apiserver, 'kube-apiserver');
      await createSystemNamespaces(bootstrap);
      await createSystemObjects(bootstrap, network);
    },
    run: (signal) =>
      runTogether([(stop) => manager.run(stop), (stop) => schedulerInformers.run(stop), (stop) => scheduler.run(stop)], signal),
    async close() {
      server.close();
      await registry.close();
    },
  };
}
