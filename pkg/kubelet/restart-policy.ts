import type { Container, Pod } from '../api/generated/core-v1.ts';
import type { ObservedContainer } from './pod-observation.ts';

/** An init container that stays beside the pod's own containers (KEP-753, sidecar containers). */
export function isSidecar(container: Pick<Container, 'restartPolicy'>): boolean {
  return container.restartPolicy === 'Always';
}

/** A container's own policy, or the pod's. */
export function restartPolicyOf(pod: Pod, container: Pick<Container, 'restartPolicy'>): string {
  return container.restartPolicy ?? pod.spec.restartPolicy ?? 'Always';
}

/** Whether a container that ended with this code is started again (policy, and rules of KEP-5307). */
export function restartsAfter(pod: Pod, container: Container, exitCode: number): boolean {
  for (const { action, exitCodes } of container.restartPolicyRules ?? []) {
    const listed = exitCodes?.values?.includes(exitCode) ?? false;
    if (action === 'Restart' && exitCodes && listed === (exitCodes.operator === 'In')) return true;
  }
  const policy = restartPolicyOf(pod, container);
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

/** Whether one of the pod's own containers is to be started, given its newest instance. */
export function shouldStart(pod: Pod, container: Container, last: ObservedContainer | undefined): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  if (last === undefined) return true;
  if (last.state === 'running') return false;
  if (last.state === 'exited') return restartsAfter(pod, container, last.exitCode ?? 0);
  return true;
}
