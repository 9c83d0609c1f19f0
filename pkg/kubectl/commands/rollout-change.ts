import type { Deployment } from '../../api/generated/apps-v1.ts';
import { formatTime } from '../../clock/clock.ts';
import { type Command, type CommandContext, fieldManagerFlag, filenameFlags, outputFlag, selectorFlag } from '../command.ts';
import { CommandError } from '../failure.ts';
import type { LooseObject } from '../manifests.ts';
import { qualifiedName, type ResourceInfo } from '../resource-mapper.ts';
import { objectsOf, targetsOf } from '../targets.ts';
import { endWith } from './get.ts';
import { resultPrinter } from './write-object.ts';

/** A strategic merge patch, or an error that says why there is none. */
type Change = (context: CommandContext, info: ResourceInfo, object: LooseObject) => unknown;

export const rolloutPause: Command = changing('pause', 'Hold a rollout', 'paused', (_context, info, object) => {
  onlyDeployments(info, 'pausing');
  if ((object as unknown as Deployment).spec.paused)
    throw new CommandError(`${qualifiedName(info)} ${JSON.stringify(object.metadata.name)} is already paused`);
  return { spec: { paused: true } };
});

export const rolloutResume: Command = changing('resume', 'Let a rollout go on', 'resumed', (_context, info, object) => {
  onlyDeployments(info, 'resuming');
  if (!(object as unknown as Deployment).spec.paused)
    throw new CommandError(`${qualifiedName(info)} ${JSON.stringify(object.metadata.name)} is not paused`);
  return { spec: { paused: null } };
});

export const rolloutRestart: Command = changing(
  'restart',
  'Replace all pods by new ones, in the way of a rollout',
  'restarted',
  ({ io }, info, object) => {
    if (!['Deployment', 'DaemonSet', 'StatefulSet'].includes(info.kind))
      throw new CommandError(`${qualifiedName(info)} ${JSON.stringify(object.metadata.name)} restarting is not supported`);
    if ((object as unknown as Deployment).spec.paused) throw new CommandError(`can't restart paused deployment (run rollout resume first)`);
    return { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': formatTime(io.clock.now()) } } } } };
  },
);

function onlyDeployments(info: ResourceInfo, doing: string): void {
  if (info.kind !== 'Deployment') throw new CommandError(`${qualifiedName(info)} ${doing} is not supported`);
}

function changing(name: string, short: string, verb: string, change: Change): Command {
  return {
    name,
    short,
    usage: 'RESOURCE',
    flags: [...filenameFlags, selectorFlag, outputFlag, fieldManagerFlag('kubectl-rollout')],
    async run(context, { flags, args }) {
      const { targets } = await targetsOf(context, args, flags, { nothing: 'required resource not specified' });
      const print = await resultPrinter(context, flags, 'none');
      const failures: unknown[] = [];
      for (const { target, object } of await objectsOf(context, targets, flags)) {
        try {
          const patch = change(context, target.info, object);
          const patched = await context.api.patch(target.info, target, 'strategic', patch, { fieldManager: flags.string('field-manager') });
          await print(target.info, patched as LooseObject, verb);
        } catch (error) {
          failures.push(error);
          if (context.io.signal.aborted) throw error;
        }
      }
      return endWith(context, failures);
    },
  };
}
