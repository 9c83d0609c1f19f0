import type { PodTemplateSpec, Toleration } from '../../api/generated/core-v1.ts';
import { describeAnnotations, formatMap, pairs } from './common.ts';
import { describeContainers } from './containers.ts';
import type { Lines } from './lines.ts';
import { describeVolumes } from './volumes.ts';

export function describePodTemplate(template: PodTemplateSpec | undefined, lines: Lines, title = 'Pod Template'): void {
  if (!template) {
    lines.write(0, `${title}:`);
    lines.write(1, '<unset>');
    return;
  }
  const { metadata, spec } = template;
  lines.write(0, `${title}:`);
  lines.list('Labels', pairs(metadata?.labels), 1);
  if (Object.keys(metadata?.annotations ?? {}).length > 0) describeAnnotations(metadata?.annotations, lines, 1);
  if (!spec) return;
  if (spec.serviceAccountName) lines.field('Service Account', spec.serviceAccountName, 1);
  if (spec.initContainers?.length) describeContainers(spec.initContainers, lines, { title: 'Init Containers', nested: true });
  describeContainers(spec.containers, lines, { title: 'Containers', nested: true });
  describeVolumes(spec.volumes, lines, { nested: true });
  if (spec.priorityClassName) lines.field('Priority Class Name', spec.priorityClassName, 1);
  lines.field('Node-Selectors', formatMap(spec.nodeSelector), 1);
  lines.list('Tolerations', (spec.tolerations ?? []).map(formatToleration), 1);
}

/** `node.kubernetes.io/not-ready:NoExecute op=Exists for 300s`. */
export function formatToleration({ key = '', value, effect, operator, tolerationSeconds }: Toleration): string {
  let text = key;
  if (value) text += `=${value}`;
  if (effect) text += `:${effect}`;
  if (operator === 'Exists' && !value) text += text === '' ? 'op=Exists' : ' op=Exists';
  if (tolerationSeconds !== undefined) text += ` for ${tolerationSeconds}s`;
  return text;
}
