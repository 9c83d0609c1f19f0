import type { TableColumn } from '../contract.ts';
import { objectAt, objects, type Raw, text } from '../raw.ts';
import { autoscalerTargets } from './autoscaler-targets.ts';
import {
  ageColumn,
  column,
  counted,
  integer,
  isTrue,
  labelText,
  metadata,
  nameColumn,
  none,
  selectorText,
  spec,
  status,
  templateColumns,
  wide,
} from './column.ts';
import { ageAt, humanDuration } from './human-duration.ts';

type Columns = readonly TableColumn[];

const template = templateColumns((object) => spec(object)['template']);
const selector = wide('Selector', (object) => selectorText(spec(object)['selector']), { description: 'Which pods belong to it.' });
const mapSelector = wide('Selector', (object) => labelText(spec(object)['selector']), { description: 'Which pods belong to it.' });
const count = (value: unknown): number => Number(value ?? 0);

const replicas = [
  nameColumn,
  integer('Desired', (object) => spec(object)['replicas'], 'Pods wanted.'),
  integer('Current', (object) => status(object)['replicas'], 'Pods there are.'),
  integer('Ready', (object) => status(object)['readyReplicas'], 'Pods that are ready.'),
  ageColumn,
  ...template,
];

const deployment: Columns = [
  nameColumn,
  column('Ready', (object) => `${count(status(object)['readyReplicas'])}/${count(spec(object)['replicas'])}`, {
    description: 'Pods that are ready, of those wanted.',
  }),
  counted('Up-to-date', (object) => status(object)['updatedReplicas'], 'Pods of the newest template.'),
  counted('Available', (object) => status(object)['availableReplicas'], 'Pods that have been ready for long enough.'),
  ageColumn,
  ...template,
  selector,
];

const statefulSet: Columns = [
  nameColumn,
  column('Ready', (object) => `${count(status(object)['readyReplicas'])}/${count(spec(object)['replicas'])}`, {
    description: 'Pods that are ready, of those wanted.',
  }),
  ageColumn,
  ...template,
];

const daemonSet: Columns = [
  nameColumn,
  integer('Desired', (object) => status(object)['desiredNumberScheduled'], 'Nodes that should run its pod.'),
  integer('Current', (object) => status(object)['currentNumberScheduled'], 'Nodes that do.'),
  integer('Ready', (object) => status(object)['numberReady'], 'Nodes where it is ready.'),
  integer('Up-to-date', (object) => status(object)['updatedNumberScheduled'], 'Nodes with the newest template.'),
  integer('Available', (object) => status(object)['numberAvailable'], 'Nodes where it has been ready for long enough.'),
  column('Node Selector', (object) => labelText(objectAt(objectAt(spec(object)['template'])['spec'])['nodeSelector']), {
    description: 'Which nodes.',
  }),
  ageColumn,
  ...template,
  selector,
];

function jobStatus(job: Raw): string {
  if (isTrue(job, 'Complete')) return 'Complete';
  if (isTrue(job, 'Failed')) return 'Failed';
  if (metadata(job)['deletionTimestamp'] !== undefined) return 'Terminating';
  if (isTrue(job, 'Suspended')) return 'Suspended';
  if (isTrue(job, 'FailureTarget')) return 'FailureTarget';
  if (isTrue(job, 'SuccessCriteriaMet')) return 'SuccessCriteriaMet';
  return 'Running';
}

function jobCompletions(job: Raw): string {
  const { completions, parallelism } = spec(job);
  const succeeded = count(status(job)['succeeded']);
  if (completions !== undefined) return `${succeeded}/${String(completions)}`;
  return count(parallelism) > 1 ? `${succeeded}/1 of ${String(parallelism)}` : `${succeeded}/1`;
}

function jobDuration(job: Raw, now: number): string {
  const { startTime, completionTime } = status(job);
  if (startTime === undefined) return '';
  const end = completionTime === undefined ? now : Date.parse(text(completionTime));
  return humanDuration(end - Date.parse(text(startTime)));
}

