/**
 * Tables: the columns of every kind, under kubectl's names and in its order, so that `kubectl get` prints what its
 * readers know. What has none is shown by its name and when it was created.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 */
import type { TableColumn } from '../contract.ts';
import { certificateColumns } from './certificate-columns.ts';
import { clusterColumns } from './cluster-columns.ts';
import { createdAtColumn, nameColumn } from './column.ts';
import { deviceColumns } from './device-columns.ts';
import { podColumns, podTemplateColumns } from './pod-columns.ts';
import { schedulingColumns } from './scheduling-columns.ts';
import { serviceColumns } from './service-columns.ts';
import { storageColumns } from './storage-columns.ts';
import { workloadColumns } from './workload-columns.ts';

const tables: Readonly<Record<string, readonly TableColumn[]>> = {
  'api.core.v1.Pod': podColumns,
  'api.core.v1.PodTemplate': podTemplateColumns,
  ...workloadColumns,
  ...serviceColumns,
  ...clusterColumns,
  ...storageColumns,
  ...deviceColumns,
  ...schedulingColumns,
  ...certificateColumns,
};
const byDefault: readonly TableColumn[] = [nameColumn, createdAtColumn];

/** The columns of a kind's table, by the name of its type. */
export function columnsOf(definition: string): readonly TableColumn[] {
  return tables[definition.replace(/^io\.k8s\./, '')] ?? byDefault;
}
