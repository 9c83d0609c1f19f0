import type { KubeObject } from '../../api/object.ts';
import type { Admission } from '../contract.ts';
import { child, objects, raw } from '../raw.ts';

const key = 'node.kubernetes.io/not-ready';
const effect = 'NoSchedule';

/** A node that registers is not ready until it has said that it is: nothing is scheduled to it before. */
export const taintNodesByCondition: Admission = {
  handles: ({ declaration, operation, subresource }) =>
    declaration.group === '' && declaration.resource === 'nodes' && subresource === '' && operation === 'CREATE',
  mutate({ object }) {
    const spec = child(raw(object as KubeObject), 'spec');
    const taints = objects(spec['taints']);
    if (taints.some((taint) => taint['key'] === key && taint['effect'] === effect)) return undefined;
    spec['taints'] = [...taints, { key, effect }];
    return object;
  },
};
