/** The package's public face: `import { Cluster } from 'gokube'`. Runs in Node.js and in browsers alike. */
export { ApiError, isAlreadyExists, isApiError, isConflict, isInvalid, isNotFound } from '../api/errors.ts';
export * as resources from '../api/generated/resources.ts';
export type { Draft, KubeList, KubeObject, ResourceRef } from '../api/object.ts';
export type { Client, ResourceClient } from '../client/client.ts';
export type { Clock } from '../clock/clock.ts';
export { VirtualClock } from '../clock/virtual-clock.ts';
export { type KubectlIo, runKubectl } from '../kubectl/kubectl.ts';
export { createLogger, type Logger } from '../log/log.ts';
export { type FieldChange, fieldDiff } from '../runtime/field-diff.ts';
export { MemoryStore } from '../storage/memory-store.ts';
export type { Store } from '../storage/store.ts';
export { chainsOf, type ObjectHistory } from '../trace/object-history.ts';
export { Cluster } from './cluster.ts';
export type { ClusterNode } from './cluster-node.ts';
export type { ClusterOptions, NetworkPlan } from './cluster-options.ts';

/** `Cluster.start({ clock: virtual })`: time that moves only while somebody waits for something. */
export const virtual = 'virtual';
