/**
 * Deletes what has lost all its owners, lets owners that are deleted in the foreground wait for their dependents,
 * and sets dependents free where that was asked for. Works on every resource that discovery shows, custom ones too.
 * https://kubernetes.io/docs/concepts/architecture/garbage-collection/
 *
 *   monitors.ts  an informer for each resource → graph.ts  who owns whom → a queue of uids → decide.ts
 *
 * Nothing is deleted on the word of a local copy alone: an owner counts as gone only if its deletion was seen, or
 * if the server does not know it; and every deletion names the uid and revision that the decision was made on.
 */
import { isNotFound, qualifiedResource } from '../../api/errors.ts';
import type { OwnerReference } from '../../api/generated/meta-v1.ts';
import { type KubeObject, parseApiVersion, type ResourceRef } from '../../api/object.ts';
import type { Client } from '../../client/client.ts';
import type { Handler, ReconcileResult } from '../../listwatch/contract.ts';
import { pause } from '../../listwatch/pause.ts';
import { runController } from '../../listwatch/run-controller.ts';
import { RunTogether } from '../../listwatch/run-together.ts';
import type { Causes } from '../../trace/cause.ts';
import { type ControllerContext, type ControllerDeclaration, controllerQueue } from '../controller.ts';
import { Discovery } from '../discovery.ts';
import { unlessGone } from '../unless-gone.ts';
import { blocking, decideDependent, type OwnerState } from './decide.ts';
import {
  foregroundFinalizer,
  hasFinalizer,
  isDeleting,
  type Node,
  OwnerGraph,
  orphanFinalizer,
  ownersOf,
  waitsForDependents,
} from './graph.ts';
import { Monitors } from './monitors.ts';

const name = 'garbage-collector-controller';
/** New kinds are found at once, through the objects among the monitors that bring them; this is for what that misses. */
const discoveryPeriodMs = 300_000;
const bringsKinds = new Set(['customresourcedefinitions', 'apiservices']);
/** A new dependent may be seen before its owner: another informer brings that. */
const settleMs = 500;
/** Between two looks for an owner whose kind nobody knows. */
const recheckMs = 30_000;
const maxAbsent = 5000;

