/** Services and how they are reached. */
import { child, isObject, objects, text } from '../raw.ts';
import { fill, fillText, type TypeDefault } from './type-default.ts';

/** How long a client stays with one endpoint: three hours. */
const affinitySeconds = 10_800;

const serviceSpec: TypeDefault = (spec) => {
  fillText(spec, 'sessionAffinity', 'None');
  if (spec['sessionAffinity'] === 'None') delete spec['sessionAffinityConfig'];
  if (spec['sessionAffinity'] === 'ClientIP')
    fill(child(child(spec, 'sessionAffinityConfig'), 'clientIP'), 'timeoutSeconds', affinitySeconds);
  fillText(spec, 'type', 'ClusterIP');
  for (const port of objects(spec['ports'])) {
    fillText(port, 'protocol', 'TCP');
    const target = port['targetPort'];
    if (target === undefined || target === 0 || target === '') port['targetPort'] = port['port'];
    // A node port of zero asks for any.
    if (port['nodePort'] === 0) delete port['nodePort'];
  }
  const type = text(spec['type']);
  const external =
    type === 'NodePort' ||
    type === 'LoadBalancer' ||
    (type === 'ClusterIP' && Array.isArray(spec['externalIPs']) && spec['externalIPs'].length > 0);
  if (external) fillText(spec, 'externalTrafficPolicy', 'Cluster');
  if (type !== 'ExternalName') fill(spec, 'internalTrafficPolicy', 'Cluster');
  if (type === 'LoadBalancer') fill(spec, 'allocateLoadBalancerNodePorts', true);
};

const webhookService: TypeDefault = (service) => fill(service, 'port', 443);

export const serviceDefaults: Readonly<Record<string, TypeDefault>> = {
  'api.core.v1.ServiceSpec': serviceSpec,
  'api.core.v1.LoadBalancerStatus': (status) => {
    for (const ingress of objects(status['ingress'])) if (text(ingress['ip']) !== '') fill(ingress, 'ipMode', 'VIP');
  },
  'api.core.v1.EndpointSubset': (subset) => {
    for (const port of objects(subset['ports'])) fillText(port, 'protocol', 'TCP');
  },
  'api.discovery.v1.EndpointPort': (port) => {
    fill(port, 'name', '');
    fill(port, 'protocol', 'TCP');
  },
  'api.networking.v1.NetworkPolicyPort': (port) => fill(port, 'protocol', 'TCP'),
  'api.networking.v1.NetworkPolicySpec': (spec) => {
    if (Array.isArray(spec['policyTypes']) && spec['policyTypes'].length > 0) return;
    const egress = Array.isArray(spec['egress']) && spec['egress'].length > 0;
    spec['policyTypes'] = egress ? ['Ingress', 'Egress'] : ['Ingress'];
  },
  'api.networking.v1.IngressClass': (object) => {
    const spec = object['spec'];
    if (isObject(spec) && isObject(spec['parameters'])) fill(spec['parameters'], 'scope', 'Cluster');
  },
  'api.admissionregistration.v1.ServiceReference': webhookService,
  'kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference': webhookService,
  'apiextensions-apiserver.pkg.apis.apiextensions.v1.ServiceReference': webhookService,
};
