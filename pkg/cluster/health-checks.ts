import type { HealthCheck } from '../apiserver/health.ts';
import type { Registry } from '../registry/registry.ts';
import type { Store } from '../storage/store.ts';

export interface HealthOptions {
  readonly store: Store;
  readonly registry: Registry;
  phase(): 'starting' | 'serving' | 'closing';
}

/** What is there once the API server has made the objects that it begins with, under the names that Kubernetes gives its steps. */
const startSteps = [
  'start-apiextensions-controllers',
  'crd-informer-synced',
  'start-system-namespaces-controller',
  'scheduling/bootstrap-system-priority-classes',
  'priority-and-fairness-config-producer',
  'bootstrap-controller',
  'start-kubernetes-service-cidr-controller',
];

/** In the order in which kube-apiserver tells them. Its store is always called etcd, whichever it is. */
export function healthChecks({ store, registry, phase }: HealthOptions): HealthCheck[] {
  const answers = async (): Promise<void> => void (await store.revision());
  const started = (): void => {
    if (phase() === 'starting') throw new Error('the objects that a cluster begins with are not all there yet');
  };
  return [
    { name: 'etcd', check: answers },
    { name: 'etcd-readiness', check: answers, readinessOnly: true },
    { name: 'informer-sync', check: () => registry.fresh(), readinessOnly: true },
    ...startSteps.map((step): HealthCheck => ({ name: `poststarthook/${step}`, check: started })),
    {
      name: 'shutdown',
      readinessOnly: true,
      check: () => {
        if (phase() === 'closing') throw new Error('the process is shutting down');
      },
    },
  ];
}
