import type { Pod } from '../api/generated/core-v1.ts';
import { pods } from '../api/generated/resources.ts';
import type { Client } from '../client/client.ts';
import { type Clock, timestamp } from '../clock/clock.ts';
import { withCondition } from './conditions.ts';
import { equal } from './equal.ts';

/**
 * Says on the pod that it is about to be taken away, and by whom: so that a Job, for one, need not count it as
 * failed. With `phase`, also that it has ended. Returns the pod as it is then.
 * https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
 */
export async function disrupted(client: Client, pod: Pod, reason: string, message: string, clock: Clock, phase?: 'Failed'): Promise<Pod> {
  const conditions = withCondition(pod.status.conditions, {
    type: 'DisruptionTarget',
    status: 'True',
    reason,
    message,
    lastTransitionTime: timestamp(clock),
  });
  const status = { ...pod.status, conditions, ...(phase ? { phase } : {}) };
  if (equal(status, pod.status)) return pod;
  return client.resource(pods).updateStatus({ ...pod, status }, { namespace: pod.metadata.namespace ?? '' });
}
