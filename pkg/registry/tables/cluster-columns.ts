import type { TableColumn } from '../contract.ts';
import { isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import {
  ageColumn,
  column,
  conditionOf,
  counted,
  integer,
  isTrue,
  metadata,
  nameColumn,
  none,
  orNone,
  shortened,
  spec,
  status,
  wide,
} from './column.ts';
import { ageAt } from './human-duration.ts';

type Columns = readonly TableColumn[];

function nodeStatus(node: Raw): string {
  const ready = conditionOf(node, 'Ready');
  const words = [ready === undefined ? 'Unknown' : ready['status'] === 'True' ? 'Ready' : 'NotReady'];
  if (spec(node)['unschedulable'] === true) words.push('SchedulingDisabled');
  return words.join(',');
}

const rolePrefix = 'node-role.kubernetes.io/';
function nodeRoles(node: Raw): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(objectAt(metadata(node)['labels']))) {
    if (key.startsWith(rolePrefix) && key.length > rolePrefix.length) roles.add(key.slice(rolePrefix.length));
    else if (key === 'kubernetes.io/role' && text(value) !== '') roles.add(text(value));
  }
  return roles.size === 0 ? none : [...roles].sort().join(',');
}

function nodeAddress(type: string): (node: Raw) => string {
  return (node) => orNone(objects(status(node)['addresses']).find((address) => address['type'] === type)?.['address']);
}

const info = (field: string) => (node: Raw) => text(objectAt(status(node)['nodeInfo'])[field]) || '<unknown>';

const node: Columns = [
  nameColumn,
  column('Status', nodeStatus, { description: 'Whether it takes pods.' }),
  column('Roles', nodeRoles, { description: 'What it is there for.' }),
  ageColumn,
  column('Version', (object) => text(objectAt(status(object)['nodeInfo'])['kubeletVersion']), { description: "Its kubelet's version." }),
  wide('Internal-IP', nodeAddress('InternalIP'), { description: 'Its address in the cluster.' }),
  wide('External-IP', nodeAddress('ExternalIP'), { description: 'Its address outside.' }),
  wide('OS-Image', info('osImage'), { description: 'Its operating system.' }),
  wide('Kernel-Version', info('kernelVersion'), { description: 'Its kernel.' }),
  wide('Container-Runtime', info('containerRuntimeVersion'), { description: 'What runs its containers.' }),
];

const firstSeen = (event: Raw, now: number): string =>
  ageAt(event['firstTimestamp'] ?? event['eventTime'] ?? event['deprecatedFirstTimestamp'], now);
function lastSeen(event: Raw, now: number): string {
  const series = event['series'];
  if (isObject(series)) return ageAt(series['lastObservedTime'], now);
  const last = event['lastTimestamp'] ?? event['deprecatedLastTimestamp'];
  return last === undefined ? firstSeen(event, now) : ageAt(last, now);
}

const regarding = (event: Raw): Raw => objectAt(event['involvedObject'] ?? event['regarding']);
function eventObject(event: Raw): string {
  const { kind, name } = regarding(event);
  return text(name) === '' ? text(kind).toLowerCase() : `${text(kind).toLowerCase()}/${text(name)}`;
}

function eventSource(event: Raw): string {
  const source = objectAt(event['source'] ?? event['deprecatedSource']);
  const component = text(source['component']) || text(event['reportingComponent']) || text(event['reportingController']);
  const host = text(source['host']) || text(event['reportingInstance']);
  return host === '' ? component : `${component}, ${host}`;
}

const eventCount = (event: Raw): unknown =>
  isObject(event['series']) ? event['series']['count'] : event['count'] || event['deprecatedCount'] || 1;

const event: Columns = [
  column('Last Seen', lastSeen, { description: 'How long ago it happened last.' }),
  column('Type', (object) => object['type'], { description: 'Normal, or a warning.' }),
  column('Reason', (object) => object['reason'], { description: 'What happened, in a word.' }),
  column('Object', eventObject, { description: 'To what.' }),
  wide('Subobject', (object) => text(regarding(object)['fieldPath']), { description: 'To which part of it.' }),
  wide('Source', eventSource, { description: 'Who says so.' }),
  column('Message', (object) => (text(object['message']) || text(object['note'])).trim(), { description: 'What happened.' }),
  wide('First Seen', firstSeen, { description: 'How long ago it happened first.' }),
  wide('Count', (object) => Number(eventCount(object)), { description: 'How often.' }),
  { ...nameColumn, priority: 1 },
];

const size = (value: unknown): number => Object.keys(objectAt(value)).length;

function quotaText(kind: 'requests' | 'limits'): (quota: Raw) => string {
  return (quota) => {
    const hard = objectAt(status(quota)['hard']);
    const used = objectAt(status(quota)['used']);
    return Object.keys(hard)
      .filter((name) => name.startsWith('limits.') === (kind === 'limits'))
      .sort()
      .map((name) => `${name}: ${text(used[name]) || '0'}/${text(hard[name])}`)
      .join(', ');
  };
}

