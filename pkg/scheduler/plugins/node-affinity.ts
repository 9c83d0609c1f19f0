import type { NodeSelectorTerm, Pod } from '../../api/generated/core-v1.ts';
import { matchesRequiredNodeAffinity, matchesTerm } from '../../api/node-affinity.ts';
import { onNode } from '../cluster-event.ts';
import { normalizeByHighest, type Plugin } from '../framework.ts';
import { describeRequiredNodeAffinity } from '../node-selector.ts';

const name = 'NodeAffinity';

/** spec.nodeSelector and node affinity: required ones filter, preferred ones score by the sum of their weights. */
export const nodeAffinity: Plugin = {
  name,
  events: [
    onNode(
      ['NodeAdd', 'NodeUpdateLabel'],
      ({ pod }, after, before) =>
        matchesRequiredNodeAffinity(pod.spec, after) && !(before && matchesRequiredNodeAffinity(pod.spec, before)),
    ),
  ],
  preFilter({ pod }) {
    const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    if (!pod.spec.nodeSelector && !required) return 'skip';
    const names = namedNodes(required?.nodeSelectorTerms ?? []);
    const rejection = {
      plugin: name,
      reasons: ["node(s) didn't match Pod's node affinity/selector"],
      unresolvable: true,
      change: `match the pod's node selector: ${describeRequiredNodeAffinity(pod)}`,
    };
    if (names?.size === 0) return { reject: { ...rejection, reasons: ['pod affinity terms conflict'] } };
    return {
      filter: { filter: ({ node }) => (node && matchesRequiredNodeAffinity(pod.spec, node) ? undefined : rejection) },
      ...(names ? { nodeNames: names } : {}),
    };
  },
  preScore({ pod }) {
    const preferred = preferredTerms(pod);
    if (preferred.length === 0) return undefined;
    return {
      score: ({ node }) =>
        preferred.reduce((sum, { weight, preference }) => (node && matchesTerm(preference, node) ? sum + weight : sum), 0),
      normalize: (scores) => normalizeByHighest(scores),
    };
  },
};

function preferredTerms(pod: Pod): readonly { readonly weight: number; readonly preference: NodeSelectorTerm }[] {
  return (pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).filter(({ weight }) => weight !== 0);
}

/** The nodes that the terms name (as a DaemonSet's do), if every one of them does: then no other need be looked at. */
function namedNodes(terms: readonly NodeSelectorTerm[]): ReadonlySet<string> | undefined {
  if (terms.length === 0) return undefined;
  const all = new Set<string>();
  for (const { matchFields = [] } of terms) {
    let ofTerm: Set<string> | undefined;
    for (const { key, operator, values } of matchFields) {
      if (key !== 'metadata.name' || operator !== 'In') continue;
      const named = new Set(values ?? []);
      ofTerm = ofTerm ? ofTerm.intersection(named) : named;
    }
    if (!ofTerm) return undefined;
    for (const node of ofTerm) all.add(node);
  }
  return all;
}
