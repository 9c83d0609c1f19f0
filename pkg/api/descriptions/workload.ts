import type { Descriptions } from './description.ts';

const replicaStatus = {
  '': 'How many pods there are.',
  replicas: 'How many pods there are.',
  readyReplicas: 'How many of them are ready.',
  availableReplicas: 'How many have been ready for minReadySeconds.',
  fullyLabeledReplicas: 'How many have all labels of the template.',
  conditions: 'What stands in the way, if anything does.',
};

/** What keeps pods running. */
export const workloadDescriptions: Descriptions = {
  'apps.v1.Deployment': { '': 'Keeps a number of equal pods running, and replaces them step by step when their template changes.' },
  'apps.v1.DeploymentSpec': {
    '': 'How many pods of which kind, and how they are replaced.',
    replicas: 'How many pods. Default: 1.',
    selector: "Which pods are its own. Must fit the template's labels, and cannot be changed.",
    template: 'What the pods look like. A change starts a rollout.',
    strategy: 'How old pods are replaced by new ones.',
    minReadySeconds: 'How long a new pod must be ready to count as available. Default: 0.',
    revisionHistoryLimit: 'How many old ReplicaSets are kept to go back to. Default: 10.',
    paused: 'Whether changes of the template wait.',
    progressDeadlineSeconds: 'After how long without progress the rollout is reported as failed. Default: 600.',
  },
  'apps.v1.DeploymentStrategy': {
    '': 'How pods are replaced.',
    type: 'RollingUpdate (the default) or Recreate: first all old ones go, then new ones come.',
    rollingUpdate: 'How fast. Only with RollingUpdate.',
  },
  'apps.v1.RollingUpdateDeployment': {
    '': 'How many pods may be missing or too many meanwhile.',
    maxSurge: 'How many pods more than wanted, as a number or percentage (rounded up). Default: 25%.',
    maxUnavailable: 'How many pods less than wanted, as a number or percentage (rounded down). Default: 25%.',
  },
  'apps.v1.DeploymentStatus': {
    '': 'How far the rollout is.',
    replicas: 'How many pods there are.',
    updatedReplicas: 'How many have the newest template.',
    readyReplicas: 'How many are ready.',
    availableReplicas: 'How many have been ready for minReadySeconds.',
    unavailableReplicas: 'How many are missing.',
    terminatingReplicas: 'How many are ending.',
    conditions: 'Available, Progressing and ReplicaFailure.',
    collisionCount: 'How often a name for a new ReplicaSet was taken.',
  },
  'apps.v1.DeploymentCondition': { '': 'One aspect of the state of a Deployment.' },
  'apps.v1.ReplicaSet': { '': 'Keeps a number of equal pods running. Mostly made by a Deployment.' },
  'apps.v1.ReplicaSetSpec': {
    '': 'How many pods of which kind.',
    replicas: 'How many pods. Default: 1.',
    selector: "Which pods are its own. Must fit the template's labels, and cannot be changed.",
    template: 'What new pods look like.',
    minReadySeconds: 'How long a pod must be ready to count as available. Default: 0.',
  },
  'apps.v1.ReplicaSetStatus': { ...replicaStatus, terminatingReplicas: 'How many are ending.' },
  'apps.v1.ReplicaSetCondition': { '': 'One aspect of the state of a ReplicaSet.' },
  'core.v1.ReplicationController': { '': 'Keeps a number of equal pods running: the elder brother of the ReplicaSet.' },
  'core.v1.ReplicationControllerSpec': {
    '': 'How many pods of which kind.',
    replicas: 'How many pods. Default: 1.',
    selector: "Labels that its pods have. Default: the template's.",
    template: 'What new pods look like.',
    minReadySeconds: 'How long a pod must be ready to count as available. Default: 0.',
  },
  'core.v1.ReplicationControllerStatus': replicaStatus,
  'core.v1.ReplicationControllerCondition': { '': 'One aspect of the state of a ReplicationController.' },
};