const webhooks: Columns = [nameColumn, integer('Webhooks', (object) => objects(object['webhooks']).length, 'How many it asks.'), ageColumn];

function parameterKind(policy: Raw): string {
  const kind = spec(policy)['paramKind'];
  return isObject(kind) ? `${text(kind['apiVersion'])}/${text(kind['kind'])}` : '<unset>';
}
const policyBinding: Columns = [
  nameColumn,
  column('PolicyName', (object) => spec(object)['policyName'], { description: 'What it puts to use.' }),
  column(
    'ParamRef',
    (object) => {
      const reference = spec(object)['paramRef'];
      if (!isObject(reference)) return '<unset>';
      const name = text(reference['name']);
      return name === '' ? '*' : text(reference['namespace']) === '' ? `*/${name}` : `${text(reference['namespace'])}/${name}`;
    },
    { description: 'With which parameters.' },
  ),
  ageColumn,
];
const validatingPolicy: Columns = [
  nameColumn,
  integer('Validations', (object) => objects(spec(object)['validations']).length, 'How many rules it has.'),
  column('ParamKind', parameterKind, { description: 'What configures it.' }),
  ageColumn,
];
const mutatingPolicy: Columns = [
  nameColumn,
  integer('Mutations', (object) => objects(spec(object)['mutations']).length, 'How many changes it makes.'),
  column('ParamKind', parameterKind, { description: 'What configures it.' }),
  ageColumn,
];

function subjects(kind: string): (binding: Raw) => string {
  return (binding) =>
    objects(binding['subjects'])
      .filter((subject) => subject['kind'] === kind)
      .map((subject) => (kind === 'ServiceAccount' ? `${text(subject['namespace'])}/${text(subject['name'])}` : text(subject['name'])))
      .join(', ');
}
const roleBinding: Columns = [
  nameColumn,
  column('Role', (object) => `${text(objectAt(object['roleRef'])['kind'])}/${text(objectAt(object['roleRef'])['name'])}`, {
    description: 'What it grants.',
  }),
  ageColumn,
  wide('Users', subjects('User'), { description: 'To which users.' }),
  wide('Groups', subjects('Group'), { description: 'To which groups.' }),
  wide('ServiceAccounts', subjects('ServiceAccount'), { description: 'To which service accounts.' }),
];

function levelCell(read: (limited: Raw) => unknown): (level: Raw) => string {
  return (level) => {
    const value = read(objectAt(spec(level)['limited']));
    return value === undefined ? none : String(value);
  };
}
const queuing = (limited: Raw): Raw => objectAt(objectAt(limited['limitResponse'])['queuing']);

const leaseCandidate: Columns = [
  nameColumn,
  column('LeaseName', (object) => spec(object)['leaseName'], { description: 'For which lease.' }),
  column('BinaryVersion', (object) => spec(object)['binaryVersion'], { description: 'Version of the candidate.' }),
  column('EmulationVersion', (object) => text(spec(object)['emulationVersion']), { description: 'Version it behaves as.' }),
  ageColumn,
];

/** Of servers of different versions: in which version each of them stores a resource. */
const storageVersion: Columns = [
  nameColumn,
  column('CommonEncodingVersion', (object) => text(status(object)['commonEncodingVersion']) || '<unset>', {
    description: 'The version in which all servers store it.',
  }),
  column(
    'StorageVersions',
    (object) =>
      shortened(
        objects(status(object)['storageVersions']).map((each) => `${text(each['apiServerID'])}=${text(each['encodingVersion'])}`),
        '<unset>',
      ),
    { description: 'The version in which each server stores it.' },
  ),
  ageColumn,
];
const migrationStates = ['Running', 'Failed', 'Succeeded'];
const storageVersionMigration: Columns = [
  { ...nameColumn, format: '' },
  column(
    'Resource',
    (object) => {
      const { resource, group } = objectAt(spec(object)['resource']);
      return text(group) === '' ? text(resource) : `${text(resource)}.${text(group)}`;
    },
    { description: 'What is written anew.' },
  ),
  column('Status', (object) => migrationStates.filter((type) => isTrue(object, type)).at(-1) ?? 'Unknown', {
    description: 'How far it has come.',
  }),
];

