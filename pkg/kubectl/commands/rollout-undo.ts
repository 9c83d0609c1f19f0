import type { Deployment, ReplicaSet } from '../../api/generated/apps-v1.ts';
import { equalValues } from '../../runtime/values.ts';
import { type Command, type CommandContext, dryRunFlag, dryRunOf, dryRunSuffix, filenameFlags, selectorFlag } from '../command.ts';
import { CommandError } from '../failure.ts';
import { lastAppliedAnnotation } from '../last-applied.ts';
import { printedName } from '../resource-mapper.ts';
import { newestOf, ownedReplicaSets, revisionAnnotation, revisionOf, templateOf } from '../revisions.ts';
import { objectsOf, targetsOf } from '../targets.ts';

export const rolloutUndo: Command = {
  name: 'undo',
  short: 'Go back to what a deployment was before',
  usage: '(TYPE NAME | TYPE/NAME)',
  flags: [
    ...filenameFlags,
    selectorFlag,
    dryRunFlag,
    { name: 'to-revision', kind: 'int', default: 0, help: 'Go back to this revision; 0: to the one before.' },
  ],
  async run(context, { flags, args }) {
    const { targets } = await targetsOf(context, args, flags, { nothing: 'required resource not specified' });
    const dryRun = dryRunOf(flags);
    for (const { target, object } of await objectsOf(context, targets, flags)) {
      if (target.info.kind !== 'Deployment')
        throw new CommandError(`no rollbacker has been implemented for ${JSON.stringify(target.info.kind)}`);
      const deployment = object as unknown as Deployment;
      if (deployment.spec.paused)
        throw new CommandError("you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again");
      const name = printedName(target.info, deployment.metadata.name);
      const set = await wantedSet(context, deployment, flags.int('to-revision') ?? 0);
      if (equalValues(templateOf(set), deployment.spec.template)) {
        await context.print(`${name} skipped rollback (current template already matches revision ${revisionOf(set)})`);
        continue;
      }
      // What the ReplicaSet says of its change belongs to the Deployment again; what is its own does not.
      const own = new Set([
        lastAppliedAnnotation,
        revisionAnnotation,
        'deployment.kubernetes.io/revision-history',
        'deployment.kubernetes.io/desired-replicas',
        'deployment.kubernetes.io/max-replicas',
        'deprecated.deployment.rollback.to',
      ]);
      const kept = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => own.has(key));
      const taken = Object.entries(set.metadata.annotations ?? {}).filter(([key]) => !own.has(key));
      const patch = [
        { op: 'replace', path: '/spec/template', value: templateOf(set) },
        { op: 'replace', path: '/metadata/annotations', value: Object.fromEntries([...kept, ...taken]) },
      ];
      if (dryRun !== 'client') await context.api.patch(target.info, target, 'json', patch, dryRun === 'server' ? { dryRun: 'All' } : {});
      await context.print(`${name} rolled back${dryRunSuffix(dryRun)}`);
    }
    return 0;
  },
};

async function wantedSet(context: CommandContext, deployment: Deployment, revision: number): Promise<ReplicaSet> {
  const sets = await ownedReplicaSets(context, deployment);
  if (revision > 0) {
    const set = sets.find((each) => revisionOf(each) === revision);
    if (!set) throw new CommandError(`unable to find specified revision ${revision} in history`);
    return set;
  }
  const current = newestOf(sets, deployment);
  const previous = sets.filter((set) => set !== current)[0];
  if (!previous) throw new CommandError(`no rollout history found for deployment ${JSON.stringify(deployment.metadata.name)}`);
  return previous;
}
