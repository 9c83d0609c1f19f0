import type { TableColumn } from '../contract.ts';
import { isObject, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import {
  ageColumn,
  column,
  defaultName,
  labelText,
  nameColumn,
  none,
  orNone,
  selectorText,
  shortened,
  shown,
  spec,
  status,
  wide,
} from './column.ts';

type Columns = readonly TableColumn[];

function externalIp(service: Raw): string {
  const given = strings(spec(service)['externalIPs']);
  switch (spec(service)['type']) {
    case 'ExternalName':
      return text(spec(service)['externalName']);
    case 'LoadBalancer': {
      const ingress = objects(objectAt(status(service)['loadBalancer'])['ingress']).map(
        (point) => text(point['ip']) || text(point['hostname']),
      );
      const all = [...ingress, ...given];
      return all.length > 0 ? all.join(',') : '<pending>';
    }
    default:
      return given.length > 0 ? given.join(',') : none;
  }
}

function servicePorts(service: Raw): string {
  const ports = objects(spec(service)['ports']).map((port) => {
    const node = port['nodePort'];
    return `${String(port['port'])}${typeof node === 'number' && node > 0 ? `:${node}` : ''}/${text(port['protocol'])}`;
  });
  return ports.length > 0 ? ports.join(',') : none;
}

const service: Columns = [
  nameColumn,
  column('Type', (object) => spec(object)['type'], { description: 'How it can be reached.' }),
  column('Cluster-IP', (object) => strings(spec(object)['clusterIPs'])[0] ?? orNone(spec(object)['clusterIP']), {
    description: 'Its address in the cluster.',
  }),
  column('External-IP', externalIp, { description: 'Its addresses outside.' }),
  column('Port(s)', servicePorts, { description: 'Its ports, with their node ports.' }),
  ageColumn,
  wide('Selector', (object) => labelText(spec(object)['selector']), { description: 'Which pods serve it.' }),
];

function endpointTexts(object: Raw): string[] {
  return objects(object['subsets']).flatMap((subset) => {
    const ips = objects(subset['addresses']).map((address) => text(address['ip']));
    const ports = objects(subset['ports']);
    return ports.length === 0
      ? ips
      : ports.flatMap((port) => ips.map((ip) => `${ip.includes(':') ? `[${ip}]` : ip}:${String(port['port'])}`));
  });
}

const endpoints: Columns = [
  nameColumn,
  column('Endpoints', (object) => shortened(endpointTexts(object), none), { description: 'Where the service is served.' }),
  ageColumn,
];

const slicePorts = (object: Raw): string[] =>
  objects(object['ports']).map((port) => (port['port'] === undefined ? text(port['name']) || '*' : String(port['port'])));
const endpointSlice: Columns = [
  nameColumn,
  column('AddressType', (object) => object['addressType'], { description: 'What kind of addresses it holds.' }),
  column('Ports', (object) => shortened(slicePorts(object), '<unset>'), { description: 'On which ports.' }),
  column(
    'Endpoints',
    (object) =>
      shortened(
        objects(object['endpoints']).flatMap((endpoint) => strings(endpoint['addresses'])),
        '<unset>',
      ),
    {
      description: 'Where the service is served.',
    },
  ),
  ageColumn,
];

/** Beyond the hosts that are shown, rules are counted, whether they name a host or not. */
function ingressHosts(ingress: Raw): string {
  const rules = objects(spec(ingress)['rules']).map((rule) => text(rule['host']));
  const hosts = rules.filter((host) => host !== '').slice(0, shown);
  const last = hosts.length < shown ? rules.length - 1 : rules.indexOf(hosts.at(-1) as string);
  const more = last < rules.length - 1;
  return more ? `${hosts.join(',')} + ${rules.length - shown} more...` : hosts.join(',') || '*';
}

const ingress: Columns = [
  nameColumn,
  column('Class', (object) => orNone(spec(object)['ingressClassName']), { description: 'Which controller serves it.' }),
  column('Hosts', ingressHosts, { description: 'Which hosts it answers for.' }),
  column(
    'Address',
    (object) =>
      objects(objectAt(status(object)['loadBalancer'])['ingress'])
        .map((point) => text(point['ip']) || text(point['hostname']))
        .join(','),
    {
      description: 'Where it can be reached.',
    },
  ),
  column('Ports', (object) => (objects(spec(object)['tls']).length > 0 ? '80, 443' : '80'), { description: 'On which ports.' }),
  ageColumn,
];

const ingressClass: Columns = [
  defaultName('ingressclass.kubernetes.io/is-default-class'),
  column('Controller', (object) => spec(object)['controller'], { description: 'Who serves its ingresses.' }),
  column(
    'Parameters',
    (object) => {
      const parameters = spec(object)['parameters'];
      if (!isObject(parameters)) return none;
      const group = text(parameters['apiGroup']);
      return `${text(parameters['kind'])}${group === '' ? '' : `.${group}`}/${text(parameters['name'])}`;
    },
    { description: 'What configures the controller.' },
  ),
  ageColumn,
];

const ipAddress: Columns = [
  nameColumn,
  column(
    'ParentRef',
    (object) => {
      const { group, resource, namespace, name } = objectAt(spec(object)['parentRef']);
      const qualified = text(group) === '' ? text(resource) : `${text(resource)}.${text(group)}`;
      return [qualified, text(namespace), text(name)].filter((part) => part !== '').join('/');
    },
    { description: 'Who holds it.' },
  ),
];

const serviceCidr: Columns = [
  nameColumn,
  column('CIDRs', (object) => strings(spec(object)['cidrs']).join(','), { description: 'From which blocks services get addresses.' }),
  ageColumn,
];

export const serviceColumns: Readonly<Record<string, Columns>> = {
  'api.core.v1.Service': service,
  'api.core.v1.Endpoints': endpoints,
  'api.discovery.v1.EndpointSlice': endpointSlice,
  'api.networking.v1.Ingress': ingress,
  'api.networking.v1.IngressClass': ingressClass,
  'api.networking.v1.NetworkPolicy': [
    nameColumn,
    column('Pod-Selector', (object) => selectorText(spec(object)['podSelector']), { description: 'Which pods it protects.' }),
    ageColumn,
  ],
  'api.networking.v1.IPAddress': ipAddress,
  'api.networking.v1beta1.IPAddress': ipAddress,
  'api.networking.v1.ServiceCIDR': serviceCidr,
  'api.networking.v1beta1.ServiceCIDR': serviceCidr,
};
