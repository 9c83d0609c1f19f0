import { formatTime } from '../../clock/clock.ts';
import type { ContainerStats } from '../../cri/cri.ts';
import type { KubeletContext } from '../kubelet-context.ts';
import { isRunning } from '../pod-observation.ts';
import type { PodWorker } from '../pod-worker.ts';

interface Sample {
  readonly worker: PodWorker;
  readonly name: string;
  readonly id: string;
  readonly startedAt: number;
  readonly stats: ContainerStats;
}

/** What pods and the node use: `/stats/summary` and `/metrics/resource`. Rates are taken between two questions. */
export class NodeStats {
  readonly #context: KubeletContext;
  readonly #startedAt: number;
  /** CPU nanoseconds and when they were read, by container id (or `node`). */
  readonly #before = new Map<string, { readonly nanos: number; readonly at: number; readonly rate: number }>();

  constructor(context: KubeletContext) {
    this.#context = context;
    this.#startedAt = context.clock.now();
  }

  /** Kubernetes' Summary API (k8s.io/kubelet/pkg/apis/stats/v1alpha1). */
  async summary(workers: readonly PodWorker[]): Promise<unknown> {
    const { host, nodeName, clock, images } = this.#context;
    const samples = await this.#sample(workers);
    const [machine, usage, imageFs] = await Promise.all([host.machine(), host.usage(), images.imageFsInfo()]);
    const now = clock.now();
    const time = formatTime(now);
    const cpu = (key: string, nanos: number, at: number) => ({
      time: formatTime(at),
      usageNanoCores: this.#rate(key, nanos, at),
      usageCoreNanoSeconds: nanos,
    });
    const memory = (bytes: number, at: number) => ({ time: formatTime(at), usageBytes: bytes, workingSetBytes: bytes });
    const sum = (list: readonly Sample[], pick: (stats: ContainerStats) => number): number =>
      list.reduce((total, { stats }) => total + pick(stats), 0);
    return {
      node: {
        nodeName,
        startTime: formatTime(this.#startedAt),
        cpu: cpu('node', usage.cpuUsageNanos, now),
        memory: { time, availableBytes: usage.memoryAvailableBytes, workingSetBytes: machine.memoryBytes - usage.memoryAvailableBytes },
        fs: {
          time,
          availableBytes: usage.diskAvailableBytes,
          capacityBytes: machine.diskBytes,
          usedBytes: machine.diskBytes - usage.diskAvailableBytes,
          inodesFree: usage.diskInodesFree,
        },
        runtime: { imageFs: { time, ...imageFs } },
      },
      pods: workers.flatMap((worker) => {
        const own = samples.filter((sample) => sample.worker === worker);
        if (own.length === 0) return [];
        const { name, namespace, uid } = worker.pod.metadata;
        const containers = own.map((sample) => ({
          name: sample.name,
          startTime: formatTime(sample.startedAt),
          cpu: cpu(sample.id, sample.stats.cpuUsageNanos, sample.stats.timestamp),
          memory: memory(sample.stats.memoryWorkingSetBytes, sample.stats.timestamp),
        }));
        return [
          {
            podRef: { name, namespace, uid },
            startTime: worker.pod.status.startTime ?? time,
            containers,
            cpu: {
              time,
              usageNanoCores: containers.reduce((total, container) => total + container.cpu.usageNanoCores, 0),
              usageCoreNanoSeconds: sum(own, (stats) => stats.cpuUsageNanos),
            },
            memory: memory(
              sum(own, (stats) => stats.memoryWorkingSetBytes),
              now,
            ),
            process_stats: { process_count: sum(own, (stats) => stats.pids) },
          },
        ];
      }),
    };
  }

  /** The resource metrics that a metrics server scrapes, in Prometheus' text format. */
  async resourceMetrics(workers: readonly PodWorker[]): Promise<string> {
    const samples = await this.#sample(workers);
    const [machine, usage] = await Promise.all([this.#context.host.machine(), this.#context.host.usage()]);
    const labels = ({ worker, name }: Sample): string =>
      `{container="${name}",namespace="${worker.pod.metadata.namespace ?? ''}",pod="${worker.pod.metadata.name}"}`;
    const family = (name: string, help: string, type: string, values: readonly string[]): string =>
      [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...values.map((value) => name + value), ''].join('\n');
    return [
      family(
        'container_cpu_usage_seconds_total',
        'Cumulative cpu time consumed by the container in core-seconds',
        'counter',
        samples.map((sample) => `${labels(sample)} ${sample.stats.cpuUsageNanos / 1e9} ${sample.stats.timestamp}`),
      ),
      family(
        'container_memory_working_set_bytes',
        'Current working set of the container in bytes',
        'gauge',
        samples.map((sample) => `${labels(sample)} ${sample.stats.memoryWorkingSetBytes} ${sample.stats.timestamp}`),
      ),
      family(
        'container_start_time_seconds',
        'Start time of the container since unix epoch in seconds',
        'gauge',
        samples.map((sample) => `${labels(sample)} ${sample.startedAt / 1000}`),
      ),
      family('node_cpu_usage_seconds_total', 'Cumulative cpu time consumed by the node in core-seconds', 'counter', [
        ` ${usage.cpuUsageNanos / 1e9}`,
      ]),
      family('node_memory_working_set_bytes', 'Current working set of the node in bytes', 'gauge', [
        ` ${machine.memoryBytes - usage.memoryAvailableBytes}`,
      ]),
    ].join('');
  }

  async #sample(workers: readonly PodWorker[]): Promise<Sample[]> {
    const running = workers.flatMap((worker) => worker.observed.containers.filter(isRunning).map((container) => ({ worker, container })));
    const out: Sample[] = [];
    for (const { worker, container } of running) {
      try {
        const stats = await this.#context.runtime.containerStats(container.id);
        out.push({ worker, name: container.name, id: container.id, startedAt: container.startedAt ?? container.createdAt, stats });
      } catch (error) {
        // It has ended since it was looked at.
        this.#context.log.debug('a container has no statistics', { container: container.name, error });
      }
    }
    const alive = new Set(['node', ...out.map(({ id }) => id)]);
    for (const id of this.#before.keys()) if (!alive.has(id)) this.#before.delete(id);
    return out;
  }

  /** Billionths of a processor since the last question, at least a second ago. */
  #rate(key: string, nanos: number, at: number): number {
    const before = this.#before.get(key);
    if (before && at - before.at < 1000) return before.rate;
    const rate = before ? Math.max(0, Math.round(((nanos - before.nanos) / (at - before.at)) * 1000)) : 0;
    this.#before.set(key, { nanos, at, rate });
    return rate;
  }
}
