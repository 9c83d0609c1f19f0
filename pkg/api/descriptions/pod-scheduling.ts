import type { Descriptions } from './description.ts';

/** Where pods may and should run. */
export const podSchedulingDescriptions: Descriptions = {
  'core.v1.Toleration': {
    '': 'Puts up with taints that match.',
    key: "The taint's key; empty with Exists: all of them.",
    operator: 'Equal (the default), Exists, Lt or Gt.',
    value: "The taint's value.",
    effect: "The taint's effect; empty: any.",
    tolerationSeconds: 'For NoExecute: how long the pod may stay on the node. Default: for ever.',
  },
  'core.v1.Affinity': {
    '': 'Which nodes, and which pods beside it, a pod wants or avoids.',
    nodeAffinity: 'About the labels of nodes.',
    podAffinity: 'About pods to be near to.',
    podAntiAffinity: 'About pods to be away from.',
  },
  'core.v1.NodeAffinity': {
    '': 'Which nodes a pod wants.',
    requiredDuringSchedulingIgnoredDuringExecution: 'What a node must fulfil. Not looked at again once the pod runs.',
    preferredDuringSchedulingIgnoredDuringExecution: 'What makes a node the better choice.',
  },
  'core.v1.NodeSelector': { '': 'Selects nodes: any of the terms must hold.', nodeSelectorTerms: 'The terms.' },
  'core.v1.NodeSelectorTerm': {
    '': 'Conditions on a node, all of which must hold.',
    matchExpressions: 'Conditions on its labels.',
    matchFields: 'Conditions on its fields: metadata.name.',
  },
  'core.v1.NodeSelectorRequirement': {
    '': 'A condition on one label or field.',
    key: "The label's key.",
    operator: 'In, NotIn, Exists, DoesNotExist, Gt or Lt.',
    values: 'The values; for Gt and Lt one integer.',
  },
  'core.v1.PreferredSchedulingTerm': { '': 'Conditions and what they are worth.', preference: 'The conditions.', weight: 'From 1 to 100.' },
  'core.v1.PodAffinity': {
    '': 'Pods to be near to.',
    requiredDuringSchedulingIgnoredDuringExecution: 'What must be fulfilled.',
    preferredDuringSchedulingIgnoredDuringExecution: 'What makes a node the better choice.',
  },
  'core.v1.PodAntiAffinity': {
    '': 'Pods to be away from.',
    requiredDuringSchedulingIgnoredDuringExecution: 'What must be fulfilled.',
    preferredDuringSchedulingIgnoredDuringExecution: 'What makes a node the better choice.',
  },
  'core.v1.PodAffinityTerm': {
    '': 'Pods, and what counts as near.',
    labelSelector: 'Which pods.',
    namespaces: 'The namespaces of the pods. Default: the same.',
    namespaceSelector: 'The namespaces of the pods, by label.',
    topologyKey: 'The label of nodes that must have one value for both: kubernetes.io/hostname for the same node.',
    matchLabelKeys: 'Labels whose value is taken from the new pod and must be the same.',
    mismatchLabelKeys: 'Labels whose value is taken from the new pod and must differ.',
  },
  'core.v1.WeightedPodAffinityTerm': { '': 'A term and what it is worth.', podAffinityTerm: 'The term.', weight: 'From 1 to 100.' },
  'core.v1.TopologySpreadConstraint': {
    '': 'How evenly pods are spread over the values of a label of nodes.',
    topologyKey: 'The label: nodes with one value form a domain.',
    maxSkew: 'By how many pods domains may differ.',
    whenUnsatisfiable: 'DoNotSchedule waits; ScheduleAnyway takes the best there is.',
    labelSelector: 'Which pods are counted.',
    minDomains: 'How many domains there must be at least.',
    matchLabelKeys: 'Labels whose value is taken from the new pod: pods with the same are counted.',
    nodeAffinityPolicy: 'Whether nodes that the pod cannot run on count: Honor or Ignore.',
    nodeTaintsPolicy: 'Whether nodes with taints that it does not tolerate count: Honor or Ignore.',
  },
  'core.v1.PodSchedulingGate': { '': 'Holds scheduling back.', name: 'Its name.' },
  'core.v1.PodReadinessGate': { '': 'A further condition for readiness.', conditionType: 'The condition.' },
};
