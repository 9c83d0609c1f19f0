/**
 * Kubernetes' defaults that are code, by the type they hang on, so that every kind which embeds a PodSpec has them.
 * What the schema states itself (Go's `+default` markers, structs that are always there) is pkg/runtime's part.
 */
import type { TypeDefaults } from '../../runtime/default.ts';
import { clusterDefaults } from './cluster-defaults.ts';
import { nullDefaults } from './null-defaults.ts';
import { podDefaults } from './pod-defaults.ts';
import { resourceDefaults } from './resource-defaults.ts';
import { serviceDefaults } from './service-defaults.ts';
import { storageDefaults } from './storage-defaults.ts';
import type { TypeDefault } from './type-default.ts';
import { workloadDefaults } from './workload-defaults.ts';

const tables: readonly Readonly<Record<string, TypeDefault>>[] = [
  podDefaults,
  resourceDefaults,
  serviceDefaults,
  workloadDefaults,
  storageDefaults,
  clusterDefaults,
  nullDefaults,
];

export const typeDefaults: TypeDefaults = new Map(
  tables.flatMap((table) => Object.entries(table).map(([name, fill]) => [`io.k8s.${name}`, fill] as const)),
);
