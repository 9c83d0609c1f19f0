/**
 * Every validator there is, by the type it hangs on, and what is true of all types: a required field must say
 * something. https://kubernetes.io/docs/reference/kubernetes-api/
 */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { requiredField } from '../../runtime/field-errors.ts';
import { builtinSchema, type Schema } from '../../runtime/schema.ts';
import { visitTypes } from '../../runtime/walk.ts';
import { isObject, type Raw } from '../raw.ts';
import { admissionPolicyValidators } from './admission-policies.ts';
import { apiServiceValidators } from './api-service.ts';
import { autoscalingValidators } from './autoscaling.ts';
import { batchValidators } from './batch.ts';
import { certificateValidators } from './certificates.ts';
import { claimValidators } from './claim.ts';
import { clusterValidators } from './cluster.ts';
import { coordinationValidators } from './coordination.ts';
import { deviceRequestValidators } from './device-requests.ts';
import { deviceSliceValidators } from './device-slices.ts';
import { endpointSliceValidators } from './endpoint-slice.ts';
import { endpointValidators } from './endpoints.ts';
import { eventValidators } from './events.ts';
import { flowControlValidators } from './flowcontrol.ts';
import { limitRangeValidators } from './limit-range.ts';
import { metadataValidators } from './metadata.ts';
import { networkValidators } from './network.ts';
import { nodeValidators } from './node.ts';
import { podValidators } from './pod.ts';
import { policyValidators } from './policy.ts';
import { quotaValidators } from './quota.ts';
import { rbacValidators } from './rbac.ts';
import { schedulingValidators } from './scheduling.ts';
import { selectorValidators } from './selectors.ts';
import { serviceValidators } from './service.ts';
import { storageValidators } from './storage.ts';
import { storageClassValidators } from './storage-classes.ts';
import { below, type Report, type Validators } from './validator.ts';
import { webhookValidators } from './webhook-configuration.ts';
import { workloadValidators } from './workload.ts';

const tables = [
  metadataValidators,
  selectorValidators,
  podValidators,
  claimValidators,
  workloadValidators,
  batchValidators,
  autoscalingValidators,
  policyValidators,
  serviceValidators,
  endpointValidators,
  endpointSliceValidators,
  clusterValidators,
  nodeValidators,
  rbacValidators,
  deviceRequestValidators,
  deviceSliceValidators,
  quotaValidators,
  limitRangeValidators,
  storageClassValidators,
  coordinationValidators,
  certificateValidators,
  flowControlValidators,
  apiServiceValidators,
  admissionPolicyValidators,
  webhookValidators,
  storageValidators,
  networkValidators,
  eventValidators,
  schedulingValidators,
];
const validators = new Map<string, Validators[string]>(
  tables.flatMap((table) => Object.entries(table).map(([name, validate]) => [`io.k8s.${name}`, validate])),
);

/** Types whose required fields may be empty, or are looked at by the type around them. */
const lenient = new Set(
  [
    'api.core.v1.HTTPHeader',
    'api.core.v1.EnvVar',
    'api.core.v1.ContainerPort',
    'api.core.v1.VolumeMount',
    'api.core.v1.Volume',
    'api.core.v1.ServicePort',
    'api.core.v1.Taint',
    'api.core.v1.Sysctl',
    'api.core.v1.PodSchedulingGate',
    'api.core.v1.PodReadinessGate',
    'api.core.v1.HostAlias',
    'api.core.v1.NodeSelectorTerm',
    'api.core.v1.ObjectReference',
    'api.core.v1.AttachedVolume',
    'api.events.v1.Event',
    'api.events.v1.EventSeries',
    'apimachinery.pkg.apis.meta.v1.OwnerReference',
  ].map((name) => `io.k8s.${name}`),
);

/** CustomResourceDefinitions are looked at as a whole: custom/definition-validation.ts. */
const extensions = 'io.k8s.apiextensions-apiserver.';

interface ValidateOptions {
  /** False: it is looked at elsewhere. */
  readonly metadata?: boolean;
  /** What the object is to replace, where there is something. */
  readonly old?: Raw;
}

/** What is wrong with an object's types: its metadata, then the rest, outer before inner. The status is the server's own, and not looked at. */
export function validateObject(definition: string, object: Raw, { metadata = true, old }: ValidateOptions = {}): StatusCause[] {
  const causes: StatusCause[] = [];
  const report: Report = Object.assign((cause: StatusCause) => void causes.push(cause), { root: object, old });
  let metadataSeen = false;
  const visit = (name: string, value: unknown, path: string): boolean => {
    if (!isObject(value)) return false;
    if (path === 'status' || (path === 'metadata' && metadataSeen)) return true;
    const found = validators.get(name);
    if (typeof found === 'object') {
      found.whole(value, path, report);
      return true;
    }
    if (found) found(value, path, report);
    else if (!lenient.has(name) && !name.startsWith(extensions)) checkRequired(builtinSchema(name), value, path, report);
    return false;
  };
  if (metadata) visitTypes(object['metadata'], builtinSchema(objectMeta), visit, 'metadata');
  metadataSeen = true;
  visitTypes(object, builtinSchema(definition), visit);
  return causes;
}

const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** Texts and structures that must be there. Numbers are not looked at: zero says as much as any. */
function checkRequired(schema: Schema, value: Raw, path: string, report: Report): void {
  if (schema.kind !== 'object') return;
  for (const name of requiredOf(schema)) {
    const field = value[name];
    if (field === undefined || field === '') report(requiredField(below(path, name)));
  }
}

const requiredFields = new WeakMap<Schema, readonly string[]>();

function requiredOf(schema: Schema): readonly string[] {
  let names = requiredFields.get(schema);
  if (!names) {
    const fields = [...schema.fields.values()].filter((field) => field.required && !field.alwaysPresent && !isNumber(field.schema));
    names = fields.map((field) => field.name);
    requiredFields.set(schema, names);
  }
  return names;
}

function isNumber(schema: Schema): boolean {
  return schema.kind === 'scalar' && ['int32', 'int64', 'double', 'bool'].includes(schema.type);
}
