/**
 * Watches over nodes: one that gives no sign of life for the grace period is declared Unknown, its pods not ready
 * (Services drop them at once), and it is tainted, so that nothing new comes to it and what is on it is evicted
 * when its tolerations have run out (pkg/controller/tainteviction).
 * https://kubernetes.io/docs/concepts/architecture/nodes/#heartbeats
 *
 * Signs of life are the renewal of the node's Lease and a new heartbeat time in its Ready condition. They are timed
 * by this loop's own clock: nobody compares clocks of two machines. Each node has its own deadline, so a dead node
 * is noticed when its grace period ends and not at some later round.
 */
import { isNotFound } from '../../api/errors.ts';
import type { Lease } from '../../api/generated/coordination-v1.ts';
import type { Node, Pod } from '../../api/generated/core-v1.ts';
import { leases, nodes as nodesRef, pods as podsRef } from '../../api/generated/resources.ts';
import { keyOf } from '../../api/object.ts';
import type { Client } from '../../client/client.ts';
import { timestamp } from '../../clock/clock.ts';
import type { ReconcileResult } from '../../listwatch/contract.ts';
import type { ControllerContext, ControllerDeclaration } from '../controller.ts';
import { controlLoop, controllerQueue } from '../controller.ts';
import { podIndexes } from '../indexes.ts';
import { isPodReady } from '../pod-state.ts';
import {
  evictionTaint,
  nodeCondition,
  notReadyTaint,
  type Readiness,
  readinessOf,
  sameTaints,
  silentConditions,
  taintsFor,
  unreachableTaint,
} from './node-health.ts';
import { EvictionBudget, evictionRates, zoneOf } from './zones.ts';

const name = 'node-lifecycle-controller';
const leaseNamespace = 'kube-node-lease';
const defaultGraceMs = 40_000;
const defaultStartupGraceMs = 60_000;
const maxLatenessMs = 5_000;

/** What is remembered of a node between two looks; found again after a restart, but for the time already waited. */
interface Watch {
  /** When it gave its last sign of life, by `clock.monotonic()`. */
  seen: number;
  /** What that sign was, to tell a new one. */
  renewed: string | undefined;
  heartbeat: string | undefined;
  /** The readiness that its pods were last told of. */
  told: Readiness | undefined;
}

