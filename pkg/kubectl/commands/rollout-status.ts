import type { DaemonSet, Deployment, StatefulSet } from '../../api/generated/apps-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { type Command, filenameFlags, selectorFlag } from '../command.ts';
import { CommandError } from '../failure.ts';
import { revisionOf } from '../revisions.ts';
import { objectsOf, targetsOf } from '../targets.ts';
import { waitUntil } from '../wait-until.ts';

/** Where a rollout stands: a line to print, and whether it is over. */
interface Progress {
  readonly text: string;
  readonly done: boolean;
}

export const rolloutStatus: Command = {
  name: 'status',
  short: 'Show how a rollout goes on, until it is over',
  usage: '(TYPE NAME | TYPE/NAME)',
  flags: [
    ...filenameFlags,
    selectorFlag,
    { name: 'watch', short: 'w', kind: 'bool', default: true, help: 'Stay until it is over.' },
    { name: 'revision', kind: 'int', default: 0, help: 'Only as long as this revision is the newest.' },
    { name: 'timeout', kind: 'duration', default: '0s', help: 'Give up after so long; 0: never.' },
  ],
  async run(context, { flags, args }) {
    const { targets } = await targetsOf(context, args, flags, { nothing: 'required resource not specified' });
    const revision = flags.int('revision') ?? 0;
    const timeout = flags.duration('timeout') || undefined;
    for (const { target } of await objectsOf(context, targets, flags)) {
      const { info, namespace, name = '' } = target;
      let said = '';
      const look = async (object: KubeObject | undefined): Promise<boolean> => {
        if (!object) throw new CommandError(`object has been deleted`);
        const progress = progressOf(info.kind, object, revision);
        if (progress.text !== said) await context.print(progress.text);
        said = progress.text;
        return progress.done || !flags.bool('watch');
      };
      if (!(await waitUntil(context, { info, namespace, name }, { done: look, timeout }))) {
        throw new CommandError('timed out waiting for the condition');
      }
    }
    return 0;
  },
};

function progressOf(kind: string, object: KubeObject, revision: number): Progress {
  switch (kind) {
    case 'Deployment':
      return deploymentProgress(object as Deployment, revision);
    case 'DaemonSet':
      return daemonSetProgress(object as DaemonSet);
    case 'StatefulSet':
      return statefulSetProgress(object as StatefulSet);
    default:
      throw new CommandError(`no status viewer has been implemented for ${kind}`);
  }
}

export function deploymentProgress(deployment: Deployment, revision = 0): Progress {
  const { metadata, spec, status } = deployment;
  const name = JSON.stringify(metadata.name);
  if (revision > 0 && revisionOf(deployment) !== revision) {
    throw new CommandError(`desired revision (${revision}) is different from the running revision (${revisionOf(deployment)})`);
  }
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0))
    return { text: 'Waiting for deployment spec update to be observed...', done: false };
  const progressing = status.conditions?.find(({ type }) => type === 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') throw new CommandError(`deployment ${name} exceeded its progress deadline`);
  const wanted = spec.replicas ?? 1;
  const { updatedReplicas: updated = 0, replicas = 0, availableReplicas: available = 0 } = status;
  const waiting = `Waiting for deployment ${name} rollout to finish:`;
  if (updated < wanted) return { text: `${waiting} ${updated} out of ${wanted} new replicas have been updated...`, done: false };
  if (replicas > updated) return { text: `${waiting} ${replicas - updated} old replicas are pending termination...`, done: false };
  if (available < updated) return { text: `${waiting} ${available} of ${updated} updated replicas are available...`, done: false };
  return { text: `deployment ${name} successfully rolled out`, done: true };
}

function daemonSetProgress({ metadata, spec, status }: DaemonSet): Progress {
  const name = JSON.stringify(metadata.name);
  if (spec.updateStrategy.type !== 'RollingUpdate')
    throw new CommandError('rollout status is only available for RollingUpdate strategy type');
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0))
    return { text: 'Waiting for daemon set spec update to be observed...', done: false };
  const { desiredNumberScheduled: wanted, updatedNumberScheduled: updated = 0, numberAvailable: available = 0 } = status;
  const waiting = `Waiting for daemon set ${name} rollout to finish:`;
  if (updated < wanted) return { text: `${waiting} ${updated} out of ${wanted} new pods have been updated...`, done: false };
  if (available < wanted) return { text: `${waiting} ${available} of ${wanted} updated pods are available...`, done: false };
  return { text: `daemon set ${name} successfully rolled out`, done: true };
}

function statefulSetProgress({ metadata, spec, status }: StatefulSet): Progress {
  if (spec.updateStrategy.type !== 'RollingUpdate')
    throw new CommandError('rollout status is only available for RollingUpdate strategy type');
  if ((status.observedGeneration ?? 0) === 0 || (metadata.generation ?? 0) > (status.observedGeneration ?? 0)) {
    return { text: 'Waiting for statefulset spec update to be observed...', done: false };
  }
  const wanted = spec.replicas ?? 1;
  const ready = status.readyReplicas ?? 0;
  if (ready < wanted) return { text: `Waiting for ${wanted - ready} pods to be ready...`, done: false };
  const updated = status.updatedReplicas ?? 0;
  const partition = spec.updateStrategy.rollingUpdate?.partition ?? 0;
  if (partition > 0) {
    if (updated < wanted - partition)
      return {
        text: `Waiting for partitioned roll out to finish: ${updated} out of ${wanted - partition} new pods have been updated...`,
        done: false,
      };
    return { text: `partitioned roll out complete: ${updated} new pods have been updated...`, done: true };
  }
  if (status.updateRevision !== status.currentRevision) {
    return {
      text: `waiting for statefulset rolling update to complete ${updated} pods at revision ${status.updateRevision}...`,
      done: false,
    };
  }
  return {
    text: `statefulset rolling update complete ${status.currentReplicas ?? 0} pods at revision ${status.currentRevision}...`,
    done: true,
  };
}
