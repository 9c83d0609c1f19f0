import type { Metrics } from '../metrics/metrics.ts';

/** Under kube-scheduler's names. Durations in seconds. */
export function createSchedulerMetrics(metrics: Metrics) {
  const buckets = [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384];
  return {
    attempts: metrics.counter({
      name: 'scheduler_schedule_attempts_total',
      help: 'Attempts to schedule a pod, by result.',
      labels: ['result', 'profile'],
    }),
    attemptDuration: metrics.histogram({
      name: 'scheduler_scheduling_attempt_duration_seconds',
      help: 'From taking a pod out of the queue to the end of its binding.',
      labels: ['result', 'profile'],
      buckets,
    }),
    podDuration: metrics.histogram({
      name: 'scheduler_pod_scheduling_sli_duration_seconds',
      help: 'From a pod coming into the queue to its binding, over all attempts.',
      labels: ['attempts'],
      buckets: [...buckets, 32, 64, 128, 256, 512],
    }),
    pending: metrics.gauge({
      name: 'scheduler_pending_pods',
      help: 'Pods that wait: active, backoff, unschedulable, gated.',
      labels: ['queue'],
    }),
    preemptions: metrics.counter({
      name: 'scheduler_preemption_attempts_total',
      help: 'Times that room was made by eviction.',
    }),
    victims: metrics.counter({ name: 'scheduler_preemption_victims_total', help: 'Pods that were evicted for others.' }),
  };
}

export type SchedulerMetrics = ReturnType<typeof createSchedulerMetrics>;
