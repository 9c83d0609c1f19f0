/** What extends and governs the API: access rules, webhooks, custom resources, priorities of requests, devices. */
import { child, isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { fill, fillNumber, fillText, type TypeDefault } from './type-default.ts';

const rbacGroup = 'rbac.authorization.k8s.io';

const webhook: TypeDefault = (hook) => {
  fill(hook, 'failurePolicy', 'Fail');
  fill(hook, 'matchPolicy', 'Equivalent');
  fill(hook, 'namespaceSelector', {});
  fill(hook, 'objectSelector', {});
  fill(hook, 'timeoutSeconds', 10);
};

const policySpec: TypeDefault = (spec) => fill(spec, 'failurePolicy', 'Fail');
const matchResources: TypeDefault = (match) => {
  fill(match, 'matchPolicy', 'Equivalent');
  fill(match, 'namespaceSelector', {});
  fill(match, 'objectSelector', {});
};
const rule: TypeDefault = (value) => fill(value, 'scope', '*');

const definition: TypeDefault = (object) => {
  const spec = child(object, 'spec');
  const names = child(spec, 'names');
  const kind = text(names['kind']);
  if (kind !== '') {
    fillText(names, 'singular', kind.toLowerCase());
    fillText(names, 'listKind', `${kind}List`);
  }
  if (!isObject(spec['conversion'])) spec['conversion'] = { strategy: 'None' };
};

const deviceRequest: TypeDefault = (request) => {
  fillText(request, 'allocationMode', 'ExactCount');
  if (request['allocationMode'] === 'ExactCount') fillNumber(request, 'count', 1);
};

function limited(spec: Raw): void {
  fill(spec, 'nominalConcurrencyShares', 30);
  fill(spec, 'lendablePercent', 0);
  const response = objectAt(spec['limitResponse']);
  if (response['type'] !== 'Queue') return;
  const { queuing } = response;
  if (!isObject(queuing)) return;
  fillNumber(queuing, 'queues', 64);
  fillNumber(queuing, 'handSize', 8);
  fillNumber(queuing, 'queueLengthLimit', 50);
}

export const clusterDefaults: Readonly<Record<string, TypeDefault>> = {
  'api.rbac.v1.RoleRef': (ref) => fillText(ref, 'apiGroup', rbacGroup),
  'api.rbac.v1.Subject': (subject) => {
    if (subject['kind'] === 'User' || subject['kind'] === 'Group') fillText(subject, 'apiGroup', rbacGroup);
  },
  'api.admissionregistration.v1.ValidatingWebhook': webhook,
  'api.admissionregistration.v1.MutatingWebhook': (hook, context) => {
    webhook(hook, context);
    fill(hook, 'reinvocationPolicy', 'Never');
  },
  'api.admissionregistration.v1.RuleWithOperations': rule,
  'api.admissionregistration.v1.NamedRuleWithOperations': rule,
  'api.admissionregistration.v1.MatchResources': matchResources,
  'api.admissionregistration.v1.ValidatingAdmissionPolicySpec': policySpec,
  'api.admissionregistration.v1.MutatingAdmissionPolicySpec': policySpec,
  'api.admissionregistration.v1beta1.MatchResources': matchResources,
  'api.admissionregistration.v1beta1.NamedRuleWithOperations': rule,
  'api.admissionregistration.v1beta1.MutatingAdmissionPolicySpec': policySpec,
  'api.admissionregistration.v1alpha1.MatchResources': matchResources,
  'api.admissionregistration.v1alpha1.NamedRuleWithOperations': rule,
  'api.admissionregistration.v1alpha1.MutatingAdmissionPolicySpec': policySpec,
  'apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition': definition,
  'api.authentication.v1.TokenRequestSpec': (spec) => fill(spec, 'expirationSeconds', 3600),
  'api.flowcontrol.v1.FlowSchemaSpec': (spec) => fillNumber(spec, 'matchingPrecedence', 1000),
  'api.flowcontrol.v1.PriorityLevelConfigurationSpec': (spec) => {
    if (isObject(spec['limited'])) limited(spec['limited']);
    if (isObject(spec['exempt'])) {
      fill(spec['exempt'], 'nominalConcurrencyShares', 0);
      fill(spec['exempt'], 'lendablePercent', 0);
    }
  },
  'api.resource.v1.ExactDeviceRequest': deviceRequest,
  'api.resource.v1.DeviceSubRequest': deviceRequest,
  'api.resource.v1beta2.ExactDeviceRequest': deviceRequest,
  'api.resource.v1beta2.DeviceSubRequest': deviceRequest,
  'api.resource.v1beta1.DeviceSubRequest': deviceRequest,
  'api.resource.v1beta1.DeviceRequest': (request) => {
    if (objects(request['firstAvailable']).length === 0) deviceRequest(request, { path: '', root: request });
  },
};
