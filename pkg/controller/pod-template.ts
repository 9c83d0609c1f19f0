import type { Pod, PodTemplateSpec } from '../api/generated/core-v1.ts';
import { controllerRef, type Draft, type KubeObject } from '../api/object.ts';

/**
 * A pod as the template wants it, controlled by `owner`. The server completes its name: `<owner>-<5 characters>`.
 * What differs from pod to pod (name, labels, fields of the spec) comes in `changes`.
 */
export function podFromTemplate(
  owner: KubeObject,
  template: PodTemplateSpec,
  changes: {
    readonly name?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly spec?: Partial<Pod['spec']>;
  } = {},
): Draft<Pod> {
  const { labels, annotations, finalizers } = template.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(changes.name ? { name: changes.name } : { generateName: `${owner.metadata.name}-` }),
      namespace: owner.metadata.namespace ?? '',
      labels: { ...labels, ...changes.labels },
      ...(annotations || changes.annotations ? { annotations: { ...annotations, ...changes.annotations } } : {}),
      ...(finalizers ? { finalizers } : {}),
      ownerReferences: [controllerRef(owner)],
    },
    spec: { ...template.spec, ...changes.spec },
  };
}
