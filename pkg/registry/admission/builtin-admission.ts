import type { Admission } from '../contract.ts';
import type { Environment } from '../resource.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { priority } from './priority.ts';
import { serviceAccount } from './service-account.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';

export interface BuiltinAdmissionOptions {
  /** Seconds that a pod stays on a node that is not ready, or not reachable; 300 each. */
  readonly tolerationSeconds?: { readonly notReady: number; readonly unreachable: number };
}

/** Kubernetes' admission plugins that a cluster cannot do without, in its order, under its names. */
export function builtinAdmission(environment: Environment, options: BuiltinAdmissionOptions): Admission[] {
  return [
    namespaceLifecycle(environment),
    serviceAccount(environment),
    taintNodesByCondition,
    priority(environment),
    defaultTolerationSeconds(options.tolerationSeconds ?? { notReady: 300, unreachable: 300 }),
  ];
}
