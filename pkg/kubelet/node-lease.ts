import { isAlreadyExists, isNotFound } from '../api/errors.ts';
import type { Lease } from '../api/generated/coordination-v1.ts';
import { leases } from '../api/generated/resources.ts';
import type { Draft } from '../api/object.ts';
import { formatMicroTime } from '../clock/clock.ts';
import { messageOf, sleepUnless, withDeadline } from './deadline.ts';
import type { KubeletContext } from './kubelet-context.ts';

/** https://kubernetes.io/docs/concepts/architecture/nodes/#heartbeats: a lease of 40 s. */
export const defaultLeaseSeconds = 40;
/** Renewed after a quarter of its time, so that one lost heartbeat, or two, do not matter. */
const renewals = 4;
const namespace = 'kube-node-lease';
const firstRetry = 200;
const longestRetry = 7000;

type Holder = Pick<KubeletContext, 'client' | 'clock' | 'log' | 'nodeName' | 'node'> & {
  readonly leaseSeconds: number;
  /** The server answers again after it did not. */
  onRecovery(): void;
};

/** The node's heartbeat: renews its Lease until the signal is aborted. Never rejects. */
export async function renewLease(context: Holder, signal: AbortSignal): Promise<void> {
  const { clock, log, nodeName } = context;
  const renewInterval = (context.leaseSeconds * 1000) / renewals;
  let current: Lease | undefined;
  let failures = 0;
  for (;;) {
    let wait = renewInterval;
    try {
      current = await withDeadline(clock, renewInterval, signal, (inner) => renewOnce(context, current, inner));
      if (failures > 0) context.onRecovery();
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      // Somebody else wrote it, or it is gone: look again.
      current = undefined;
      wait = Math.min(firstRetry * 2 ** failures++, longestRetry);
      log.warn('the node lease was not renewed', { node: nodeName, message: messageOf(error) });
    }
    if (!(await sleepUnless(clock, wait, signal))) return;
  }
}

async function renewOnce(
  { client, clock, nodeName, node, leaseSeconds }: Holder,
  known: Lease | undefined,
  signal: AbortSignal,
): Promise<Lease> {
  const resource = client.resource(leases);
  const current = known ?? (await found(() => resource.get(nodeName, { namespace, signal })));
  const object = node();
  const owner = object ? { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: object.metadata.uid }] } : {};
  const spec = {
    ...current?.spec,
    holderIdentity: nodeName,
    leaseDurationSeconds: leaseSeconds,
    renewTime: formatMicroTime(clock.now()),
  };
  if (current) return resource.update({ ...current, metadata: { ...current.metadata, ...owner }, spec }, { namespace, signal });
  const draft: Draft<Lease> = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: nodeName, namespace, ...owner },
    spec,
  };
  try {
    return await resource.create(draft, { namespace, signal });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return resource.get(nodeName, { namespace, signal });
  }
}

async function found<T>(get: () => Promise<T>): Promise<T | undefined> {
  try {
    return await get();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
