/**
 * Gives every node its range of pod addresses, once: `spec.podCIDR`. What is taken is read from the nodes
 * themselves, so nothing is kept elsewhere. Counterpart: Kubernetes' nodeipam controller (RangeAllocator).
 */
import { nodes } from '../../api/generated/resources.ts';
import type { Reconciler, Runnable } from '../../listwatch/contract.ts';
import { type ControllerContext, type ControllerDeclaration, controlLoop, controllerQueue } from '../controller.ts';
import { CidrPool } from './cidr-pool.ts';

export const nodeIPAMController: ControllerDeclaration = {
  name: 'node-ipam-controller',
  alias: 'nodeipam',
  create: createNodeIPAMController,
};

function createNodeIPAMController(context: ControllerContext): Runnable {
  const { name } = nodeIPAMController;
  const { clusterCIDR = '10.244.0.0/16', nodeCIDRMaskSize = 24 } = context.options;
  const queue = controllerQueue(context, name);
  const informer = context.informers.informer(nodes);
  const recorder = context.recorder(name);
  const pool = new CidrPool(clusterCIDR, nodeCIDRMaskSize);
  /** Handed out, and not yet seen on the node. */
  const promised = new Map<string, string>();

  informer.addHandler({
    onAdd: ({ metadata, spec }, causes) => {
      if (spec.podCIDR) pool.occupy(spec.podCIDR);
      else queue.add(metadata.name, causes);
    },
    onUpdate: ({ metadata, spec }, _previous, causes) => {
      if (!spec.podCIDR) queue.add(metadata.name, causes);
      else if (!promised.delete(metadata.name)) pool.occupy(spec.podCIDR);
    },
    onDelete: ({ metadata, spec }) => {
      const range = spec.podCIDR ?? promised.get(metadata.name);
      promised.delete(metadata.name);
      if (range) pool.release(range);
    },
  });

  const reconciler: Reconciler = {
    name,
    async reconcile(key, { client }) {
      const node = informer.lister.get(key);
      if (!node || node.spec.podCIDR) return undefined;
      const range = promised.get(key) ?? pool.take();
      if (!range) {
        recorder.event(node, 'Warning', 'CIDRNotAvailable', `Node ${key} status is now: CIDRNotAvailable`);
        throw new Error(`no range of pod addresses is left for node ${key} in ${clusterCIDR}`);
      }
      promised.set(key, range);
      const body = { metadata: { resourceVersion: node.metadata.resourceVersion }, spec: { podCIDR: range, podCIDRs: [range] } };
      await client.resource(nodes).patch(key, { type: 'merge', body });
      return undefined;
    },
  };
  // One worker: two nodes must not be offered one range.
  return controlLoop(context, { reconciler, queue, informers: [informer], workers: 1 });
}
