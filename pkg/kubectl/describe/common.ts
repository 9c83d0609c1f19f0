import type { LabelSelector } from '../../api/generated/meta-v1.ts';
import { controllerOf, type KubeObject } from '../../api/object.ts';
import { selectorFromLabelSelector } from '../../api/selectors.ts';
import { lastAppliedAnnotation } from '../last-applied.ts';
import type { Lines } from './lines.ts';

type StringMap = Readonly<Record<string, string>> | undefined;

export function pairs(map: StringMap, separator = '='): string[] {
  return Object.entries(map ?? {})
    .map(([key, value]) => `${key}${separator}${value}`)
    .sort();
}

/** `a=b,c=d`, or `<none>`. */
export function formatMap(map: StringMap): string {
  return pairs(map).join(',') || '<none>';
}

export function formatSelector(selector: LabelSelector | undefined): string {
  return selector ? selectorFromLabelSelector(selector).toString() || '<none>' : '<none>';
}

export function describeMetadata(object: KubeObject, lines: Lines): void {
  const { name, namespace } = object.metadata;
  lines.field('Name', name);
  if (namespace) lines.field('Namespace', namespace);
}

export function describeLabels(object: KubeObject, lines: Lines): void {
  lines.list('Labels', pairs(object.metadata.labels));
  describeAnnotations(object.metadata.annotations, lines);
}

/** Longer ones begin on a line of their own, and are cut; what kubectl apply keeps there is not shown. */
const longest = 140;
const cut = longest - 2;

export function describeAnnotations(annotations: StringMap, lines: Lines, level = 0): void {
  const shown = Object.entries(annotations ?? {})
    .filter(([key]) => key !== lastAppliedAnnotation)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  if (shown.length === 0) {
    lines.field('Annotations', '<none>', level);
    return;
  }
  for (const [i, [key, value]] of shown.entries()) {
    const lead = i === 0 ? 'Annotations:\t' : '\t';
    const text = value.replace(/\n$/, '');
    if (key.length + text.length + 2 < longest && !text.includes('\n')) {
      lines.write(level, `${lead}${key}: ${text}`);
      continue;
    }
    lines.write(level, `${lead}${key}:`);
    for (const line of text.split('\n')) lines.write(level, `\t  ${line.length > cut ? `${line.slice(0, cut)}...` : line}`);
  }
}

export function describeController(object: KubeObject, lines: Lines): void {
  const owner = controllerOf(object);
  if (owner) lines.field('Controlled By', `${owner.kind}/${owner.name}`);
}

/** `Limits:` and what follows, sorted. */
export function describeResourceList(name: string, list: StringMap, lines: Lines, level: number): void {
  const entries = Object.entries(list ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return;
  lines.write(level, `${name}:`);
  for (const [resource, quantity] of entries) lines.field(resource, quantity, level + 1);
}
