import { badRequest } from '../api/errors.ts';
import type { Environment, EventRecorder, Runnable } from '../listwatch/contract.ts';
import { createEventRecorder } from '../listwatch/event-recorder.ts';
import { createInformerFactory } from '../listwatch/informer-factory.ts';
import { runTogether } from '../listwatch/run-together.ts';
import type { ControllerContext, ControllerDeclaration, ControllerOptions } from './controller.ts';
import { daemonSetController } from './daemonset/daemonset-controller.ts';
import { deploymentController } from './deployment/deployment-controller.ts';
import { disruptionController } from './disruption/disruption-controller.ts';
import { endpointsController } from './endpoints/endpoints-controller.ts';
import { endpointSliceController } from './endpointslice/endpoint-slice-controller.ts';
import { endpointSliceMirroringController } from './endpointslicemirroring/endpoint-slice-mirroring-controller.ts';
import { garbageCollectorController } from './garbagecollector/garbage-collector-controller.ts';
import { jobController } from './job/job-controller.ts';
import { kubernetesServiceController } from './kubernetesservice/kubernetes-service-controller.ts';
import { namespaceController } from './namespace/namespace-controller.ts';
import { nodeIPAMController } from './nodeipam/node-ipam-controller.ts';
import { nodeLifecycleController } from './nodelifecycle/node-lifecycle-controller.ts';
import { podGCController } from './podgc/pod-gc-controller.ts';
import { replicaSetController } from './replicaset/replicaset-controller.ts';
import { replicationControllerController } from './replicationcontroller/replicationcontroller-controller.ts';
import { resourceQuotaController } from './resourcequota/resource-quota-controller.ts';
import { rootCAPublisher } from './rootca/root-ca-publisher.ts';
import { serviceAccountController } from './serviceaccount/service-account-controller.ts';
import { statefulSetController } from './statefulset/statefulset-controller.ts';
import { taintEvictionController } from './tainteviction/taint-eviction-controller.ts';

/** Every loop there is. The next one is one more line. */
export const controllers: readonly ControllerDeclaration[] = [
  replicaSetController,
  replicationControllerController,
  deploymentController,
  daemonSetController,
  statefulSetController,
  jobController,
  garbageCollectorController,
  namespaceController,
  nodeLifecycleController,
  taintEvictionController,
  podGCController,
  disruptionController,
  nodeIPAMController,
  endpointSliceController,
  endpointsController,
  endpointSliceMirroringController,
  kubernetesServiceController,
  serviceAccountController,
  rootCAPublisher,
  resourceQuotaController,
];

export interface ControllerManagerOptions extends ControllerOptions {
  /** `*` for all, `name` for one, `-name` for all but one, by name or alias. Default `['*']`. */
  readonly controllers?: readonly string[];
}

/** Runs the chosen loops over one set of informers. Kubernetes: kube-controller-manager. Throws BadRequest for a name nobody has. */
export function createControllerManager(env: Environment, options: ControllerManagerOptions = {}): Runnable {
  const informers = createInformerFactory(env);
  const recorders = new Map<string, EventRecorder & Runnable>();
  const context: ControllerContext = {
    ...env,
    informers,
    options,
    recorder(component) {
      let recorder = recorders.get(component);
      if (!recorder) {
        recorder = createEventRecorder(env, { component });
        recorders.set(component, recorder);
      }
      return recorder;
    },
  };
  const loops = chooseControllers(options.controllers ?? ['*']).map((declaration) =>
    declaration.create({ ...context, log: env.log.child({ controller: declaration.name }), random: env.random.fork(declaration.name) }),
  );
  return {
    name: 'controller-manager',
    run: (signal) =>
      runTogether(
        [...recorders.values(), ...loops, { run: informers.run }].map((part) => (stop: AbortSignal) => part.run(stop)),
        signal,
      ),
  };
}

/** The declarations that a list such as `['*', '-nodelifecycle']` names, in the order of `controllers`. */
export function chooseControllers(names: readonly string[]): readonly ControllerDeclaration[] {
  const find = (name: string): ControllerDeclaration => {
    const found = controllers.find((declaration) => declaration.name === name || declaration.alias === name);
    if (!found)
      throw badRequest(`unknown controller ${JSON.stringify(name)}; there are: ${controllers.map(({ alias }) => alias).join(', ')}`);
    return found;
  };
  const off = new Set(names.filter((name) => name.startsWith('-')).map((name) => find(name.slice(1))));
  const on = new Set(names.filter((name) => name !== '*' && !name.startsWith('-')).map(find));
  return controllers.filter((declaration) => on.has(declaration) || (names.includes('*') && !off.has(declaration)));
}
