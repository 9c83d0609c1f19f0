/**
 * The fields that field selectors may name, by resource, beside metadata.name and metadata.namespace.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/#list-of-supported-fields
 */
import type { KubeObject } from '../api/object.ts';
import { objectAt, type Raw, raw, text } from './raw.ts';

type Reader = (object: KubeObject) => string;
type Fields = Readonly<Record<string, Reader>>;

/** The value along a dotted path, as a selector compares it. */
function path(name: string): Reader {
  const keys = name.split('.');
  const last = keys.pop() as string;
  return (object) => {
    let value: Raw = raw(object);
    for (const key of keys) value = objectAt(value[key]);
    const found = value[last];
    return typeof found === 'string' ? found : found === undefined || found === null ? '' : String(found);
  };
}

function paths(...names: string[]): Fields {
  return Object.fromEntries(names.map((name) => [name, path(name)]));
}

const reference = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

/** A flag that is absent reads as `false`. */
function flag(name: string): Reader {
  const read = path(name);
  return (object) => read(object) || 'false';
}

const fields: Readonly<Record<string, Fields>> = {
  pods: {
    ...paths(
      'spec.nodeName',
      'spec.restartPolicy',
      'spec.schedulerName',
      'spec.serviceAccountName',
      'status.phase',
      'status.nominatedNodeName',
    ),
    'spec.hostNetwork': flag('spec.hostNetwork'),
    'status.podIP': path('status.podIP'),
    'status.podIPs': (object) => text(objectAt((objectAt(raw(object)['status'])['podIPs'] as unknown[] | undefined)?.[0])['ip']),
  },
  nodes: { 'spec.unschedulable': flag('spec.unschedulable') },
  namespaces: paths('status.phase'),
  secrets: paths('type'),
  services: paths('spec.clusterIP', 'spec.type'),
  replicationcontrollers: { 'status.replicas': (object) => path('status.replicas')(object) || '0' },
  'jobs.batch': { 'status.successful': (object) => path('status.succeeded')(object) || '0' },
  events: {
    ...Object.fromEntries(reference.map((name) => [`involvedObject.${name}`, path(`involvedObject.${name}`)])),
    ...paths('reason', 'reportingComponent', 'type'),
    source: (object) => path('source.component')(object) || path('reportingComponent')(object),
  },
  'events.events.k8s.io': {
    ...Object.fromEntries(reference.map((name) => [`regarding.${name}`, path(`regarding.${name}`)])),
    ...paths('reason', 'reportingController', 'type'),
  },
  'certificatesigningrequests.certificates.k8s.io': paths('spec.signerName'),
  'clustertrustbundles.certificates.k8s.io': paths('spec.signerName'),
  'podcertificaterequests.certificates.k8s.io': paths('spec.signerName', 'spec.podName', 'spec.nodeName'),
  'resourceslices.resource.k8s.io': paths('spec.nodeName', 'spec.driver'),
};

const none: Fields = {};

export function selectableFieldsOf(group: string, resource: string): Fields {
  return fields[group === '' ? resource : `${resource}.${group}`] ?? none;
}

/** The one field by which a resource's objects are found without looking at each. */
export const indexedFields: Readonly<Record<string, string>> = { pods: 'spec.nodeName' };
