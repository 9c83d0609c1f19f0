import type { CustomResourceSubresourceScale } from '../../api/generated/apiextensions-v1.ts';
import { text } from '../raw.ts';
import type { Scaling } from '../subresources/scale.ts';
import { parseSimplePath, setValueAt, valueAt } from './simple-path.ts';

const nowhere: readonly string[] = [];

/** The Scale of a custom resource: its numbers and its selector stand where the definition says. */
export function customScaling({ specReplicasPath, statusReplicasPath, labelSelectorPath }: CustomResourceSubresourceScale): Scaling {
  const wanted = parseSimplePath(specReplicasPath) ?? nowhere;
  const there = parseSimplePath(statusReplicasPath) ?? nowhere;
  const selector = labelSelectorPath === undefined ? undefined : parseSimplePath(labelSelectorPath);
  return {
    path: wanted,
    read: (object) => ({
      wanted: Number(valueAt(object, wanted) ?? 0),
      there: Number(valueAt(object, there) ?? 0),
      selector: selector ? text(valueAt(object, selector)) : '',
    }),
    write: (object, replicas) => setValueAt(object, wanted, replicas),
  };
}
