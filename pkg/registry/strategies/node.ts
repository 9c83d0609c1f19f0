import { child, objectAt, type Raw } from '../raw.ts';
import type { Strategy } from '../resource.ts';
import { onWrite } from '../validation/immutability.ts';
import { validateNodeStatus } from '../validation/node.ts';

/** A configuration that the kubelet fetched itself: no kubelet does any more. */
function dropConfig(node: Raw, old: Raw | undefined): void {
  if (objectAt(old?.['spec'])['configSource'] === undefined) delete child(node, 'spec')['configSource'];
}

export const nodeStrategy: Strategy = {
  keepsStatusOnCreate: true,
  prepareCreate: (node) => dropConfig(node, undefined),
  prepareUpdate: dropConfig,
  prepareSubresource: {
    status(node, old) {
      if (objectAt(old['status'])['config'] === undefined) delete child(node, 'status')['config'];
    },
  },
  validateUpdate: onWrite({ status: validateNodeStatus }),
};
