/**
 * ReplicationControllers: the older ReplicaSet, with a map for a selector. The loop is the ReplicaSet's.
 * https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller/
 */
import type { PodTemplateSpec, ReplicationController } from '../../api/generated/core-v1.ts';
import { replicationcontrollers } from '../../api/generated/resources.ts';
import { nothing, selectorFromMap } from '../../api/selectors.ts';
import type { ControllerDeclaration } from '../controller.ts';
import { createReplicaController, type ReplicaKind } from '../replicaset/replica-controller.ts';

/** The server demands a template; one that is missing all the same makes pods that the server refuses. */
const noTemplate: PodTemplateSpec = {
  metadata: { name: '', uid: '', resourceVersion: '', creationTimestamp: '' },
  spec: { containers: [] },
};

const kind: ReplicaKind<ReplicationController> = {
  controller: 'replicationcontroller-controller',
  source: 'replication-controller',
  ref: replicationcontrollers,
  countsTerminating: false,
  specOf: ({ spec }) => ({
    replicas: spec.replicas ?? 1,
    minReadySeconds: spec.minReadySeconds ?? 0,
    // An empty map would select everything; here it selects nothing.
    selector: Object.keys(spec.selector ?? {}).length > 0 ? selectorFromMap(spec.selector) : nothing,
    template: spec.template ?? noTemplate,
  }),
  statusOf: ({ status }) => status,
  withStatus: (owner, status) => ({ ...owner, status }),
};

export const replicationControllerController: ControllerDeclaration = {
  name: kind.controller,
  alias: 'replicationcontroller',
  create: (context) => createReplicaController(context, kind),
};
