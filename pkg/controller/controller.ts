/**
 * Control loops: each watches some objects, compares what is with what is wanted, and acts. One folder a loop, all
 * of the same shape:
 *
 *   informers → handlers → workqueue → reconcile(key): read the local copies → decide (pure) → act → status
 *
 * `decide.ts` (or a name that says more) holds the decision: observed state in, actions out, no I/O and no timer.
 * `<loop>-controller.ts` reads, calls it, and carries out what it says. A loop sees the world only through
 * `listwatch` and `client`; it keeps nothing that it could not find again after a restart. controller-manager.ts
 * lists all loops as data and runs them.
 *
 * What is shared between loops lies beside this file: claiming by owner reference (claim.ts), expectations,
 * conditions, pods' states. Kubernetes' counterpart: kube-controller-manager, pkg/controller.
 */
import type { KubeObject } from '../api/object.ts';
import type { Environment, EventRecorder, Informer, InformerFactory, Reconciler, Runnable, Workqueue } from '../listwatch/contract.ts';
import { runController } from '../listwatch/run-controller.ts';
import { createWorkqueue } from '../listwatch/workqueue.ts';

/** What every loop is made with. */
export interface ControllerContext extends Environment {
  readonly informers: InformerFactory;
  /** A recorder that says it is this component. */
  recorder(component: string): EventRecorder;
  readonly options: ControllerOptions;
}

/** What an operator can set; each with Kubernetes' default. */
export interface ControllerOptions {
  /** Silence after which a node counts as gone: `--node-monitor-grace-period`. Default 40,000 ms. */
  readonly nodeMonitorGracePeriod?: number;
  /** The same for a node that has never reported: `--node-startup-grace-period`. Default 60,000 ms. */
  readonly nodeStartupGracePeriod?: number;
  /** Pods' addresses; each node gets a part: `--cluster-cidr`. Default 10.244.0.0/16. */
  readonly clusterCIDR?: string;
  /** Prefix length of a node's part: `--node-cidr-mask-size`. Default 24. */
  readonly nodeCIDRMaskSize?: number;
  /** Ended pods kept before the oldest are deleted: `--terminated-pod-gc-threshold`. Default 12,500. */
  readonly terminatedPodGCThreshold?: number;
  /** PEM of the cluster's CA, published to every namespace: `--root-ca-file`. Default: nothing is published. */
  readonly rootCA?: string;
  /** Where API servers can be reached, behind the `kubernetes` Service. Default: its endpoints are left alone. */
  readonly apiServerEndpoints?: ApiServerEndpoints;
}

export interface ApiServerEndpoints {
  readonly addresses: readonly string[];
  readonly port: number;
  /** Of the `kubernetes` Service: the first of the services' range, which the server's certificate names. */
  readonly clusterIP?: string;
}

/** One line of the controller manager's list. */
export interface ControllerDeclaration {
  /** As in kube-controller-manager: `replicaset-controller`; the loop's name in requests, managedFields and logs. */
  readonly name: string;
  /** The older, shorter name, also accepted by `--controllers`: `replicaset`. */
  readonly alias: string;
  create(context: ControllerContext): Runnable;
}

export interface LoopOptions {
  readonly reconciler: Reconciler;
  readonly queue: Workqueue;
  /** Waited for before the first reconcile, so that nothing is decided on half a picture. */
  readonly informers: readonly Pick<Informer<KubeObject>, 'whenSynced'>[];
  readonly workers?: number;
}

/** The common way to be a controller: wait for the informers, then work on the queue. */
export function controlLoop(context: ControllerContext, { reconciler, queue, informers, workers = 5 }: LoopOptions): Runnable {
  return {
    name: reconciler.name,
    async run(signal) {
      try {
        await Promise.all(informers.map((informer) => informer.whenSynced(signal)));
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      await runController(reconciler, queue, context, { workers }, signal);
    },
  };
}

/** The loop's queue, named after it in metrics. */
export function controllerQueue(context: ControllerContext, name: string): Workqueue {
  return createWorkqueue({ name, clock: context.clock, metrics: context.metrics });
}
