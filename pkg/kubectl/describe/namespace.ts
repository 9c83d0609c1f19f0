import type { LimitRange, Namespace, ResourceQuota } from '../../api/generated/core-v1.ts';
import { describeLabels, describeMetadata } from './common.ts';
import type { DescribeContext } from './describe-context.ts';
import type { Lines } from './lines.ts';

export async function describeNamespace(namespace: Namespace, lines: Lines, { api, mapper }: DescribeContext): Promise<void> {
  describeMetadata(namespace, lines);
  describeLabels(namespace, lines);
  lines.field('Status', namespace.status.phase ?? '');
  const within = async (type: string): Promise<readonly unknown[]> =>
    (await api.list(await mapper.one(type), namespace.metadata.name)).items;
  const quotas = (await within('resourcequotas')) as ResourceQuota[];
  lines.write(0, '');
  if (quotas.length === 0) lines.write(0, 'No resource quota.');
  else {
    lines.write(0, 'Resource Quotas');
    for (const { metadata, status } of quotas) {
      lines.field('Name', metadata.name, 1);
      lines.write(1, 'Resource\tUsed\tHard');
      lines.write(1, '--------\t---\t---');
      for (const resource of Object.keys(status.hard ?? {}).sort())
        lines.write(1, `${resource}\t${status.used?.[resource] ?? '0'}\t${status.hard?.[resource]}`);
    }
  }
  const limits = (await within('limitranges')) as LimitRange[];
  lines.write(0, '');
  if (limits.length === 0) lines.write(0, 'No LimitRange resource.');
  else {
    lines.write(0, 'Resource Limits');
    lines.write(1, 'Type\tResource\tMin\tMax\tDefault Request\tDefault Limit');
    lines.write(1, '----\t--------\t---\t---\t---------------\t-------------');
    for (const { spec } of limits) {
      for (const { type, min, max, defaultRequest, default: limit } of spec.limits) {
        for (const resource of Object.keys({ ...min, ...max, ...defaultRequest, ...limit }).sort()) {
          lines.write(1, [type, resource, ...[min, max, defaultRequest, limit].map((list) => list?.[resource] ?? '-')].join('\t'));
        }
      }
    }
  }
}