export const clusterColumns: Readonly<Record<string, Columns>> = {
  'api.core.v1.Node': node,
  'api.core.v1.Event': event,
  'api.events.v1.Event': event,
  'api.core.v1.Namespace': [
    nameColumn,
    column('Status', (object) => status(object)['phase'], { description: 'Whether it is going away.' }),
    ageColumn,
  ],
  'api.core.v1.ConfigMap': [
    nameColumn,
    counted('Data', (object) => size(object['data']) + size(object['binaryData']), 'Number of entries.'),
    ageColumn,
  ],
  'api.core.v1.Secret': [
    nameColumn,
    column('Type', (object) => object['type'], { description: 'What it is for.' }),
    counted('Data', (object) => size(object['data']), 'Number of entries.'),
    ageColumn,
  ],
  'api.core.v1.ServiceAccount': [nameColumn, ageColumn],
  'api.core.v1.ResourceQuota': [
    nameColumn,
    column('Request', quotaText('requests'), { description: 'What may be asked for, and what has been.' }),
    column('Limit', quotaText('limits'), { description: 'What may be limited to, and what has been.' }),
    ageColumn,
  ],
  'api.core.v1.ComponentStatus': [
    nameColumn,
    column(
      'Status',
      (object) => (objects(object['conditions']).some((c) => c['type'] === 'Healthy' && c['status'] === 'True') ? 'Healthy' : 'Unhealthy'),
      {
        description: 'Whether it works.',
      },
    ),
    column('Message', (object) => text(objects(object['conditions'])[0]?.['message']), { description: 'What it says.' }),
    column('Error', (object) => text(objects(object['conditions'])[0]?.['error']), { description: 'What is wrong.' }),
  ],
  'api.coordination.v1.Lease': [
    nameColumn,
    column('Holder', (object) => text(spec(object)['holderIdentity']), { description: 'Who holds it.' }),
    ageColumn,
  ],
  'api.coordination.v1beta1.LeaseCandidate': leaseCandidate,
  'api.coordination.v1alpha2.LeaseCandidate': leaseCandidate,
  'api.apiserverinternal.v1alpha1.StorageVersion': storageVersion,
  'api.storagemigration.v1beta1.StorageVersionMigration': storageVersionMigration,
  'api.node.v1.RuntimeClass': [nameColumn, column('Handler', (object) => object['handler'], { description: 'Which runtime.' }), ageColumn],
  'api.admissionregistration.v1.MutatingWebhookConfiguration': webhooks,
  'api.admissionregistration.v1.ValidatingWebhookConfiguration': webhooks,
  'api.admissionregistration.v1.ValidatingAdmissionPolicy': validatingPolicy,
  'api.admissionregistration.v1.ValidatingAdmissionPolicyBinding': policyBinding,
  'api.admissionregistration.v1.MutatingAdmissionPolicy': mutatingPolicy,
  'api.admissionregistration.v1.MutatingAdmissionPolicyBinding': policyBinding,
  'api.admissionregistration.v1beta1.MutatingAdmissionPolicy': mutatingPolicy,
  'api.admissionregistration.v1beta1.MutatingAdmissionPolicyBinding': policyBinding,
  'api.admissionregistration.v1alpha1.MutatingAdmissionPolicy': mutatingPolicy,
  'api.admissionregistration.v1alpha1.MutatingAdmissionPolicyBinding': policyBinding,
  'api.rbac.v1.RoleBinding': roleBinding,
  'api.rbac.v1.ClusterRoleBinding': roleBinding,
  'api.flowcontrol.v1.FlowSchema': [
    nameColumn,
    column('PriorityLevel', (object) => text(objectAt(spec(object)['priorityLevelConfiguration'])['name']), {
      description: 'Where its requests wait.',
    }),
    counted('MatchingPrecedence', (object) => spec(object)['matchingPrecedence'], 'Which schema goes first.'),
    column('DistinguisherMethod', (object) => text(objectAt(spec(object)['distinguisherMethod'])['type']) || none, {
      description: 'How flows are told apart.',
    }),
    ageColumn,
    column('MissingPL', (object) => text(conditionOf(object, 'Dangling')?.['status']) || '?', {
      description: 'Whether its level is missing.',
    }),
  ],
  'api.flowcontrol.v1.PriorityLevelConfiguration': [
    nameColumn,
    column('Type', (object) => spec(object)['type'], { description: 'Whether it is limited.' }),
    column(
      'NominalConcurrencyShares',
      levelCell((limited) => limited['nominalConcurrencyShares']),
      { description: 'Its share of the server.' },
    ),
    column(
      'Queues',
      levelCell((limited) => queuing(limited)['queues']),
      { description: 'Number of queues.' },
    ),
    column(
      'HandSize',
      levelCell((limited) => queuing(limited)['handSize']),
      { description: 'Queues that one flow may use.' },
    ),
    column(
      'QueueLengthLimit',
      levelCell((limited) => queuing(limited)['queueLengthLimit']),
      { description: 'Requests in one queue.' },
    ),
    ageColumn,
  ],
  'kube-aggregator.pkg.apis.apiregistration.v1.APIService': [
    nameColumn,
    column(
      'Service',
      (object) => {
        const service = spec(object)['service'];
        return isObject(service) ? `${text(service['namespace'])}/${text(service['name'])}` : 'Local';
      },
      { description: 'Who serves the group.' },
    ),
    column(
      'Available',
      (object) => {
        const available = conditionOf(object, 'Available');
        if (!available) return 'Unknown';
        return available['status'] === 'True' ? 'True' : `${text(available['status'])} (${text(available['reason'])})`;
      },
      { description: 'Whether it can be reached.' },
    ),
    ageColumn,
  ],
};
