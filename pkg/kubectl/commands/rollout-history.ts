import type { Deployment } from '../../api/generated/apps-v1.ts';
import { type Command, filenameFlags, selectorFlag } from '../command.ts';
import { Lines } from '../describe/lines.ts';
import { describePodTemplate } from '../describe/pod-template.ts';
import { CommandError } from '../failure.ts';
import { alignTabs } from '../output/tab-writer.ts';
import { printedName } from '../resource-mapper.ts';
import { changeCauseAnnotation, ownedReplicaSets, revisionOf } from '../revisions.ts';
import { objectsOf, targetsOf } from '../targets.ts';

export const rolloutHistory: Command = {
  name: 'history',
  short: 'Show what a deployment was before',
  usage: '(TYPE NAME | TYPE/NAME)',
  flags: [...filenameFlags, selectorFlag, { name: 'revision', kind: 'int', default: 0, help: 'Show the pod template of this revision.' }],
  async run(context, { flags, args }) {
    const { targets } = await targetsOf(context, args, flags, { nothing: 'required resource not specified' });
    const revision = flags.int('revision') ?? 0;
    if (revision < 0) throw new CommandError(`revision must be a positive integer: ${revision}`);
    for (const { target, object } of await objectsOf(context, targets, flags)) {
      if (target.info.kind !== 'Deployment')
        throw new CommandError(`no history viewer has been implemented for ${JSON.stringify(target.info.kind)}`);
      const name = printedName(target.info, object.metadata.name);
      const sets = await ownedReplicaSets(context, object as unknown as Deployment);
      if (revision > 0) {
        const set = sets.find((each) => revisionOf(each) === revision);
        if (!set) throw new CommandError('unable to find the specified revision');
        const lines = new Lines();
        describePodTemplate(set.spec.template, lines);
        await context.io.stdout(`${name} with revision #${revision}\n${lines.toString()}\n`);
        continue;
      }
      const rows = sets.map((set) => `${revisionOf(set)}\t${set.metadata.annotations?.[changeCauseAnnotation] ?? '<none>'}`).reverse();
      await context.io.stdout(`${name} \n${alignTabs(['REVISION\tCHANGE-CAUSE', ...rows].join('\n'))}\n\n`);
    }
    return 0;
  },
};
