/** Indexes that several loops share; one function each, since informers are shared too. */
import type { Pod } from '../api/generated/core-v1.ts';
import { controllerOf, type KubeObject } from '../api/object.ts';
import type { IndexFunction } from '../listwatch/contract.ts';

const byNode: IndexFunction<Pod> = (pod) => (pod.spec.nodeName ? [pod.spec.nodeName] : []);

/** Under the uid of the controlling owner; what has none, under `orphans/<namespace>`. */
const byController: IndexFunction<KubeObject> = (object) => [controllerOf(object)?.uid ?? orphansOf(object.metadata.namespace ?? '')];

export const orphansOf = (namespace: string): string => `orphans/${namespace}`;

/** For `informers.informer(pods, { indexes: podIndexes })`. */
export const podIndexes = { byNode, byController };
export const controllerIndex = { byController };
