import { isNotFound } from '../../api/errors.ts';
import { allNamespacesFlag, type Command, type CommandContext, filenameFlags, selectorFlag } from '../command.ts';
import { describeObject } from '../describe/describer.ts';
import type { Flags } from '../flags.ts';
import type { LooseObject } from '../manifests.ts';
import { type Target, targetsOf } from '../targets.ts';
import { endWith } from './get.ts';

export const describe: Command = {
  name: 'describe',
  short: 'Show everything about one or many objects, with their events',
  usage: '(-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)',
  examples: 'kubectl describe pod web\nkubectl describe node node-1\nkubectl describe deployment/web',
  flags: [
    ...filenameFlags,
    selectorFlag,
    allNamespacesFlag,
    { name: 'show-events', kind: 'bool', default: true, help: 'Show the events about it.' },
  ],
  async run(context, { flags, args }) {
    const nothing =
      'You must specify the type of resource to describe. Use "kubectl api-resources" for a complete list of supported resources.';
    const { targets } = await targetsOf(context, args, flags, { lists: true, nothing });
    const failures: unknown[] = [];
    let printed = 0;
    for (const target of targets) {
      try {
        for (const object of await describable(context, target, flags)) {
          const text = await describeObject(target.info, object, {
            api: context.api,
            mapper: context.mapper,
            now: context.io.clock.now(),
            events: flags.bool('show-events'),
          });
          await context.io.stdout(printed++ > 0 ? `\n\n${text}` : text);
        }
      } catch (error) {
        failures.push(error);
        if (context.io.signal.aborted) throw error;
      }
    }
    if (printed === 0 && failures.length === 0) {
      const namespaced = targets.some(({ info }) => info.namespaced) && !flags.bool('all-namespaces');
      await context.warn(namespaced ? `No resources found in ${context.namespace} namespace.` : 'No resources found');
    }
    return endWith(context, failures);
  },
};

/** The object of that name; if there is none, all whose names begin with it. */
async function describable(context: CommandContext, target: Target, flags: Flags): Promise<readonly LooseObject[]> {
  const { info, namespace, name } = target;
  if (name === undefined)
    return (await context.api.list(info, namespace, { labelSelector: flags.optional('selector') })).items as LooseObject[];
  try {
    return [(await context.api.get(info, target)) as LooseObject];
  } catch (error) {
    if (!isNotFound(error) || target.manifest) throw error;
    const { items } = await context.api.list(info, namespace);
    const found = items.filter(({ metadata }) => metadata.name.startsWith(name)) as LooseObject[];
    if (found.length === 0) throw error;
    return found;
  }
}
