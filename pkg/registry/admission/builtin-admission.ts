import type { Admission } from '../contract.ts';
import type { Environment } from '../resource.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { priority } from './priority.ts';
import { serviceAccount } from './service-account.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';

export interface BuiltinAdmissionOptions {
  /** Seconds that a pod stays on a node that is not ready, where it does not say itself: 300 unless stated. */
  readonly notReadyTolerationSeconds?: number;
  /** The same for a node that cannot be reached. */
  readonly unreachableTolerationSeconds?: number;
}

/** Kubernetes' own default: five minutes. */
const usualSeconds = 300;

/** Kubernetes' admission plugins that a cluster cannot do without, in its order, under its names. */
export function builtinAdmission(environment: Environment, options: BuiltinAdmissionOptions): Admission[] {
  return [
    namespaceLifecycle(environment),
    serviceAccount(environment),
    taintNodesByCondition,
    priority(environment),
    defaultTolerationSeconds({
      notReady: options.notReadyTolerationSeconds ?? usualSeconds,
      unreachable: options.unreachableTolerationSeconds ?? usualSeconds,
    }),
  ];
}
