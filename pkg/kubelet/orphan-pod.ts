import type { Pod } from '../api/generated/core-v1.ts';
import { type PodObservation, podNameLabel, podNamespaceLabel } from './pod-observation.ts';
import { rememberedGrace } from './runtime-manager.ts';

/** A stand-in for a pod whose object is gone, from what the runtime remembers: enough to end it decently. */
export function orphanPod(uid: string, observed: PodObservation): Pod {
  const labels = observed.sandboxes[0]?.labels ?? {};
  const metadata = observed.sandboxes[0]?.metadata;
  const names = [...new Set(observed.containers.map(({ name }) => name))];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: labels[podNameLabel] ?? metadata?.name ?? uid,
      namespace: labels[podNamespaceLabel] ?? metadata?.namespace ?? 'default',
      uid,
      creationTimestamp: '',
      resourceVersion: '',
    },
    spec: { containers: names.map((name) => ({ name, resources: {} })), terminationGracePeriodSeconds: rememberedGrace(observed) },
    status: {},
  };
}
