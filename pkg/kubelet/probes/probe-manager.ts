/**
 * Runs the probes of all containers of a node and keeps their verdicts. A set of probes belongs to one running
 * container (one id): it starts when the container is seen to run and ends with it, so that a restart begins afresh.
 * Startup goes first; liveness and readiness begin once it has passed. Kubernetes' counterpart: pkg/kubelet/prober.
 */
import type { Container, Pod, Probe } from '../../api/generated/core-v1.ts';
import type { ProbeVerdicts } from '../compute-pod-actions.ts';
import { sleepUnless } from '../deadline.ts';
import type { KubeletContext } from '../kubelet-context.ts';
import { isRunning, type ObservedContainer, type PodObservation } from '../pod-observation.ts';
import { isSidecar } from '../restart-policy.ts';
import { type ProbeOutcome, probeOnce } from './prober.ts';

type Kind = 'startup' | 'liveness' | 'readiness';
const titles: Readonly<Record<Kind, string>> = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' };

/** The probes of one running container. */
interface Probed {
  readonly uid: string;
  readonly container: Container;
  readonly stop: AbortController;
  /** True or false once a threshold was reached. */
  readonly verdicts: Partial<Record<Kind, boolean>>;
  /** Called once the startup probe has passed, or the container has gone. */
  readonly onStarted: (() => void)[];
  podIP: string;
  terminating: boolean;
}

export class ProbeManager implements ProbeVerdicts {
  readonly #context: KubeletContext;
  readonly #changed: (uid: string) => void;
  readonly #probed = new Map<string, Probed>();
  readonly #startedAt: number;

  /** `changed`: called with a pod's uid when a verdict about it has changed. */
  constructor(context: KubeletContext, changed: (uid: string) => void) {
    this.#context = context;
    this.#changed = changed;
    this.#startedAt = context.clock.now();
  }

  /** Follows the pod's containers. `terminating`: it need not live, nor start; readiness alone still matters. */
  update(pod: Pod, observed: PodObservation, { podIP, terminating }: { readonly podIP: string; readonly terminating: boolean }): void {
    const uid = pod.metadata.uid;
    const alive = new Set<string>();
    for (const container of [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)]) {
      const running = observed.containers.find((one) => one.name === container.name && isRunning(one));
      const kinds = (['startup', 'liveness', 'readiness'] as const).filter((kind) => probeOf(container, kind) !== undefined);
      if (!running || kinds.length === 0) continue;
      alive.add(running.id);
      let probed = this.#probed.get(running.id);
      if (probed) {
        probed.terminating ||= terminating;
        probed.podIP = podIP;
        continue;
      }
      probed = {
        uid,
        container,
        podIP,
        terminating,
        stop: new AbortController(),
        verdicts: this.#knownVerdicts(pod, running),
        onStarted: [],
      };
      this.#probed.set(running.id, probed);
      for (const kind of kinds) {
        if (kind === 'startup' && probed.verdicts.startup) continue;
        void this.#run(kind, pod, running, probed);
      }
    }
    for (const [id, probed] of this.#probed) {
      if (probed.uid === uid && !alive.has(id)) this.#drop(id, probed);
    }
  }

  /** A container from before the kubelet's restart is what its pod's status says, until a probe says otherwise. */
  #knownVerdicts({ status }: Pod, { id, startedAt, createdAt }: ObservedContainer): Probed['verdicts'] {
    if ((startedAt ?? createdAt) >= this.#startedAt) return {};
    const told = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].find(({ containerID }) =>
      containerID?.endsWith(`://${id}`),
    );
    return { ...(told?.started ? { startup: true } : {}), ...(told?.ready ? { readiness: true } : {}) };
  }

  forget(uid: string): void {
    for (const [id, probed] of this.#probed) if (probed.uid === uid) this.#drop(id, probed);
  }

  stop(): void {
    for (const [id, probed] of this.#probed) this.#drop(id, probed);
  }

  livenessFailed(id: string): boolean {
    return this.#probed.get(id)?.verdicts.liveness === false;
  }
  startupFailed(id: string): boolean {
    return this.#probed.get(id)?.verdicts.startup === false;
  }
  started(id: string): boolean {
    const probed = this.#probed.get(id);
    return probed?.container.startupProbe === undefined || probed.verdicts.startup === true;
  }
  ready(id: string): boolean {
    const probed = this.#probed.get(id);
    return probed?.container.readinessProbe === undefined || probed.verdicts.readiness === true;
  }

  /** Ends when the container does, or when there is nothing more to find out. Never rejects. */
  async #run(kind: Kind, pod: Pod, observed: ObservedContainer, probed: Probed): Promise<void> {
    const { clock, random, events, log } = this.#context;
    const { container, stop } = probed;
    const { signal } = stop;
    const probe = probeOf(container, kind) as Probe;
    const period = Math.max(1, probe.periodSeconds ?? 10) * 1000;
    const startedAt = observed.startedAt ?? observed.createdAt;
    // After a restart of the kubelet everything would be probed at once.
    const adopted = startedAt < this.#startedAt;
    const first = Math.max(0, startedAt + (probe.initialDelaySeconds ?? 0) * 1000 - clock.now(), adopted ? random.next() * period : 0);
    if (!(await sleepUnless(clock, first, signal))) return;
    if (kind !== 'startup') await this.#whenStarted(observed.id, probed);
    let streak = 0;
    let last: ProbeOutcome['result'] | undefined;
    while (!signal.aborted && (kind === 'readiness' || !probed.terminating)) {
      const outcome = await probeOnce(this.#context, probe, { container, containerId: observed.id, podIP: probed.podIP });
      if (signal.aborted) return;
      if (outcome.result !== 'unknown') {
        streak = outcome.result === last ? streak + 1 : 1;
        last = outcome.result;
        const passed = outcome.result === 'success';
        if (!passed) {
          events.event(pod, 'Warning', 'Unhealthy', `${titles[kind]} probe failed: ${outcome.message}`);
          log.debug('a probe failed', { pod: pod.metadata.name, container: container.name, probe: kind, message: outcome.message });
        }
        if (streak >= (passed ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3)) && probed.verdicts[kind] !== passed) {
          probed.verdicts[kind] = passed;
          this.#changed(probed.uid);
          // Started once and for all; and what is found dead will be replaced.
          if (kind === 'startup' && passed) for (const wake of probed.onStarted.splice(0)) wake();
          if (kind === 'startup' || (kind === 'liveness' && !passed)) return;
        }
      }
      if (!(await sleepUnless(clock, period, signal))) return;
    }
  }

  #whenStarted(id: string, probed: Probed): Promise<void> {
    return this.started(id) ? Promise.resolve() : new Promise((resolve) => probed.onStarted.push(resolve));
  }

  #drop(id: string, probed: Probed): void {
    this.#probed.delete(id);
    probed.stop.abort();
    for (const wake of probed.onStarted.splice(0)) wake();
  }
}

function probeOf(container: Container, kind: Kind): Probe | undefined {
  return kind === 'startup' ? container.startupProbe : kind === 'liveness' ? container.livenessProbe : container.readinessProbe;
}
