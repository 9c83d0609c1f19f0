import type { TableColumn } from '../contract.ts';
import { isObject, objectAt, type Raw, text } from '../raw.ts';
import { ageColumn, column, conditionOf, integer, nameColumn, orNone, spec } from './column.ts';

type Columns = readonly TableColumn[];

function podGroupStatus(group: Raw): string {
  const disrupted = conditionOf(group, 'DisruptionTarget');
  if (disrupted) return text(disrupted['reason']);
  const scheduled = conditionOf(group, 'PodGroupScheduled');
  if (!scheduled) return 'Pending';
  return scheduled['status'] === 'True' ? 'Scheduled' : 'Unschedulable';
}

export const schedulingColumns: Readonly<Record<string, Columns>> = {
  'api.scheduling.v1.PriorityClass': [
    nameColumn,
    integer('Value', (object) => object['value'], 'The priority.'),
    column('Global-Default', (object) => object['globalDefault'] === true, {
      type: 'boolean',
      description: 'Whether pods without a class have it.',
    }),
    ageColumn,
    column('PreemptionPolicy', (object) => text(object['preemptionPolicy']), { description: 'Whether its pods push others away.' }),
  ],
  'api.scheduling.v1alpha2.PodGroup': [
    nameColumn,
    column('Policy', (object) => (isObject(objectAt(spec(object)['schedulingPolicy'])['gang']) ? 'Gang' : 'Basic'), {
      description: 'Whether its pods are scheduled together.',
    }),
    column('Workload', (object) => orNone(objectAt(objectAt(spec(object)['podGroupTemplateRef'])['workload'])['workloadName']), {
      description: 'What it is part of.',
    }),
    column('Status', podGroupStatus, { description: 'How far it has come.' }),
    ageColumn,
  ],
  'api.scheduling.v1alpha2.Workload': [nameColumn, ageColumn],
};
