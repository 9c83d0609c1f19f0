/** Labels of nodes that have better names by now, wherever something is selected by them. */
import { objects, type Raw, text } from '../raw.ts';

const since = (version: string, label: string): string => `deprecated since ${version}; use ${JSON.stringify(label)} instead`;

const deprecated: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': since('v1.14', 'kubernetes.io/arch'),
  'beta.kubernetes.io/os': since('v1.14', 'kubernetes.io/os'),
  'beta.kubernetes.io/instance-type': since('v1.17', 'node.kubernetes.io/instance-type'),
  'failure-domain.beta.kubernetes.io/region': since('v1.17', 'topology.kubernetes.io/region'),
  'failure-domain.beta.kubernetes.io/zone': since('v1.17', 'topology.kubernetes.io/zone'),
};

/** `path: failure-domain.beta.kubernetes.io/zone is deprecated since …`; none for a label that is not. */
export function labelWarnings(label: unknown, path: string): string[] {
  const message = deprecated[text(label)];
  return message === undefined ? [] : [`${path}: ${text(label)} is ${message}`];
}

/** Of a map of labels, each under its own name. */
export function selectorWarnings(selector: Raw, path: string): string[] {
  return Object.keys(selector).flatMap((label) => (deprecated[label] === undefined ? [] : [`${path}[${label}]: ${deprecated[label]}`]));
}

/** Of terms of a NodeSelector. */
export function termWarnings(term: Raw, path: string): string[] {
  return objects(term['matchExpressions']).flatMap(({ key }, i) => labelWarnings(key, `${path}.matchExpressions[${i}].key`));
}
