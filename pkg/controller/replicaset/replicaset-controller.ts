import type { ReplicaSet } from '../../api/generated/apps-v1.ts';
import { replicasets } from '../../api/generated/resources.ts';
import { selectorFromLabelSelector } from '../../api/selectors.ts';
import type { ControllerDeclaration } from '../controller.ts';
import { createReplicaController, type ReplicaKind } from './replica-controller.ts';

const kind: ReplicaKind<ReplicaSet> = {
  controller: 'replicaset-controller',
  ref: replicasets,
  countsTerminating: true,
  specOf: ({ spec }) => ({
    replicas: spec.replicas ?? 1,
    minReadySeconds: spec.minReadySeconds ?? 0,
    selector: selectorFromLabelSelector(spec.selector),
    template: spec.template,
  }),
  statusOf: ({ status }) => status,
  withStatus: (owner, status) => ({ ...owner, status }),
};

export const replicaSetController: ControllerDeclaration = {
  name: kind.controller,
  alias: 'replicaset',
  create: (context) => createReplicaController(context, kind),
};