export const garbageCollectorController: ControllerDeclaration = {
  name,
  alias: 'garbagecollector',
  create(context: ControllerContext) {
    const { clock } = context;
    const graph = new OwnerGraph();
    const queue = controllerQueue(context, 'garbage_collector');
    const discovery = new Discovery(context.client.as(name));
    /** uids that were seen going; they never come back. */
    const absent = new Set<string>();
    let discover: () => void = () => {};

    const noteAbsent = (uid: string): void => {
      absent.add(uid);
      if (absent.size > maxAbsent) absent.delete(absent.values().next().value as string);
    };
    /** Owners that wait for this dependent may have waited long enough. */
    const addWaitingOwners = (owners: readonly OwnerReference[], causes: Causes): void => {
      for (const { uid } of owners) {
        const owner = graph.get(uid);
        if (owner && waitsForDependents(owner)) queue.add(uid, causes);
      }
    };
    const handlerFor = (ref: ResourceRef): Handler<KubeObject> => ({
      onAdd(object, causes) {
        const node: Node = { ref, object };
        const { uid } = object.metadata;
        graph.set(node);
        if (isDeleting(node)) queue.add(uid, causes);
        else if (ownersOf(node).some((owner) => stateByGraph(node, owner) !== 'solid')) queue.addAfter(uid, settleMs, causes);
        if (bringsKinds.has(ref.resource)) discover();
      },
      onUpdate(object, previous, causes) {
        const node: Node = { ref, object };
        const before: Node = { ref, object: previous };
        graph.set(node);
        const { uid } = object.metadata;
        const ownersChanged = JSON.stringify(ownersOf(node)) !== JSON.stringify(ownersOf(before));
        if (isDeleting(node) || ownersChanged) queue.add(uid, causes);
        if (ownersChanged) addWaitingOwners(ownersOf(before), causes);
        if (bringsKinds.has(ref.resource)) discover();
      },
      onDelete(object, causes) {
        const { uid } = object.metadata;
        graph.delete(uid);
        noteAbsent(uid);
        for (const dependent of graph.dependents(uid)) queue.add(dependent.object.metadata.uid, causes);
        addWaitingOwners(object.metadata.ownerReferences ?? [], causes);
        if (bringsKinds.has(ref.resource)) discover();
      },
    });

    /** What the graph and the deletions seen tell of an owner; undefined: they tell nothing. */
    function stateByGraph(dependent: Node, owner: OwnerReference): OwnerState | undefined {
      if (absent.has(owner.uid)) return 'absent';
      const node = graph.get(owner.uid);
      if (!node) return undefined;
      const { metadata } = node.object;
      const sameNamespace = !node.ref.namespaced || metadata.namespace === dependent.object.metadata.namespace;
      const sameObject =
        node.ref.kind === owner.kind && node.ref.group === parseApiVersion(owner.apiVersion).group && metadata.name === owner.name;
      // Right uid, wrong coordinates: under those, there is no such owner; the server will say so.
      if (!sameObject || !sameNamespace) return undefined;
      return waitsForDependents(node) ? 'waiting' : 'solid';
    }

    async function stateByServer(dependent: Node, owner: OwnerReference, client: Client): Promise<OwnerState> {
      const ref = discovery.byKind(owner.apiVersion, owner.kind);
      const { namespace } = dependent.object.metadata;
      // A cluster-wide object cannot have an owner in a namespace; whoever wrote that is told by its staying.
      if (!ref || (ref.namespaced && !namespace)) return 'unknown';
      try {
        const found = await client.resource(ref).get(owner.name, ref.namespaced && namespace ? { namespace } : {});
        return found.metadata.uid === owner.uid ? 'solid' : 'absent';
      } catch (error) {
        if (!isNotFound(error)) throw error;
        return 'absent';
      }
    }

    function monitored(monitors: Monitors) {
      return async (uid: string, { client }: { readonly client: Client }): Promise<ReconcileResult> => {
        const node = graph.get(uid);
        if (!node) return undefined;
        if (isDeleting(node)) {
          const orphaning = hasFinalizer(node, orphanFinalizer);
          if (!orphaning && !waitsForDependents(node)) return undefined;
          // All dependents must be known before any of them can be said not to be there.
          if (!monitors.synced) return { after: settleMs };
          return orphaning ? orphanDependents(node, client) : waitForDependents(node, client);
        }
        return attemptToDelete(node, client, monitors);
      };
    }

    async function attemptToDelete(node: Node, client: Client, monitors: Monitors): Promise<ReconcileResult> {
      const { uid, resourceVersion } = node.object.metadata;
      const states = new Map<string, OwnerState>();
      let later: number | undefined;
      for (const owner of ownersOf(node)) {
        let state = stateByGraph(node, owner);
        if (!state) {
          state = await stateByServer(node, owner, client);
          const ref = discovery.byKind(owner.apiVersion, owner.kind);
          // It is there and not in the graph yet: until it is, its end could be missed.
          if (state === 'solid' && ref && monitors.covers(ref)) later = 2 * settleMs;
        }
        if (state === 'unknown') later ??= recheckMs;
        states.set(owner.uid, state);
      }
      const dependents = graph.dependents(uid);
      const decision = decideDependent(node, states, dependents.length > 0);
      if (decision.action === 'release') {
        const gone = new Set(decision.owners.map((owner) => owner.uid));
        await setOwners(
          node,
          ownersOf(node).filter((owner) => !gone.has(owner.uid)),
          client,
        );
      } else if (decision.action === 'delete') {
        // In a circle of owners somebody must stop waiting: dependents that wait themselves do not block this one.
        if (decision.propagationPolicy === 'Foreground') {
          for (const dependent of dependents.filter(waitsForDependents)) {
            await setOwners(
              dependent,
              ownersOf(dependent).map((owner) => (owner.uid === uid ? { ...owner, blockOwnerDeletion: false } : owner)),
              client,
            );
          }
        }
        context.log.debug('collecting', {
          resource: qualifiedResource(node.ref),
          object: node.object.metadata.name,
          policy: decision.propagationPolicy,
        });
        await unlessGone(
          client.resource(node.ref).delete(node.object.metadata.name, {
            ...inNamespace(node),
            propagationPolicy: decision.propagationPolicy,
            preconditions: { uid, resourceVersion },
          }),
        );
      }
      return later === undefined ? undefined : { after: later };
    }

    async function waitForDependents(node: Node, client: Client): Promise<ReconcileResult> {
      const dependents = graph.dependents(node.object.metadata.uid);
      if (blocking(node, dependents).length === 0) await removeFinalizer(node, foregroundFinalizer, client);
      else for (const dependent of dependents) if (!isDeleting(dependent)) queue.add(dependent.object.metadata.uid, causesOf(node));
      return undefined;
    }

    async function orphanDependents(node: Node, client: Client): Promise<ReconcileResult> {
      const { uid } = node.object.metadata;
      for (const dependent of graph.dependents(uid))
        await setOwners(
          dependent,
          ownersOf(dependent).filter((owner) => owner.uid !== uid),
          client,
        );
      await removeFinalizer(node, orphanFinalizer, client);
      return undefined;
    }

    const setOwners = (node: Node, ownerReferences: readonly OwnerReference[], client: Client): Promise<void> =>
      change(node, { ownerReferences }, client);
    const removeFinalizer = (node: Node, finalizer: string, client: Client): Promise<void> =>
      change(node, { finalizers: (node.object.metadata.finalizers ?? []).filter((each) => each !== finalizer) }, client);

    /** With uid and revision: what has changed since is left alone, and looked at again. */
    async function change(node: Node, metadata: Partial<KubeObject['metadata']>, client: Client): Promise<void> {
      const { uid, resourceVersion, name: objectName } = node.object.metadata;
      const body = { metadata: { uid, resourceVersion, ...metadata } };
      await unlessGone(client.resource(node.ref).patch(objectName, { type: 'merge', body }, inNamespace(node)));
    }

    return {
      name,
      async run(signal) {
        const group = new RunTogether();
        const monitors = new Monitors(context, (run) => group.start(run), handlerFor);
        group.start(async (stop) => {
          while (!stop.aborted) {
            const period = new AbortController();
            const wake = (): void => period.abort(new Error('look again'));
            discover = wake;
            stop.addEventListener('abort', wake, { once: true });
            try {
              await discovery.refresh(stop);
              monitors.follow(discovery.resources);
            } catch (error) {
              if (stop.aborted) return;
              context.log.warn('discovery failed', { error });
            }
            await pause(clock, discoveryPeriodMs, period.signal);
            stop.removeEventListener('abort', wake);
          }
        });
        group.start((stop) => runController({ name, reconcile: monitored(monitors) }, queue, context, { workers: 5 }, stop));
        await group.untilStopped(signal);
      },
    };
  },
};

function inNamespace({ object }: Node): { readonly namespace?: string } {
  const { namespace } = object.metadata;
  return namespace ? { namespace } : {};
}

function causesOf({ object }: Node): Causes {
  return [Number(object.metadata.resourceVersion)];
}
