import { ApiError } from '../api/errors.ts';
import type { Event, Node, Pod, PodSpec } from '../api/generated/core-v1.ts';
import { events, nodes, pods, serviceaccounts } from '../api/generated/resources.ts';
import type { Draft, KubeObject, ResourceRef } from '../api/object.ts';
import type { Client, Patch, ResourceClient, WriteOptions } from '../client/client.ts';
import { formatTime } from '../clock/clock.ts';
import { FakeRuntime, type FakeRuntimeOptions } from '../cri/fake/fake-runtime.ts';
import { createInformerFactory } from '../listwatch/informer-factory.ts';
import { createTestEnvironment, type TestEnvironment } from '../listwatch/testing.ts';
import type { NodeNetwork } from '../network/network.ts';
import { createKubelet, type Kubelet, type KubeletOptions } from './kubelet.ts';
import { MemoryHost } from './memory-host.ts';

/** One simulated node with its kubelet, on a fake API server and a virtual clock: what the kubelet's stories are told with. */
export interface TestNode extends TestEnvironment {
  readonly runtime: FakeRuntime;
  readonly host: MemoryHost;
  readonly network: TestNetwork;
  readonly kubelet: Kubelet;
  createPod(
    name: string,
    spec: Partial<Draft<PodSpec>>,
    metadata?: { readonly annotations?: Record<string, string>; readonly labels?: Record<string, string> },
  ): Promise<Pod>;
  pod(name: string): Pod | undefined;
  events(about: string): string[];
  /** Lets time pass until the condition holds; fails the test when it does not within so many seconds. */
  eventually(what: string, holds: () => boolean, seconds?: number): Promise<void>;
  /** Stops the kubelet; what runs goes on. */
  stop(): Promise<void>;
  /** A kubelet starts anew on the same machine. */
  restart(): Promise<void>;
}

export async function createTestNode(
  options: { readonly seed?: number; readonly runtime?: Partial<FakeRuntimeOptions>; readonly kubelet?: Partial<KubeletOptions> } = {},
): Promise<TestNode> {
  const env = createTestEnvironment(options.seed === undefined ? {} : { seed: options.seed });
  const client = withTokens(env.client, env);
  const network = new TestNetwork('node-1', '192.168.0.1');
  const runtime = new FakeRuntime({ clock: env.clock, random: env.random.fork('runtime'), network, ...options.runtime });
  const host = new MemoryHost({ runtime, node: 'node-1' });
  let kubelet: Kubelet;
  let stopped = new AbortController();
  let running: Promise<unknown> = Promise.resolve();
  const start = (): void => {
    stopped = new AbortController();
    const own = { ...env, client };
    const informers = createInformerFactory(own);
    kubelet = createKubelet({
      ...own,
      nodeName: 'node-1',
      runtime,
      images: runtime,
      network,
      host,
      informers,
      rootDirectory: '/var/lib/kubelet',
      dns: { servers: ['10.96.0.10'], domain: 'cluster.local' },
      ...options.kubelet,
    });
    running = Promise.all([kubelet.run(stopped.signal), informers.run(stopped.signal)]);
  };
  start();
  await env.clock.advanceUntil(() => env.server.find(nodes, 'node-1') !== undefined, 1000);
  await env.client
    .resource(nodes)
    .patch('node-1', { type: 'merge', body: { spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] } } });
  const node: TestNode = {
    ...env,
    client,
    runtime,
    host,
    network,
    get kubelet() {
      return kubelet;
    },
    async createPod(name, spec, metadata = {}) {
      const draft = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default', ...metadata },
        spec: {
          nodeName: 'node-1',
          restartPolicy: 'Always',
          terminationGracePeriodSeconds: 30,
          containers: [{ name: 'web', image: 'nginx:1', imagePullPolicy: 'IfNotPresent' }],
          ...spec,
        },
        status: { phase: 'Pending' },
      };
      return client.resource(pods).create(draft as unknown as Draft<Pod>, { namespace: 'default' });
    },
    pod: (name) => env.server.find(pods, `default/${name}`) as Pod | undefined,
    events: (about) =>
      (env.server.all(events) as Event[])
        .filter(({ involvedObject }) => involvedObject.name === about)
        .sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
        .map(({ reason, message }) => `${reason}: ${message}`),
    async eventually(what, holds, seconds = 10) {
      if (await env.clock.advanceUntil(holds, seconds * 1000)) return;
      throw new Error(`after ${seconds} s it is still not so: ${what}`);
    },
    async stop() {
      stopped.abort(new Error('the test has ended'));
      await running.catch((error: unknown) => {
        if (!stopped.signal.aborted) throw error;
      });
    },
    async restart() {
      await node.stop();
      start();
    },
  };
  await node.eventually('the node is ready', () => isReady(env.server.find(nodes, 'node-1') as Node));
  return node;
}

