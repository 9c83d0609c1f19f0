import { objectAt, objects, type Raw, text } from '../raw.ts';
import { none, spec, status } from './column.ts';

/** As many targets as kubectl shows; the others are counted. */
const shown = 2;

/** `cpu: 40%/80%, memory: <unknown>/1Gi + 1 more...`. */
export function autoscalerTargets(autoscaler: Raw): string {
  if (spec(autoscaler)['metrics'] === undefined) return cpuTarget(autoscaler);
  const metrics = objects(spec(autoscaler)['metrics']);
  if (metrics.length === 0) return none;
  const current = objects(status(autoscaler)['currentMetrics']);
  const texts = metrics.map((metric, i) => metricText(metric, objectAt(current[i])));
  const rest = texts.length - shown;
  return rest > 0 ? `${texts.slice(0, shown).join(', ')} + ${rest} more...` : texts.join(', ');
}

/** autoscaling/v1 knows the one metric. */
function cpuTarget(autoscaler: Raw): string {
  const target = spec(autoscaler)['targetCPUUtilizationPercentage'];
  const now = status(autoscaler)['currentCPUUtilizationPercentage'];
  const percent = (value: unknown): string => (value === undefined ? '<unknown>' : `${String(value)}%`);
  return target === undefined ? none : `cpu: ${percent(now)}/${percent(target)}`;
}

/** The member of a metric that says what it measures, by its type. */
const members: Readonly<Record<string, string>> = {
  External: 'external',
  Pods: 'pods',
  Object: 'object',
  Resource: 'resource',
  ContainerResource: 'containerResource',
};

function metricText(metric: Raw, current: Raw): string {
  const type = text(metric['type']);
  const member = members[type];
  if (member === undefined) return '<unknown type>';
  const source = objectAt(metric[member]);
  const target = objectAt(source['target']);
  const now = objectAt(objectAt(current[member])['current']);
  const named = type === 'Resource' || type === 'ContainerResource' ? `${text(source['name'])}: ` : '';
  if (target['averageUtilization'] !== undefined) {
    const used = now['averageUtilization'] === undefined ? '<unknown>' : `${String(now['averageUtilization'])}%`;
    return `${named}${used}/${String(target['averageUtilization'])}%`;
  }
  const average = target['averageValue'] !== undefined;
  const field = average ? 'averageValue' : 'value';
  const value = now[field] === undefined ? '<unknown>' : String(now[field]);
  const suffix = average && (type === 'External' || type === 'Object') ? ' (avg)' : '';
  return `${named}${value}/${String(target[field] ?? '<auto>')}${suffix}`;
}
