/**
 * DaemonSets: a pod on every node that fits, also on nodes that come later and on those that take no other pods.
 * https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/
 */
import type { DaemonSet } from '../../api/generated/apps-v1.ts';
import { controllerrevisions, daemonsets, nodes as nodesRef, pods as podsRef } from '../../api/generated/resources.ts';
import { keyOf, splitKey } from '../../api/object.ts';
import { selectorFromLabelSelector } from '../../api/selectors.ts';
import type { Client } from '../../client/client.ts';
import { KeyedBackoff } from '../../listwatch/backoff.ts';
import type { ReconcileResult } from '../../listwatch/contract.ts';
import { candidatesFor, claimObjects } from '../claim.ts';
import { type ControllerContext, type ControllerDeclaration, controlLoop, controllerQueue } from '../controller.ts';
import { beyondHistory, planHistory, revisionHashLabel } from '../controller-history.ts';
import { equal } from '../equal.ts';
import { Expectations } from '../expectations.ts';
import { removeRevisions, syncHistory } from '../history-sync.ts';
import { controllerIndex, podIndexes } from '../indexes.ts';
import { watchOwnedPods } from '../owned-pods.ts';
import { PodControl } from '../pod-control.ts';
import { untilAvailable } from '../pod-state.ts';
import { unlessGone } from '../unless-gone.ts';
import { daemonPod } from './daemon-pods.ts';
import { type DaemonPlan, daemonStatus, decideDaemons } from './decide.ts';

const name = 'daemonset-controller';
/** No more pods are created or deleted in one go. */
const burst = 250;

export const daemonSetController: ControllerDeclaration = {
  name,
  alias: 'daemonset',
  create(context: ControllerContext) {
    const { clock, informers } = context;
    const sets = informers.informer(daemonsets);
    const nodes = informers.informer(nodesRef);
    const pods = informers.informer(podsRef, { indexes: podIndexes });
    const revisions = informers.informer(controllerrevisions, { indexes: controllerIndex });
    const queue = controllerQueue(context, 'daemonset');
    const expectations = new Expectations(clock);
    const events = context.recorder(name);
    /** By set and node: how long failed pods wait before they are replaced, and until when. */
    const failures = new KeyedBackoff(1000, 15 * 60_000);
    const notBefore = new Map<string, number>();

    sets.addHandler({
      onAdd: (set, causes) => queue.add(keyOf(set), causes),
      onUpdate: (set, _, causes) => queue.add(keyOf(set), causes),
      onDelete: ({ metadata }) => expectations.forget(metadata.uid),
    });
    watchOwnedPods({
      pods,
      owners: sets,
      kind: 'DaemonSet',
      selectorOf: ({ spec }) => selectorFromLabelSelector(spec.selector),
      expectations,
      queue,
    });
    nodes.addHandler({
      onAdd(_, causes) {
        for (const set of sets.lister.list()) queue.add(keyOf(set), causes);
      },
      onUpdate(node, previous, causes) {
        if (equal(node.metadata.labels, previous.metadata.labels) && equal(node.spec.taints, previous.spec.taints)) return;
        for (const set of sets.lister.list()) queue.add(keyOf(set), causes);
      },
      onDelete(_, causes) {
        for (const set of sets.lister.list()) queue.add(keyOf(set), causes);
      },
    });

    async function reconcile(key: string, { client }: { readonly client: Client }): Promise<ReconcileResult> {
      const set = sets.lister.get(key);
      if (!set) return undefined;
      const { namespace } = splitKey(key);
      const { uid } = set.metadata;
      const selector = selectorFromLabelSelector(set.spec.selector);
      const settled = expectations.satisfied(uid);
      const owned = await claimObjects({
        owner: set,
        ownerRef: daemonsets,
        objects: candidatesFor(set, pods.lister),
        ref: podsRef,
        selector,
        client,
      });
      const known = await claimObjects({
        owner: set,
        ownerRef: daemonsets,
        objects: candidatesFor(set, revisions.lister),
        ref: controllerrevisions,
        selector,
        client,
      });
      const history = planHistory({
        owner: set,
        template: set.spec.template,
        revisions: known,
        collisionCount: set.status.collisionCount ?? 0,
      });
      const api = client.resource(daemonsets);
      if (!set.metadata.deletionTimestamp && (await syncHistory(client, set, history)) === 'collision') {
        const status = { ...set.status, collisionCount: (set.status.collisionCount ?? 0) + 1 };
        await api.updateStatus({ ...set, status }, { namespace });
        return undefined;
      }

      const now = clock.now();
      const observed = {
        set,
        nodes: nodes.lister.list(),
        pods: owned,
        hash: history.hash,
        now,
        backoff: (node: string) => Math.max(0, (notBefore.get(`${uid}/${node}`) ?? 0) - now),
      };
      let after: number | undefined;
      let failure: unknown;
      if (settled && !set.metadata.deletionTimestamp) {
        const plan = decideDaemons(observed);
        after = plan.after;
        failure = await carryOut(set, plan, history.hash, client);
        await removeRevisions(
          client,
          beyondHistory(history.old, set.spec.revisionHistoryLimit ?? 10, (hash) =>
            owned.some(({ metadata }) => metadata.labels?.[revisionHashLabel] === hash),
          ),
        );
      }
      const status = daemonStatus(observed);
      if (!equal(status, set.status)) await unlessGone(api.updateStatus({ ...set, status }, { namespace }));
      if (failure !== undefined) throw failure;
      const waits = [after, ...owned.map((pod) => untilAvailable(pod, set.spec.minReadySeconds ?? 0, now))].filter(
        (ms) => ms !== undefined,
      );
      return waits.length > 0 ? { after: Math.min(...waits) } : undefined;
    }

    async function carryOut(set: DaemonSet, plan: DaemonPlan, hash: string, client: Client): Promise<unknown> {
      for (const { pod, node } of plan.ended) {
        const failed = pod.status.phase === 'Failed';
        const what = `${failed ? 'failed' : 'succeeded'} daemon pod ${pod.metadata.namespace}/${pod.metadata.name} on node ${node}`;
        events.event(
          set,
          failed ? 'Warning' : 'Normal',
          failed ? 'FailedDaemonPod' : 'SucceededDaemonPod',
          `Found ${what}, will try to ${failed ? 'kill' : 'delete'} it`,
        );
        if (failed) notBefore.set(`${set.metadata.uid}/${node}`, clock.now() + failures.next(`${set.metadata.uid}/${node}`));
      }
      const control = new PodControl({ client, owner: set, events, expectations });
      const create = plan.create.slice(0, burst);
      return control.apply({ create: create.map((node) => () => daemonPod(set, node, hash)), remove: plan.remove.slice(0, burst) });
    }

    return controlLoop(context, { reconciler: { name, reconcile }, queue, informers: [sets, nodes, pods, revisions] });
  },
};
