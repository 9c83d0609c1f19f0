import type { UserInfo } from '../api/http.ts';
import { ApiServer } from '../apiserver/api-server.ts';
import { ServiceAccountTokens } from '../apiserver/auth/service-account-tokens.ts';
import type { BackendDialer, KubeletDialer } from '../apiserver/connect/dialers.ts';
import { NetworkWebhookDialer } from '../apiserver/connect/network-webhook-dialer.ts';
import type { Compressor } from '../apiserver/resource-call.ts';
import type { Client } from '../client/client.ts';
import { createClient } from '../client/create-client.ts';
import type { TokenSigner } from '../client/credentials/credentials.ts';
import { InProcessTransport } from '../client/in-process-transport.ts';
import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import type { Logger } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { Registry } from '../registry/registry.ts';
import type { Store } from '../storage/store.ts';
import { createSystemNamespaces, createSystemObjects } from './bootstrap.ts';
import type { NetworkPlan, Patience } from './cluster-options.ts';
import { components } from './components.ts';
import { healthChecks } from './health-checks.ts';

export interface ApiPlaneOptions extends Patience {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly network: NetworkPlan;
  /** Signs service accounts' tokens. */
  readonly signer: TokenSigner;
  /** The API server's way to kubelets. */
  readonly kubelets: KubeletDialer;
  /** Its way to pods and services, for proxies. */
  readonly backends?: BackendDialer;
  /** Its way to webhooks; `backends` unless stated. */
  readonly webhooks?: BackendDialer;
  readonly compressor?: Compressor;
  /** What /version says this runs on: `linux/amd64`. */
  readonly platform?: string;
}

/** The half of a control plane that answers: registry and API server over a store. The other half are its clients. */
export interface ApiPlane {
  readonly registry: Registry;
  readonly server: ApiServer;
  /** The cut-able line that a client of this process talks through. */
  line(user: UserInfo): InProcessTransport;
  client(user: UserInfo, agent: string): Client;
  /** Registry and bootstrap objects; the API server answers from then on. */
  start(): Promise<void>;
  /** Ends the registry's watches. The store stays open. */
  close(): Promise<void>;
}

export function createApiPlane(options: ApiPlaneOptions): ApiPlane {
  const { clock, random, log, metrics, network } = options;
  const webhooks = options.webhooks ?? options.backends;
  const registry: Registry = new Registry({
    store: options.store,
    clock,
    random: random.fork('registry'),
    log: log.child({ component: 'registry' }),
    metrics,
    serviceCIDRs: [network.serviceCIDR],
    nodePortRange: { from: network.nodePortRange[0], to: network.nodePortRange[1] },
    ...(webhooks
      ? { webhooks: new NetworkWebhookDialer({ backends: webhooks, clock, random: random.fork('webhooks'), registry: () => registry }) }
      : {}),
    ...(options.notReadyTolerationSeconds === undefined ? {} : { notReadyTolerationSeconds: options.notReadyTolerationSeconds }),
    ...(options.unreachableTolerationSeconds === undefined ? {} : { unreachableTolerationSeconds: options.unreachableTolerationSeconds }),
  });
  let phase: 'starting' | 'serving' | 'closing' = 'starting';
  const server = new ApiServer({
    registry,
    healthChecks: healthChecks({ store: options.store, registry, phase: () => phase }),
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
  return {
    registry,
    server,
    line,
    client,
    async start() {
      await registry.start();
      const bootstrap = client(components.apiserver, 'kube-apiserver');
      await createSystemNamespaces(bootstrap);
      await createSystemObjects(bootstrap, network);
      phase = 'serving';
    },
    async close() {
      phase = 'closing';
      server.close();
      await registry.close();
    },
  };
}
