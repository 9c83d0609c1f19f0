/** autoscaling/v1 knows one metric, the use of CPU; what v2 says beyond that travels in annotations. */
import { parseJson, stringifyJson } from '../../runtime/json.ts';
import { assign, isObject, objectAt, objects, type Raw, text } from '../raw.ts';

const prefix = 'autoscaling.alpha.kubernetes.io/';
const carried = {
  metrics: `${prefix}metrics`,
  behavior: `${prefix}behavior`,
  currentMetrics: `${prefix}current-metrics`,
  conditions: `${prefix}conditions`,
};

function isCpuUse(metric: Raw, member: 'target' | 'current'): boolean {
  const resource = objectAt(metric['resource']);
  return metric['type'] === 'Resource' && resource['name'] === 'cpu' && objectAt(resource[member])['averageUtilization'] !== undefined;
}

const use = (metric: Raw | undefined, member: 'target' | 'current'): unknown =>
  objectAt(objectAt(metric?.['resource'])[member])['averageUtilization'];

export function autoscalerToV1(object: Raw): Raw {
  const { metrics, behavior, ...spec } = objectAt(object['spec']);
  const { currentMetrics, conditions, ...given } = objectAt(object['status']);
  const status: Raw = { ...given, currentReplicas: given['currentReplicas'] ?? 0 };
  const annotations: Raw = { ...objectAt(objectAt(object['metadata'])['annotations']) };
  const target = objects(metrics).find((metric) => isCpuUse(metric, 'target'));
  const current = objects(currentMetrics).find((metric) => isCpuUse(metric, 'current'));
  const carry = (name: string, value: unknown): void => {
    if (isObject(value) || (Array.isArray(value) && value.length > 0)) annotations[name] = stringifyJson(value);
  };
  carry(
    carried.metrics,
    objects(metrics).filter((metric) => metric !== target),
  );
  carry(carried.behavior, behavior);
  carry(
    carried.currentMetrics,
    objects(currentMetrics).filter((metric) => metric !== current),
  );
  carry(carried.conditions, conditions);
  assign(spec, 'targetCPUUtilizationPercentage', use(target, 'target'));
  assign(status, 'currentCPUUtilizationPercentage', use(current, 'current'));
  return withAnnotations({ ...object, spec, status }, annotations);
}

export function autoscalerToStored(object: Raw): Raw {
  const { targetCPUUtilizationPercentage: target, ...spec } = objectAt(object['spec']);
  const { currentCPUUtilizationPercentage: current, ...status } = objectAt(object['status']);
  const annotations: Raw = { ...objectAt(objectAt(object['metadata'])['annotations']) };
  const take = (name: string): unknown => {
    const value = annotations[name];
    delete annotations[name];
    return readCarried(value);
  };
  const metrics = objects(take(carried.metrics));
  if (target !== undefined) metrics.unshift(cpuMetric('target', { type: 'Utilization', averageUtilization: target }));
  assign(spec, 'metrics', metrics.length > 0 ? metrics : undefined);
  const behavior = take(carried.behavior);
  assign(spec, 'behavior', isObject(behavior) ? behavior : undefined);
  const currentMetrics = objects(take(carried.currentMetrics));
  if (current !== undefined) currentMetrics.unshift(cpuMetric('current', { averageUtilization: current }));
  assign(status, 'currentMetrics', currentMetrics.length > 0 ? currentMetrics : undefined);
  const conditions = objects(take(carried.conditions));
  assign(status, 'conditions', conditions.length > 0 ? conditions : undefined);
  return withAnnotations({ ...object, spec, status }, annotations);
}

function cpuMetric(member: 'target' | 'current', value: Raw): Raw {
  return { type: 'Resource', resource: { name: 'cpu', [member]: value } };
}

/** An annotation can be written by anybody: what is no JSON carries nothing. */
function readCarried(value: unknown): unknown {
  if (text(value) === '') return undefined;
  try {
    return parseJson(text(value)).value;
  } catch {
    return undefined;
  }
}

function withAnnotations(object: Raw, annotations: Raw): Raw {
  const metadata: Raw = { ...objectAt(object['metadata']) };
  assign(metadata, 'annotations', Object.keys(annotations).length > 0 ? annotations : undefined);
  return { ...object, metadata };
}
