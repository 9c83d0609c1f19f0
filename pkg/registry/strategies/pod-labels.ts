/** `matchLabelKeys`: what a pod's own labels add to the selectors by which it looks for others. Done once, when it is created. */
import { isObject, objectAt, objects, type Raw, strings } from '../raw.ts';

function addRequirements(term: Raw, labels: Raw): void {
  const selector = term['labelSelector'];
  if (!isObject(selector)) return;
  const requirementsOf = (field: string, operator: string): Raw[] =>
    strings(term[field]).flatMap((key) => (labels[key] === undefined ? [] : [{ key, operator, values: [labels[key]] }]));
  const added = [...requirementsOf('matchLabelKeys', 'In'), ...requirementsOf('mismatchLabelKeys', 'NotIn')];
  if (added.length > 0) selector['matchExpressions'] = [...objects(selector['matchExpressions']), ...added];
}

export function selectByOwnLabels(pod: Raw): void {
  const labels = objectAt(objectAt(pod['metadata'])['labels']);
  const spec = objectAt(pod['spec']);
  const affinity = objectAt(spec['affinity']);
  for (const kind of ['podAffinity', 'podAntiAffinity']) {
    const rules = objectAt(affinity[kind]);
    for (const term of objects(rules['requiredDuringSchedulingIgnoredDuringExecution'])) addRequirements(term, labels);
    for (const { podAffinityTerm } of objects(rules['preferredDuringSchedulingIgnoredDuringExecution']))
      addRequirements(objectAt(podAffinityTerm), labels);
  }
  for (const constraint of objects(spec['topologySpreadConstraints']))
    addRequirements({ labelSelector: constraint['labelSelector'], matchLabelKeys: constraint['matchLabelKeys'] }, labels);
}
