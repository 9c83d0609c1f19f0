/** What the validators of a pod's parts look at beside the part itself. */
import { objectAt, objects, type Raw, text } from '../raw.ts';
import type { Report } from './validator.ts';

export interface PodReport extends Report {
  readonly pod: PodFacts;
}

export interface PodFacts {
  readonly spec: Raw;
  /** Of the pod itself; a template has none that counts. */
  readonly metadata: Raw | undefined;
  /** Those that nothing is wrong with, by name: filled as they are looked at, which is before all else. */
  readonly volumes: Map<string, Raw>;
  /** The names of what the pod claims of devices. */
  readonly claims: ReadonlySet<string>;
}

export function reportOnPod(report: Report, spec: Raw, metadata: Raw | undefined): PodReport {
  const claims = new Set(objects(spec['resourceClaims']).map((claim) => text(claim['name'])));
  claims.delete('');
  const pod: PodFacts = { spec, metadata, volumes: new Map(), claims };
  return Object.assign((cause: Parameters<Report>[0]) => report(cause), { root: report.root, old: report.old, pod });
}

/** All containers with where they stand below the spec, in the order in which Kubernetes visits them. */
export function eachContainer(spec: Raw, path: string, visit: (container: Raw, path: string) => void): void {
  for (const list of ['initContainers', 'containers', 'ephemeralContainers']) {
    for (const [i, container] of objects(spec[list]).entries()) visit(container, `${path}.${list}[${i}]`);
  }
}

export const osOf = ({ spec }: PodFacts): string => text(objectAt(spec['os'])['name']);
