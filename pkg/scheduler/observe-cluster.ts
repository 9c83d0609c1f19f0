/**
 * From informers to cache and queue: nodes and placed pods are counted, waiting pods queued, and every change is
 * told to the queue in terms of what it may mean to those that wait.
 */
import type { Namespace, Node, Pod } from '../api/generated/core-v1.ts';
import type { Handler, Informer } from '../listwatch/contract.ts';
import type { Causes } from '../trace/cause.ts';
import type { Cache } from './cache.ts';
import { assignedPodEvents, nodeEvents, same } from './cluster-event.ts';
import type { Nominator } from './nominator.ts';
import { createPodInfo, isTerminal, type PodInfo } from './pod-info.ts';
import type { SchedulingQueue } from './queue.ts';

export interface ObserveOptions {
  readonly cache: Cache;
  readonly queue: SchedulingQueue;
  readonly nominator: Nominator;
  /** Pods with another spec.schedulerName are somebody else's. */
  readonly schedulerName: string;
  /** A pod came that may not be tried yet. */
  readonly onGated: (pod: PodInfo) => void;
}

export function observeNodes(nodes: Informer<Node>, { cache, queue }: ObserveOptions): void {
  nodes.addHandler({
    onAdd(node, causes) {
      cache.setNode(node);
      queue.move({ kind: 'NodeAdd', after: node }, causes);
    },
    onUpdate(node, previous, causes) {
      cache.setNode(node);
      for (const event of nodeEvents(previous, node)) queue.move(event, causes);
    },
    onDelete(node, causes) {
      cache.removeNode(node.metadata.name);
      queue.move({ kind: 'NodeDelete', before: node }, causes);
    },
  });
}

/** Namespace labels decide what affinity terms with a namespaceSelector speak of. */
export function observeNamespaces(namespaces: Informer<Namespace>, { queue }: ObserveOptions): void {
  namespaces.addHandler({
    onAdd: (_namespace, causes) => void queue.move({ kind: 'NamespaceAdd' }, causes),
    onUpdate(namespace, previous, causes) {
      if (!same(namespace.metadata.labels, previous.metadata.labels)) queue.move({ kind: 'NamespaceUpdateLabel' }, causes);
    },
  });
}

export function observePods(pods: Informer<Pod>, options: ObserveOptions): void {
  pods.addHandler(createPodHandler(options));
}

export function createPodHandler({ cache, queue, nominator, schedulerName, onGated }: ObserveOptions): Handler<Pod> {
  const infos = new WeakMap<Pod, PodInfo>();
  const infoOf = (pod: Pod): PodInfo => {
    const info = infos.get(pod) ?? createPodInfo(pod);
    infos.set(pod, info);
    return info;
  };
  const isOurs = (pod: Pod): boolean => (pod.spec.schedulerName ?? schedulerName) === schedulerName;

  const come = (pod: Pod, causes: Causes): void => {
    if (isTerminal(pod)) return;
    const info = infoOf(pod);
    if (pod.spec.nodeName) {
      // An assumed pod shows itself where it was put: others may wait for exactly that.
      queue.delete(info.uid);
      nominator.delete(info.uid);
      cache.setPod(info);
      queue.move({ kind: 'AssignedPodAdd', after: info }, causes);
    } else if (isOurs(pod)) {
      nominator.observe(info, undefined);
      queue.add(info, causes);
      if (queue.gateOf(info.uid)) onGated(info);
    }
  };
  const go = (pod: Pod, causes: Causes): void => {
    const info = infoOf(pod);
    queue.delete(info.uid);
    nominator.delete(info.uid);
    if (!cache.has(info.uid)) return;
    cache.removePod(info.uid);
    queue.move({ kind: 'AssignedPodDelete', before: info }, causes);
  };

  return {
    onAdd: come,
    onDelete: go,
    onUpdate(pod, previous, causes) {
      if (isTerminal(pod)) {
        if (!isTerminal(previous)) go(previous, causes);
        return;
      }
      const before = infoOf(previous);
      const info = infoOf(pod);
      if (pod.spec.nodeName) {
        if (!previous.spec.nodeName) {
          come(pod, causes);
          return;
        }
        cache.setPod(info);
        for (const event of assignedPodEvents(before, info)) queue.move(event, causes);
      } else if (isOurs(pod)) {
        // Bound already, only not shown so yet: it must not come into the queue again.
        if (cache.isAssumed(info.uid) && queue.placeOf(info.uid) === undefined) return;
        nominator.observe(info, before);
        queue.update(before, info, causes);
      }
    },
  };
}
