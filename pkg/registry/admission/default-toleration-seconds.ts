import type { KubeObject } from '../../api/object.ts';
import type { Admission } from '../contract.ts';
import { child, objects, type Raw, raw, text } from '../raw.ts';

/**
 * How long a pod stays on a node that fails, where the pod itself does not say: with this the eviction of pods from
 * dead nodes is a matter of tolerations alone.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
 */
export function defaultTolerationSeconds(seconds: { readonly notReady: number; readonly unreachable: number }): Admission {
  const taints: readonly (readonly [key: string, seconds: number])[] = [
    ['node.kubernetes.io/not-ready', seconds.notReady],
    ['node.kubernetes.io/unreachable', seconds.unreachable],
  ];
  return {
    handles: ({ declaration, operation, subresource }) =>
      declaration.group === '' &&
      declaration.resource === 'pods' &&
      subresource === '' &&
      // Also on an update: a manifest that replaces a pod does not say them either, and must not take them away.
      (operation === 'CREATE' || operation === 'UPDATE'),
    mutate({ object }) {
      const spec = child(raw(object as KubeObject), 'spec');
      const tolerations = objects(spec['tolerations']);
      const added = taints
        .filter(([key]) => !tolerations.some((toleration) => tolerates(toleration, key)))
        .map(([key, tolerationSeconds]) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds }));
      if (added.length === 0) return undefined;
      spec['tolerations'] = [...tolerations, ...added];
      return object;
    },
  };
}

function tolerates(toleration: Raw, key: string): boolean {
  const effect = text(toleration['effect']);
  const named = text(toleration['key']);
  return (named === key || named === '') && (effect === 'NoExecute' || effect === '');
}