const job: Columns = [
  nameColumn,
  column('Status', jobStatus, { description: 'How far it has come.' }),
  column('Completions', jobCompletions, { description: 'Runs that succeeded, of those wanted.' }),
  column('Duration', jobDuration, { description: 'How long it has taken.' }),
  ageColumn,
  ...template,
  selector,
];

const cronTemplate = (object: Raw): unknown => spec(objectAt(spec(object)['jobTemplate']))['template'];
const cronJob: Columns = [
  nameColumn,
  column('Schedule', (object) => spec(object)['schedule'], { description: 'When, as cron writes it.' }),
  column('Timezone', (object) => text(spec(object)['timeZone']) || none, { description: 'Where these times are read.' }),
  column('Suspend', (object) => (spec(object)['suspend'] === true ? 'True' : 'False'), {
    type: 'boolean',
    description: 'Whether no more runs are started.',
  }),
  integer('Active', (object) => objects(status(object)['active']).length, 'Runs under way.'),
  column(
    'Last Schedule',
    (object, now) => (status(object)['lastScheduleTime'] === undefined ? none : ageAt(status(object)['lastScheduleTime'], now)),
    {
      description: 'How long ago the last run was due.',
    },
  ),
  ageColumn,
  ...templateColumns(cronTemplate),
  wide('Selector', (object) => selectorText(spec(objectAt(spec(object)['jobTemplate']))['selector']), {
    description: 'Which pods belong to its jobs.',
  }),
];

const autoscaler: Columns = [
  nameColumn,
  column(
    'Reference',
    (object) => `${text(objectAt(spec(object)['scaleTargetRef'])['kind'])}/${text(objectAt(spec(object)['scaleTargetRef'])['name'])}`,
    {
      description: 'What it scales.',
    },
  ),
  column('Targets', autoscalerTargets, { description: 'What it aims at, and where it stands.' }),
  column('MinPods', (object) => String(spec(object)['minReplicas'] ?? '<unset>'), { description: 'Fewest pods.' }),
  counted('MaxPods', (object) => spec(object)['maxReplicas'], 'Most pods.'),
  counted('Replicas', (object) => status(object)['currentReplicas'], 'Pods there are.'),
  ageColumn,
];

const amount = (value: unknown): string => (value === undefined ? 'N/A' : String(value));
const budget: Columns = [
  nameColumn,
  column('Min Available', (object) => amount(spec(object)['minAvailable']), { description: 'Pods that must stay.' }),
  column('Max Unavailable', (object) => amount(spec(object)['maxUnavailable']), { description: 'Pods that may be missing.' }),
  integer('Allowed Disruptions', (object) => status(object)['disruptionsAllowed'], 'Pods that may go right now.'),
  ageColumn,
];

const revision: Columns = [
  nameColumn,
  column(
    'Controller',
    (object) => {
      const owner = objects(metadata(object)['ownerReferences']).find((reference) => reference['controller'] === true);
      if (!owner) return none;
      const [group] = text(owner['apiVersion']).split('/');
      const qualified = text(owner['apiVersion']).includes('/') ? `.${group}` : '';
      return `${text(owner['kind']).toLowerCase()}${qualified}/${text(owner['name'])}`;
    },
    { description: 'Whose revision it is.' },
  ),
  counted('Revision', (object) => object['revision'], 'Its number.'),
  ageColumn,
];

export const workloadColumns: Readonly<Record<string, Columns>> = {
  'api.core.v1.ReplicationController': [...replicas, mapSelector],
  'api.apps.v1.ReplicaSet': [...replicas, selector],
  'api.apps.v1.Deployment': deployment,
  'api.apps.v1.StatefulSet': statefulSet,
  'api.apps.v1.DaemonSet': daemonSet,
  'api.apps.v1.ControllerRevision': revision,
  'api.batch.v1.Job': job,
  'api.batch.v1.CronJob': cronJob,
  'api.autoscaling.v1.HorizontalPodAutoscaler': autoscaler,
  'api.autoscaling.v2.HorizontalPodAutoscaler': autoscaler,
  'api.policy.v1.PodDisruptionBudget': budget,
};