export const nodeLifecycleController: ControllerDeclaration = {
  name,
  alias: 'nodelifecycle',
  create(context: ControllerContext) {
    const { clock, informers, options } = context;
    const nodes = informers.informer(nodesRef);
    const nodeLeases = informers.informer(leases, { namespace: leaseNamespace });
    const pods = informers.informer(podsRef, { indexes: podIndexes });
    const queue = controllerQueue(context, 'node_lifecycle');
    const events = context.recorder('node-controller');
    const grace = options.nodeMonitorGracePeriod ?? defaultGraceMs;
    const startupGrace = Math.max(grace, options.nodeStartupGracePeriod ?? defaultStartupGraceMs);
    const watches = new Map<string, Watch>();
    const budgets = new Map<string, EvictionBudget>();

    const watchOf = (node: string): Watch => {
      let watch = watches.get(node);
      if (!watch) {
        watch = { seen: clock.monotonic(), renewed: undefined, heartbeat: undefined, told: undefined };
        watches.set(node, watch);
      }
      return watch;
    };
    const renewed = ({ metadata, spec }: Lease): void => {
      if (!nodes.lister.get(metadata.name)) return;
      const watch = watchOf(metadata.name);
      if (watch.renewed === spec.renewTime) return;
      watch.renewed = spec.renewTime;
      watch.seen = clock.monotonic();
    };
    const reported = (node: Node): void => {
      const watch = watchOf(node.metadata.name);
      const heartbeat = nodeCondition(node, 'Ready')?.lastHeartbeatTime;
      if (watch.heartbeat === heartbeat) return;
      watch.heartbeat = heartbeat;
      watch.seen = clock.monotonic();
    };
    nodes.addHandler({
      onAdd(node, causes) {
        reported(node);
        queue.add(node.metadata.name, causes);
      },
      onUpdate(node, previous, causes) {
        reported(node);
        queue.add(node.metadata.name, causes);
        // The state of its zone may have changed, and with it how fast the others' pods may be evicted.
        if (readinessOf(node) !== readinessOf(previous)) {
          for (const other of nodes.lister.list()) if (readinessOf(other) !== 'True') queue.add(other.metadata.name, causes);
        }
      },
      onDelete: ({ metadata }) => {
        watches.delete(metadata.name);
      },
    });
    nodeLeases.addHandler({ onAdd: renewed, onUpdate: renewed });

    async function reconcile(key: string, { client }: { readonly client: Client }): Promise<ReconcileResult> {
      let node = nodes.lister.get(key);
      if (!node) return undefined;
      const watch = watchOf(key);
      const patience = nodeCondition(node, 'Ready') ? grace : startupGrace;
      let left = watch.seen + patience - clock.monotonic();
      const time = timestamp(clock);
      // The deadline is noticed late: this loop was asleep, or could not reach the server. Then it has heard nobody,
      // and silence means nothing.
      if (left < -maxLatenessMs && readinessOf(node) !== 'Unknown') {
        watch.seen = clock.monotonic();
        left = patience;
      }

      if (left <= 0) {
        const conditions = silentConditions(node, time);
        // The local copy may lag behind: ask before a verdict. What cannot be asked is tried again, without one.
        if (conditions && (await renewedMeanwhile(key, client))) return { after: patience };
        if (conditions) {
          const wasReady = readinessOf(node) === 'True';
          node = await client.resource(nodesRef).updateStatus({ ...node, status: { ...node.status, conditions } });
          if (wasReady) events.event(node, 'Normal', 'NodeNotReady', `Node ${key} status is now: NodeNotReady`);
        }
      }
      const readiness = readinessOf(node);
      const known = nodeCondition(node, 'Ready') !== undefined;
      // A silent kubelet cannot take it back; one that reports itself not ready is told once, and knows better afterwards.
      if (known && readiness !== 'True' && (readiness === 'Unknown' || watch.told !== readiness)) {
        for (const pod of pods.lister.byIndex('byNode', key)) if (isPodReady(pod)) await markNotReady(pod, client);
      }
      watch.told = readiness;

      const { taint, wait } = evictionFor(node, known ? readiness : 'True');
      const taints = taintsFor(node, taint, time);
      if (!sameTaints(taints, node.spec.taints ?? [])) {
        const { uid, resourceVersion } = node.metadata;
        await client.resource(nodesRef).patch(key, { type: 'merge', body: { metadata: { uid, resourceVersion }, spec: { taints } } });
      }
      const after = left > 0 ? left : undefined;
      const next = Math.min(after ?? Number.POSITIVE_INFINITY, wait ?? Number.POSITIVE_INFINITY);
      return Number.isFinite(next) ? { after: next } : undefined;
    }

    async function renewedMeanwhile(node: string, client: Client): Promise<boolean> {
      const watch = watchOf(node);
      const { seen } = watch;
      try {
        renewed(await client.resource(leases).get(node, { namespace: leaseNamespace }));
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return watch.seen !== seen;
    }

    /** Which NoExecute taint the node should have now; `wait`: one is due, but not before so many milliseconds. */
    function evictionFor(node: Node, readiness: Readiness): { taint?: typeof notReadyTaint | typeof unreachableTaint; wait?: number } {
      if (readiness === 'True') return {};
      const taint = readiness === 'Unknown' ? unreachableTaint : notReadyTaint;
      // The local copy may not show this node's newest state yet, which is at hand.
      const all = nodes.lister.list().map((other) => (other.metadata.name === node.metadata.name ? node : other));
      const zone = zoneOf(node);
      const rate = evictionRates(all).get(zone) ?? 0;
      const everywhere = all.every((other) => readinessOf(other) !== 'True');
      if (everywhere && rate === 0) return {};
      if (evictionTaint(node)) return { taint };
      let budget = budgets.get(zone);
      if (!budget) {
        budget = new EvictionBudget();
        budgets.set(zone, budget);
      }
      const wait = budget.take(rate, clock.monotonic());
      return wait === 0 ? { taint } : wait === undefined ? {} : { wait };
    }

    async function markNotReady(pod: Pod, client: Client): Promise<void> {
      const conditions = (pod.status.conditions ?? []).map((condition) =>
        condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime: timestamp(clock) } : condition,
      );
      try {
        await client
          .resource(podsRef)
          .updateStatus({ ...pod, status: { ...pod.status, conditions } }, { namespace: pod.metadata.namespace ?? '' });
        events.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
      } catch (error) {
        if (!isNotFound(error)) throw error;
        context.log.debug('a pod has gone before it could be marked', { pod: keyOf(pod) });
      }
    }

    return controlLoop(context, { reconciler: { name, reconcile }, queue, informers: [nodes, nodeLeases, pods] });
  },
};
