/** Workloads: what makes pods, and how often and how fast. */
import { child, isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { fill, fillText, type TypeDefault } from './type-default.ts';

const quarter = '25%';

/** Go's math.MaxInt32: as good as never. */
const maxInt32 = 2 ** 31 - 1;

function deploymentSpec(spec: Raw): void {
  fill(spec, 'replicas', 1);
  const strategy = child(spec, 'strategy');
  fillText(strategy, 'type', 'RollingUpdate');
  if (strategy['type'] === 'RollingUpdate') {
    const rolling = child(strategy, 'rollingUpdate');
    fill(rolling, 'maxUnavailable', quarter);
    fill(rolling, 'maxSurge', quarter);
  }
  fill(spec, 'revisionHistoryLimit', 10);
  fill(spec, 'progressDeadlineSeconds', 600);
}

function daemonSetSpec(spec: Raw): void {
  const strategy = child(spec, 'updateStrategy');
  fillText(strategy, 'type', 'RollingUpdate');
  if (strategy['type'] === 'RollingUpdate') {
    const rolling = child(strategy, 'rollingUpdate');
    fill(rolling, 'maxUnavailable', 1);
    fill(rolling, 'maxSurge', 0);
  }
  fill(spec, 'revisionHistoryLimit', 10);
}

function statefulSetSpec(spec: Raw): void {
  fillText(spec, 'podManagementPolicy', 'OrderedReady');
  const strategy = child(spec, 'updateStrategy');
  // Who names the type and says no more of it is left with that.
  if (text(strategy['type']) === '') child(strategy, 'rollingUpdate');
  fillText(strategy, 'type', 'RollingUpdate');
  const rolling = strategy['rollingUpdate'];
  if (strategy['type'] === 'RollingUpdate' && isObject(rolling)) fill(rolling, 'partition', 0);
  const retention = child(spec, 'persistentVolumeClaimRetentionPolicy');
  fillText(retention, 'whenDeleted', 'Retain');
  fillText(retention, 'whenScaled', 'Retain');
  fill(spec, 'replicas', 1);
  fill(spec, 'revisionHistoryLimit', 10);
  for (const claim of objects(spec['volumeClaimTemplates'])) {
    fill(claim, 'apiVersion', 'v1');
    fill(claim, 'kind', 'PersistentVolumeClaim');
  }
}

function jobSpec(spec: Raw): void {
  if (spec['completions'] === undefined && spec['parallelism'] === undefined) {
    spec['completions'] = 1;
    spec['parallelism'] = 1;
  }
  fill(spec, 'parallelism', 1);
  fill(spec, 'backoffLimit', spec['backoffLimitPerIndex'] === undefined ? 6 : maxInt32);
  fill(spec, 'completionMode', 'NonIndexed');
  fill(spec, 'suspend', false);
  fill(spec, 'manualSelector', false);
  const failurePolicy = spec['podFailurePolicy'];
  fill(spec, 'podReplacementPolicy', failurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed');
  for (const rule of objects(objectAt(failurePolicy)['rules'])) {
    for (const pattern of objects(rule['onPodConditions'])) fillText(pattern, 'status', 'True');
  }
}

/** A controller of old takes the labels of its template as its own, and as its selector. */
const replicationController: TypeDefault = (object) => {
  const spec = child(object, 'spec');
  const labels = objectAt(objectAt(objectAt(spec['template'])['metadata'])['labels']);
  if (Object.keys(labels).length > 0) {
    if (Object.keys(objectAt(spec['selector'])).length === 0) spec['selector'] = { ...labels };
    labelFrom(object, labels);
  }
  fill(spec, 'replicas', 1);
};

function labelFrom(object: Raw, labels: Raw): void {
  const metadata = child(object, 'metadata');
  if (Object.keys(objectAt(metadata['labels'])).length === 0 && Object.keys(labels).length > 0) metadata['labels'] = { ...labels };
}

const job: TypeDefault = (object) =>
  labelFrom(object, objectAt(objectAt(objectAt(objectAt(object['spec'])['template'])['metadata'])['labels']));

/** Scaling by CPU to 80 % of what is asked for, when nothing else is said. */
const cpuMetric = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } };

function autoscaler(spec: Raw): void {
  fill(spec, 'minReplicas', 1);
  if (!Array.isArray(spec['metrics']) || spec['metrics'].length === 0) spec['metrics'] = [structuredClone(cpuMetric)];
  const behavior = spec['behavior'];
  if (!isObject(behavior)) return;
  const up = child(behavior, 'scaleUp');
  fill(up, 'selectPolicy', 'Max');
  fill(up, 'stabilizationWindowSeconds', 0);
  fill(up, 'policies', [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ]);
  const down = child(behavior, 'scaleDown');
  fill(down, 'selectPolicy', 'Max');
  fill(down, 'policies', [{ type: 'Percent', value: 100, periodSeconds: 15 }]);
}

export const workloadDefaults: Readonly<Record<string, TypeDefault>> = {
  'api.core.v1.ReplicationController': replicationController,
  'api.apps.v1.ReplicaSetSpec': (spec) => fill(spec, 'replicas', 1),
  'api.apps.v1.DeploymentSpec': deploymentSpec,
  // Counted up by the strategy; whoever leaves it out, or says something else, does not mean to.
  'api.apps.v1.DaemonSet': (object) =>
    fill(child(child(object, 'metadata'), 'annotations'), 'deprecated.daemonset.template.generation', '0'),
  'api.apps.v1.DaemonSetSpec': daemonSetSpec,
  'api.apps.v1.StatefulSetSpec': statefulSetSpec,
  'api.batch.v1.Job': job,
  'api.batch.v1.JobSpec': (spec, { path }) => {
    // The template within a CronJob stays as it was written: its jobs are defaulted when they are made.
    if (path === 'spec') jobSpec(spec);
  },
  'api.batch.v1.CronJobSpec': (spec) => {
    fillText(spec, 'concurrencyPolicy', 'Allow');
    fill(spec, 'suspend', false);
    fill(spec, 'successfulJobsHistoryLimit', 3);
    fill(spec, 'failedJobsHistoryLimit', 1);
  },
  'api.autoscaling.v1.HorizontalPodAutoscalerSpec': (spec) => fill(spec, 'minReplicas', 1),
  'api.autoscaling.v2.HorizontalPodAutoscalerSpec': autoscaler,
  'api.scheduling.v1.PriorityClass': (object) => fill(object, 'preemptionPolicy', 'PreemptLowerPriority'),
  'api.core.v1.LimitRangeItem': (item) => {
    if (text(item['type']) !== 'Container') return;
    const max = objectAt(item['max']);
    const min = objectAt(item['min']);
    if (Object.keys(max).length > 0 || isObject(item['default'])) {
      const limits = child(item, 'default');
      for (const name in max) fill(limits, name, max[name]);
    }
    const requests = child(item, 'defaultRequest');
    const limits = objectAt(item['default']);
    for (const name in limits) fill(requests, name, limits[name]);
    for (const name in min) fill(requests, name, min[name]);
    if (Object.keys(requests).length === 0) delete item['defaultRequest'];
  },
};
