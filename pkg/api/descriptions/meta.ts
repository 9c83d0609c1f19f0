import type { Descriptions } from './description.ts';

/** What all objects share. */
export const metaDescriptions: Descriptions = {
  'meta.v1.ObjectMeta': {
    '': "Standard object's metadata: its name, labels, owners, and what the server records of it.",
    name: 'The name, unique among the objects of this kind in the namespace. It cannot be changed.',
    generateName: 'A beginning for the name: with no name given, the server adds five random characters to it.',
    namespace: 'The namespace that the object lives in. Cluster-wide kinds have none. It cannot be changed.',
    labels: 'Keys and values by which objects are selected: by Services, controllers, and kubectl -l.',
    annotations: 'Keys and values for tools and people. Unlike labels they may be long, and select nothing.',
    uid: 'Given by the server: tells this object from any other of the same name, before or after it.',
    resourceVersion: 'Changes with every write. Sent back with an update, it refuses the update if somebody was faster.',
    generation: 'Counts the changes of the spec.',
    creationTimestamp: 'CreationTimestamp is a timestamp of the server: when it created the object.',
    deletionTimestamp: 'Set when deletion was asked for: when the object may be gone. It stays until its finalizers are done.',
    deletionGracePeriodSeconds: 'How long the object was given to end.',
    finalizers: 'Names of those who must do something before the object may go; each removes its name when done.',
    ownerReferences: 'The objects that this one belongs to. When the last of them is gone, it is collected.',
    managedFields: 'Who set which field, for server-side apply and conflicts.',
    selfLink: 'No longer filled in.',
  },
  'meta.v1.ListMeta': {
    '': 'What a list says of itself.',
    resourceVersion: 'The revision that the list shows: where a watch can begin without a gap.',
    continue: 'The token with which the next page is asked for; empty on the last page.',
    remainingItemCount: 'How many objects come after this page.',
    selfLink: 'No longer filled in.',
  },
  'meta.v1.OwnerReference': {
    '': 'Points at an owner in the same namespace, or at a cluster-wide one.',
    apiVersion: "The owner's API version.",
    kind: "The owner's kind.",
    name: "The owner's name.",
    uid: "The owner's uid.",
    controller: 'Whether this owner manages the object. One at most does.',
    blockOwnerDeletion: 'Whether the owner, deleted in the foreground, waits until this object is gone.',
  },
  'meta.v1.LabelSelector': {
    '': 'Selects objects by their labels. All parts must hold; an empty selector selects everything.',
    matchLabels: 'Labels that must be there, with these values.',
    matchExpressions: 'Conditions on labels.',
  },
  'meta.v1.LabelSelectorRequirement': {
    '': 'A condition on one label.',
    key: "The label's key.",
    operator: 'In, NotIn, Exists or DoesNotExist.',
    values: 'The values for In and NotIn; empty for the others.',
  },
  'meta.v1.ManagedFieldsEntry': {
    '': 'The fields that one manager set through one version of the API.',
    manager: 'The name of the manager.',
    operation: 'Apply or Update: how the fields were set.',
    apiVersion: 'The version that the field paths are written in.',
    time: 'When the manager last changed what it owns.',
    fieldsType: 'How fieldsV1 is written: FieldsV1.',
    fieldsV1: 'The fields, as a tree of paths.',
    subresource: 'The subresource that the fields were set through; empty for the object itself.',
  },
  'meta.v1.Status': {
    '': 'The answer to a call that returns no object: mostly, what went wrong.',
    status: 'Success or Failure.',
    message: 'What happened, for people.',
    reason: 'What happened, as one word for machines.',
    code: 'The HTTP status code.',
    details: 'Which object it is about, and the causes one by one.',
  },
  'meta.v1.DeleteOptions': {
    '': 'How something is to be deleted.',
    gracePeriodSeconds: 'How long the object may take to end: 0 means at once.',
    preconditions: 'What must be the case for the deletion to happen.',
    propagationPolicy: 'What becomes of the objects that this one owns: Orphan, Background or Foreground.',
    dryRun: 'With All nothing is stored.',
    orphanDependents: 'Deprecated: use propagationPolicy.',
  },
  'meta.v1.Condition': {
    '': 'One aspect of the state of an object.',
  },
  'meta.v1.Time': { '': 'A moment as RFC 3339 writes it, to the second.' },
  'meta.v1.MicroTime': { '': 'A moment as RFC 3339 writes it, to the microsecond.' },
  'api.resource.Quantity': { '': 'A number with a suffix: 250m (thousandths), 1.5Gi (powers of 1024), 2k (powers of 1000).' },
  'util.intstr.IntOrString': { '': 'A number, or a text such as a name or a percentage.' },
};

export const autoscalingDescriptions: Descriptions = {
  'autoscaling.v1.Scale': { '': 'How many there are of something that can be scaled.' },
  'autoscaling.v1.ScaleSpec': { '': 'How many are wanted.', replicas: 'How many are wanted.' },
  'autoscaling.v1.ScaleStatus': {
    '': 'How many there are.',
    replicas: 'How many there are.',
    selector: 'The label selector of the pods that are counted, as text.',
  },
};
