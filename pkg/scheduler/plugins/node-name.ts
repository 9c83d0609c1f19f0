import { onNode } from '../cluster-event.ts';
import type { Plugin } from '../framework.ts';

const name = 'NodeName';

/** A pod that already names its node fits nowhere else. */
export const nodeName: Plugin = {
  name,
  events: [onNode(['NodeAdd'], (pod, after) => pod.pod.spec.nodeName === after.metadata.name)],
  preFilter({ pod }) {
    const wanted = pod.spec.nodeName;
    if (!wanted) return 'skip';
    const rejection = {
      plugin: name,
      reasons: ["node(s) didn't match the requested node name"],
      unresolvable: true,
      change: `be named ${wanted}, as the pod's spec.nodeName asks`,
    };
    return { filter: { filter: (node) => (node.name === wanted ? undefined : rejection) } };
  },
};
