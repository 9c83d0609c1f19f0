import { onNode, onPod } from '../cluster-event.ts';
import type { Plugin } from '../framework.ts';
import type { HostPort } from '../pod-info.ts';

const name = 'NodePorts';

/** Two pods of a node cannot have the same host port, unless at different addresses. */
export const nodePorts: Plugin = {
  name,
  events: [
    onPod(
      ['AssignedPodDelete'],
      (pod, { before }) => !before || before.hostPorts.some((used) => pod.hostPorts.some((port) => collide(port, used))),
    ),
    onNode(['NodeAdd']),
  ],
  preFilter({ hostPorts }) {
    if (hostPorts.length === 0) return 'skip';
    return {
      filter: {
        filter(node) {
          const taken = hostPorts.find((port) => node.hostPorts.some((used) => collide(port, used)));
          if (!taken) return undefined;
          return {
            plugin: name,
            reasons: ["node(s) didn't have free ports for the requested pod ports"],
            unresolvable: false,
            change: `free host port ${taken.port}/${taken.protocol} on the node, or choose another in the pod`,
          };
        },
      },
    };
  },
};

/** 0.0.0.0 stands for every address. */
function collide(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0');
}
