import { onPod } from '../cluster-event.ts';
import type { Plugin } from '../framework.ts';

const name = 'SchedulingGates';

/** Keeps pods with spec.schedulingGates out of the queue until the last gate is taken away. KEP-3521. */
export const schedulingGates: Plugin = {
  name,
  events: [onPod(['PodUpdateSchedulingGates'])],
  preEnqueue({ pod }) {
    const gates = pod.spec.schedulingGates ?? [];
    if (gates.length === 0) return undefined;
    const names = gates.map((gate) => gate.name).join(' ');
    return {
      plugin: name,
      reasons: [`waiting for scheduling gates: [${names}]`],
      unresolvable: true,
      change: `take the scheduling gates away: ${names}`,
    };
  },
};
