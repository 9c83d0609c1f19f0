/**
 * DaemonSets count the changes of their template apart from those of the rest, in an annotation: of old, their pods
 * carried that number.
 */
import { equalValues } from '../../runtime/values.ts';
import { child, metadataOf, objectAt, type Raw, text } from '../raw.ts';
import type { Strategy } from '../resource.ts';
import { immutable, onWrite } from '../validation/immutability.ts';
import { daemonSetCounts } from '../validation/status-counts.ts';

const annotation = 'deprecated.daemonset.template.generation';

const templateOf = (daemonSet: Raw): unknown => objectAt(daemonSet['spec'])['template'];

function countOf(daemonSet: Raw): number {
  return Number.parseInt(text(objectAt(metadataOf(daemonSet)['annotations'])[annotation]), 10) || 0;
}

function setCount(daemonSet: Raw, count: number): void {
  child(metadataOf(daemonSet), 'annotations')[annotation] = String(count);
}

export const daemonSetStrategy: Strategy = {
  generation: true,
  changesFirst: true,
  prepareCreate: (daemonSet) => setCount(daemonSet, Math.max(countOf(daemonSet), 1)),
  prepareUpdate: (next, old) => setCount(next, countOf(old) + (equalValues(templateOf(next), templateOf(old)) ? 0 : 1)),
  prepareSubresource: { status: (next, old) => setCount(next, countOf(old)) },
  validateUpdate: onWrite({ object: immutable('spec.selector'), status: daemonSetCounts }),
};
