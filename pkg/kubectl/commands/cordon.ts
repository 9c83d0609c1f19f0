import type { Node } from '../../api/generated/core-v1.ts';
import { type Command, type CommandContext, dryRunFlag, dryRunOf, dryRunSuffix, selectorFlag } from '../command.ts';
import { CommandError, wrongArguments } from '../failure.ts';
import { printedName } from '../resource-mapper.ts';
import { objectsOf, type Target, targetsOf } from '../targets.ts';

export const cordon: Command = cordoning('cordon', true, 'Let no more pods onto a node');
export const uncordon: Command = cordoning('uncordon', false, 'Let pods onto a node again');

function cordoning(name: 'cordon' | 'uncordon', unschedulable: boolean, short: string): Command {
  return {
    name,
    short,
    usage: 'NODE',
    flags: [selectorFlag, dryRunFlag],
    async run(context, { flags, args }) {
      const dryRun = dryRunOf(flags);
      for (const { target, node } of await nodesOf(context, args, flags)) {
        await setUnschedulable(context, { target, node, unschedulable, dryRun });
      }
      return 0;
    },
  };
}

export async function nodesOf(
  context: CommandContext,
  args: readonly string[],
  flags: Parameters<typeof targetsOf>[2],
): Promise<{ readonly target: Target; readonly node: Node }[]> {
  if (args.length === 0 && !flags.has('selector'))
    throw wrongArguments(`USAGE: ${context.command.replace('kubectl ', '')} NODE [flags]`, context);
  if (args.length > 0 && flags.has('selector')) throw new CommandError('error: cannot specify both a node name and a --selector option');
  const names = args.map((arg) => arg.replace(/^(nodes?|no)\//, ''));
  const { targets } = await targetsOf(context, ['nodes', ...names], flags);
  return (await objectsOf(context, targets, flags)).map(({ target, object }) => ({ target, node: object as unknown as Node }));
}

/** Says what was done, and whether it had been done before. */
export async function setUnschedulable(
  context: CommandContext,
  {
    target,
    node,
    unschedulable,
    dryRun,
  }: { readonly target: Target; readonly node: Node; readonly unschedulable: boolean; readonly dryRun: ReturnType<typeof dryRunOf> },
): Promise<void> {
  const done = unschedulable ? 'cordoned' : 'uncordoned';
  const name = printedName(target.info, node.metadata.name);
  if (!!node.spec.unschedulable === unschedulable) {
    await context.print(`${name} already ${done}${dryRunSuffix(dryRun)}`);
    return;
  }
  if (dryRun !== 'client') {
    const body = { spec: { unschedulable: unschedulable ? true : null } };
    await context.api.patch(target.info, target, 'strategic', body, dryRun === 'server' ? { dryRun: 'All' } : {});
  }
  await context.print(`${name} ${done}${dryRunSuffix(dryRun)}`);
}
