import { isNotFound } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import {
  allNamespacesFlag,
  type Command,
  type CommandContext,
  dryRunFlag,
  dryRunOf,
  dryRunSuffix,
  fieldSelectorFlag,
  filenameFlags,
  outputFlag,
  selectorFlag,
} from '../command.ts';
import { CommandError } from '../failure.ts';
import type { Flags } from '../flags.ts';
import { printedName, printedType } from '../resource-mapper.ts';
import { type Target, targetsOf } from '../targets.ts';
import { waitUntil } from '../wait-until.ts';
import { endWith } from './get.ts';

export const deleteCommand: Command = {
  name: 'delete',
  short: 'Delete objects by file, by name, or by label',
  usage: '([-f FILENAME] | TYPE [(NAME | -l label | --all)])',
  examples: `
kubectl delete -f pod.yaml
kubectl delete pod web --grace-period=0 --force
kubectl delete pods -l app=web
kubectl delete pods --all`,
  flags: [
    ...filenameFlags,
    selectorFlag,
    fieldSelectorFlag,
    allNamespacesFlag,
    outputFlag,
    dryRunFlag,
    { name: 'all', kind: 'bool', help: 'All objects of the types named.' },
    { name: 'ignore-not-found', kind: 'bool', help: 'What is not there is no error.' },
    {
      name: 'cascade',
      kind: 'string',
      default: 'background',
      alone: 'background',
      help: 'background, foreground, or orphan: what becomes of what it owns.',
    },
    {
      name: 'grace-period',
      kind: 'int',
      default: -1,
      help: 'Seconds that it is given to end; -1: as the object says; 0 only with --force.',
    },
    { name: 'force', kind: 'bool', help: 'With --grace-period=0: gone at once, whatever still runs.' },
    { name: 'now', kind: 'bool', help: 'The same as --grace-period=1.' },
    { name: 'wait', kind: 'bool', default: true, help: 'Return when it is really gone.' },
    { name: 'timeout', kind: 'duration', default: '0s', help: 'Wait no longer; 0: as long as it takes.' },
  ],
  async run(context, { flags, args }) {
    const { query, body, force } = await deletionOf(context, flags);
    const { targets } = await targetsOf(context, args, flags);
    const dryRun = dryRunOf(flags);
    const failures: unknown[] = [];
    const deleted: { readonly target: Target; readonly uid: string | undefined }[] = [];
    let found = 0;
    for (const target of await expand(context, targets, flags)) {
      found++;
      try {
        let uid: string | undefined;
        if (dryRun === 'client') uid = (await context.api.get(target.info, target)).metadata.uid;
        else {
          const answer = (await context.api.delete(
            target.info,
            target,
            body,
            dryRun === 'server' ? { ...query, dryRun: 'All' } : query,
          )) as Partial<KubeObject> & { details?: { uid?: string } };
          uid = answer.kind === 'Status' ? answer.details?.uid : answer.metadata?.uid;
        }
        await say(context, flags, { target, suffix: dryRunSuffix(dryRun), force });
        deleted.push({ target, uid });
      } catch (error) {
        const byFile = target.manifest !== undefined || target.name !== undefined;
        if (!(isNotFound(error) && (flags.bool('ignore-not-found') || !byFile))) failures.push(error);
        if (context.io.signal.aborted) throw error;
      }
    }
    if (found === 0) await context.print('No resources found');
    if (dryRun === 'none' && flags.bool('wait') && !(force && flags.int('grace-period') === 0 && !flags.has('wait'))) {
      const timeout = flags.duration('timeout') || undefined;
      for (const { target, uid } of deleted) await untilGone(context, target, { uid, timeout });
    }
    return endWith(context, failures);
  },
};

interface Deletion {
  readonly body: unknown;
  readonly query: Record<string, string>;
  readonly force: boolean;
}

async function deletionOf(context: CommandContext, flags: Flags): Promise<Deletion> {
  const force = flags.bool('force');
  let grace = flags.int('grace-period') ?? -1;
  if (flags.bool('now')) {
    if (grace !== -1) throw new CommandError('--now and --grace-period cannot be specified together');
    grace = 1;
  }
  if (grace === 0 && !force) grace = 1; // as kubectl: zero alone only asks for haste
  if (force && grace < 0) grace = 0;
  if (force && grace > 0) throw new CommandError('--force and --grace-period greater than 0 cannot be specified together');
  if (force) {
    await context.warn(
      'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.',
    );
  }
  const cascade = flags.string('cascade');
  const policy = { background: 'Background', foreground: 'Foreground', orphan: 'Orphan', true: 'Background', false: 'Orphan' }[cascade];
  if (!policy) throw new CommandError(`invalid cascade value (${cascade}). Must be "background", "foreground", or "orphan"`);
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: policy, ...(grace >= 0 ? { gracePeriodSeconds: grace } : {}) };
  return { body, query: {}, force };
}

/** Selected objects one by one, so that each is named. */
async function expand(context: CommandContext, targets: readonly Target[], flags: Flags): Promise<Target[]> {
  const all: Target[] = [];
  for (const target of targets) {
    if (target.name !== undefined) {
      all.push(target);
      continue;
    }
    const query = { labelSelector: flags.optional('selector'), fieldSelector: flags.optional('field-selector') };
    const { items } = await context.api.list(target.info, target.namespace, query);
    for (const { metadata } of items) all.push({ ...target, name: metadata.name, namespace: metadata.namespace });
  }
  return all;
}

async function say(
  context: CommandContext,
  flags: Flags,
  { target, suffix, force }: { target: Target; suffix: string; force: boolean },
): Promise<void> {
  const { info, name = '', namespace } = target;
  if (flags.string('output') === 'name') {
    await context.print(printedName(info, name));
    return;
  }
  const where = namespace ? ` from ${namespace} namespace` : '';
  await context.print(`${printedType(info)} ${JSON.stringify(name)} ${force ? 'force ' : ''}deleted${where}${suffix}`);
}

/** Until the object of this uid is gone; another one of its name does not count. */
export async function untilGone(
  context: CommandContext,
  target: Target,
  { uid, timeout }: { uid: string | undefined; timeout: number | undefined },
): Promise<void> {
  const done = (object: KubeObject | undefined): boolean => object === undefined || (uid !== undefined && object.metadata.uid !== uid);
  const { info, namespace, name = '' } = target;
  if (!(await waitUntil(context, { info, namespace, name }, { done, timeout }))) {
    throw new CommandError(`timed out waiting for the condition on ${info.resource}/${name}`);
  }
}