export function isReady(
  object: { readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] } } | undefined,
): boolean {
  return object?.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** Addresses in order, routes as they were set. */
export class TestNetwork implements NodeNetwork {
  readonly node: string;
  readonly address: string;
  readonly netns = undefined;
  podCIDR: string | undefined;
  routes: ReadonlyMap<string, string> = new Map();
  readonly attached = new Map<string, readonly string[]>();
  #next = 2;

  constructor(node: string, address: string) {
    this.node = node;
    this.address = address;
  }
  async setPodCIDR(cidr: string): Promise<void> {
    this.podCIDR = cidr;
  }
  async setRoutes(routes: ReadonlyMap<string, string>): Promise<void> {
    this.routes = new Map(routes);
  }
  async attachPod(sandboxId: string): Promise<readonly string[]> {
    const ips = [`10.244.1.${this.#next++}`];
    this.attached.set(sandboxId, ips);
    return ips;
  }
  async detachPod(sandboxId: string): Promise<void> {
    this.attached.delete(sandboxId);
  }
  run(): Promise<never> {
    return Promise.reject(new Error('the test network runs no programs'));
  }
  async partition(): Promise<void> {}
  async heal(): Promise<void> {}
}

/** What the fake server does not know: tokens (these name whom they are for and when they were made), and `$patch` in lists. */
function withTokens(client: Client, env: TestEnvironment): Client {
  const wrap = (inner: Client): Client => ({
    resource<T extends KubeObject>(ref: ResourceRef<T>): ResourceClient<T> {
      const resource = inner.resource(ref);
      const wrapped: ResourceClient<T> = {
        get: (name, options) => resource.get(name, options),
        list: (options) => resource.list(options),
        watch: (options) => resource.watch(options),
        create: (draft, options) => resource.create(draft, options),
        update: (object, options) => resource.update(object, options),
        updateStatus: (object, options) => resource.updateStatus(object, options),
        patch: (name, patch, options) => resource.patch(name, { ...patch, body: withoutDirectives(patch.body) } as Patch, options),
        delete: (name, options) => resource.delete(name, options),
        deleteCollection: (options) => resource.deleteCollection(options),
        getSubresource: (name, subresource, options) => resource.getSubresource(name, subresource, options),
        updateSubresource: (name, subresource, body, options) => resource.updateSubresource(name, subresource, body, options),
        async createSubresource<R>(name: string, subresource: string, body: unknown, options?: WriteOptions): Promise<R> {
          if (ref.resource !== serviceaccounts.resource) return resource.createSubresource<R>(name, subresource, body, options);
          if (subresource !== 'token') throw new ApiError('NotFound', `no subresource ${subresource}`);
          const { spec } = body as { spec: { expirationSeconds: number; boundObjectRef: { name: string } } };
          const now = env.clock.now();
          const status = {
            token: `${name}/${spec.boundObjectRef.name}@${formatTime(now)}`,
            expirationTimestamp: formatTime(now + spec.expirationSeconds * 1000),
          };
          return { status } as R;
        },
      };
      return wrapped;
    },
    because: (causes) => wrap(inner.because(causes)),
    as: (agent) => wrap(inner.as(agent)),
    raw: (request) => inner.raw(request),
  });
  return wrap(client);
}

function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value))
    return value.filter((item) => !(typeof item === 'object' && item !== null && '$patch' in item)).map(withoutDirectives);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, withoutDirectives(field)]));
}
