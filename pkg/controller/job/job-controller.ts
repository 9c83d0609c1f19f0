/**
 * Jobs: pods that run to their end, as often as wanted, with limits on failures and time.
 * https://kubernetes.io/docs/concepts/workloads/controllers/job/
 */
import { isNotFound } from '../../api/errors.ts';
import type { Job } from '../../api/generated/batch-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { jobs as jobsRef, pods as podsRef } from '../../api/generated/resources.ts';
import { controllerOf, keyOf, splitKey } from '../../api/object.ts';
import type { Client } from '../../client/client.ts';
import { timestamp } from '../../clock/clock.ts';
import type { ReconcileResult } from '../../listwatch/contract.ts';
import { runTogether } from '../../listwatch/run-together.ts';
import type { Causes } from '../../trace/cause.ts';
import { candidatesFor, claimObjects } from '../claim.ts';
import { findCondition } from '../conditions.ts';
import { type ControllerContext, type ControllerDeclaration, controlLoop, controllerQueue } from '../controller.ts';
import { equal } from '../equal.ts';
import { Expectations } from '../expectations.ts';
import { podIndexes } from '../indexes.ts';
import { watchOwnedPods } from '../owned-pods.ts';
import { PodControl } from '../pod-control.ts';
import { unlessGone } from '../unless-gone.ts';
import { decideJob, isFinished, type JobPlan } from './decide.ts';
import { isTracked, jobPod, selectorOf, trackingFinalizer } from './job-pods.ts';

const name = 'job-controller';

export const jobController: ControllerDeclaration = {
  name,
  alias: 'job',
  create(context: ControllerContext) {
    const { clock, informers } = context;
    const jobs = informers.informer(jobsRef);
    const pods = informers.informer(podsRef, { indexes: podIndexes });
    const queue = controllerQueue(context, 'job');
    const orphans = controllerQueue(context, 'job_orphan_pod');
    const expectations = new Expectations(clock);
    const events = context.recorder(name);

    jobs.addHandler({
      onAdd: (job, causes) => queue.add(keyOf(job), causes),
      onUpdate: (job, _, causes) => queue.add(keyOf(job), causes),
      onDelete({ metadata }, causes) {
        expectations.forget(metadata.uid);
        for (const pod of pods.lister.byIndex('byController', metadata.uid)) orphans.add(keyOf(pod), causes);
      },
    });
    watchOwnedPods({
      pods,
      owners: jobs,
      kind: 'Job',
      selectorOf,
      expectations,
      queue,
    });
    const addOrphan = (pod: Pod, causes: Causes): void => {
      if (isTracked(pod)) orphans.add(keyOf(pod), causes);
    };
    pods.addHandler({
      onAdd: addOrphan,
      onUpdate: (pod, _, causes) => (pod.metadata.deletionTimestamp ? addOrphan(pod, causes) : undefined),
    });

    async function reconcile(key: string, { client }: { readonly client: Client }): Promise<ReconcileResult> {
      const job = jobs.lister.get(key);
      if (!job || (job.spec.managedBy !== undefined && job.spec.managedBy !== 'kubernetes.io/job-controller')) return undefined;
      const { namespace } = splitKey(key);
      const selector = selectorOf(job);
      const settled = expectations.satisfied(job.metadata.uid);
      const owned = await claimObjects({
        owner: job,
        ownerRef: jobsRef,
        objects: candidatesFor(job, pods.lister),
        ref: podsRef,
        selector,
        client,
      });
      const plan = decideJob({ job, pods: owned, now: clock.now(), time: timestamp(clock) });
      const mayAct = settled && !job.metadata.deletionTimestamp;

      if (!equal(plan.status, job.status)) {
        const written = await unlessGone(client.resource(jobsRef).updateStatus({ ...job, status: plan.status }, { namespace }));
        if (!written) return undefined;
        tell(job, plan);
      }
      for (const pod of plan.release) await release(pod, client);
      let failure: unknown;
      if (mayAct) {
        const control = new PodControl({ client, owner: job, events, expectations });
        failure = await control.apply({
          create: plan.create.map(
            ({ index, failures }) =>
              () =>
                jobPod(job, index, failures),
          ),
          remove: plan.remove,
        });
      }
      if (failure !== undefined) throw failure;
      return plan.after === undefined ? undefined : { after: plan.after };
    }

    function tell(job: Job, { status }: JobPlan): void {
      const became = (type: string, is: 'True' | 'False'): boolean =>
        findCondition(status.conditions, type)?.status === is && findCondition(job.status.conditions, type)?.status !== is;
      const failure = findCondition(status.conditions, 'FailureTarget');
      if (became('FailureTarget', 'True')) events.event(job, 'Warning', failure?.reason ?? '', failure?.message ?? '');
      if (became('Complete', 'True')) events.event(job, 'Normal', 'Completed', 'Job completed');
      if (became('Suspended', 'True')) events.event(job, 'Normal', 'Suspended', 'Job suspended');
      if (findCondition(job.status.conditions, 'Suspended') && became('Suspended', 'False'))
        events.event(job, 'Normal', 'Resumed', 'Job resumed');
    }

    async function release({ metadata }: Pod, client: Client): Promise<void> {
      const { name: pod, uid, resourceVersion, namespace = '' } = metadata;
      const finalizers = (metadata.finalizers ?? []).filter((finalizer) => finalizer !== trackingFinalizer);
      const body = { metadata: { uid, resourceVersion, finalizers } };
      await unlessGone(client.resource(podsRef).patch(pod, { type: 'merge', body }, { namespace }));
    }

    async function exists(pod: Pod, jobName: string, uid: string, client: Client): Promise<boolean> {
      try {
        return (await client.resource(jobsRef).get(jobName, { namespace: pod.metadata.namespace ?? '' })).metadata.uid === uid;
      } catch (error) {
        if (!isNotFound(error)) throw error;
        return false;
      }
    }

    /** A pod whose Job is gone, or that was let go, will not be counted by anybody. */
    async function reconcileOrphan(key: string, { client }: { readonly client: Client }): Promise<ReconcileResult> {
      const pod = pods.lister.get(key);
      if (!pod || !isTracked(pod)) return undefined;
      const controller = controllerOf(pod);
      const job = controller && jobs.lister.get(keyOf({ metadata: { ...pod.metadata, name: controller.name } }));
      if (controller && controller.kind !== 'Job') return undefined;
      if (job && job.metadata.uid === controller?.uid && !(isFinished(job) && pod.metadata.deletionTimestamp)) return undefined;
      // The local copy may not have it yet.
      if (controller && !job && (await exists(pod, controller.name, controller.uid, client))) return undefined;
      await release(pod, client);
      return undefined;
    }

    const main = controlLoop(context, { reconciler: { name, reconcile }, queue, informers: [jobs, pods] });
    const orphaned = controlLoop(context, {
      reconciler: { name, reconcile: reconcileOrphan },
      queue: orphans,
      informers: [jobs, pods],
      workers: 1,
    });
    return { name, run: (signal) => runTogether([(stop) => main.run(stop), (stop) => orphaned.run(stop)], signal) };
  },
};
