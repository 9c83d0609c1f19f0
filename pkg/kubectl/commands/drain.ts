import { isApiError, isNotFound } from '../../api/errors.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { controllerOf } from '../../api/object.ts';
import { resourcePath } from '../../client/resource-path.ts';
import { type Command, type CommandContext, dryRunFlag, dryRunOf, dryRunSuffix, selectorFlag } from '../command.ts';
import { describeFailure, SilentExit } from '../failure.ts';
import type { Flags } from '../flags.ts';
import type { ResourceInfo } from '../resource-mapper.ts';
import { nodesOf, setUnschedulable } from './cordon.ts';
import { untilGone } from './delete.ts';

/** After a refusal by a disruption budget. */
const retryMs = 5000;

export const drain: Command = {
  name: 'drain',
  short: 'Cordon a node and evict its pods, so that it can be taken away',
  usage: 'NODE',
  examples: 'kubectl drain node-2 --ignore-daemonsets --delete-emptydir-data',
  flags: [
    selectorFlag,
    dryRunFlag,
    { name: 'ignore-daemonsets', kind: 'bool', help: 'Leave pods of daemon sets alone, which would only come back.' },
    { name: 'delete-emptydir-data', kind: 'bool', help: 'Go on although pods have emptyDir volumes, whose content is lost.' },
    { name: 'force', kind: 'bool', help: 'Go on although there are pods that nobody will make anew.' },
    { name: 'disable-eviction', kind: 'bool', help: 'Delete rather than evict, past all disruption budgets.' },
    { name: 'grace-period', kind: 'int', default: -1, help: 'Seconds that each pod is given to end; -1: as the pod says.' },
    { name: 'timeout', kind: 'duration', default: '0s', help: 'Give up after so long; 0: never.' },
    { name: 'pod-selector', kind: 'string', help: 'Only pods with these labels.' },
  ],
  async run(context, { flags, args }) {
    const dryRun = dryRunOf(flags);
    const pods = await context.mapper.one('pods');
    let failed = false;
    for (const { target, node } of await nodesOf(context, args, flags)) {
      await setUnschedulable(context, { target, node, unschedulable: true, dryRun });
      const { name } = node.metadata;
      try {
        await drainNode(context, { node: name, pods, flags, dryRun });
        await context.print(`node/${name} drained${dryRunSuffix(dryRun)}`);
      } catch (error) {
        if (context.io.signal.aborted) throw error;
        failed = true;
        await context.warn(
          `error: unable to drain node ${JSON.stringify(name)} due to error: ${describeFailure(error).replace(/^error: /, '')}, continuing command...`,
        );
        await context.warn(`There are pending nodes to be drained:\n ${name}`);
        await context.warn(describeFailure(error));
      }
    }
    if (failed) throw new SilentExit(1);
    return 0;
  },
};

interface Drain {
  readonly node: string;
  readonly pods: ResourceInfo;
  readonly flags: Flags;
  readonly dryRun: ReturnType<typeof dryRunOf>;
}

async function drainNode(context: CommandContext, { node, pods, flags, dryRun }: Drain): Promise<void> {
  const query = { fieldSelector: `spec.nodeName=${node}`, labelSelector: flags.optional('pod-selector') };
  const all = (await context.api.list(pods, undefined, query)).items as unknown as Pod[];
  const { leaving, problems, warnings } = choosePods(all, flags);
  if (problems.length > 0) throw new Error(problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`);
  if (warnings.length > 0) await context.warn(`Warning: ${warnings.join('; ')}`);
  const timeout = flags.duration('timeout') || undefined;
  const deadline = timeout === undefined ? undefined : context.io.clock.monotonic() + timeout;
  for (const pod of leaving) await context.print(`evicting pod ${pod.metadata.namespace}/${pod.metadata.name}${dryRunSuffix(dryRun)}`);
  if (dryRun !== 'none') return;
  await Promise.all(
    leaving.map(async (pod) => {
      await evict(context, pods, { pod, flags, deadline });
      const { name, namespace, uid } = pod.metadata;
      const left = deadline === undefined ? undefined : Math.max(0, deadline - context.io.clock.monotonic());
      await untilGone(context, { info: pods, namespace, name }, { uid, timeout: left });
      await context.print(`pod/${name} ${flags.bool('disable-eviction') ? 'deleted' : 'evicted'}`);
    }),
  );
}

/** Which pods leave, and why some of them must not without being told so. */
export function choosePods(all: readonly Pod[], flags: Pick<Flags, 'bool'>): { leaving: Pod[]; problems: string[]; warnings: string[] } {
  const leaving: Pod[] = [];
  const groups = { unmanaged: [] as string[], local: [] as string[], daemons: [] as string[] };
  for (const pod of all) {
    const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
    const ended = pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
    if (pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) continue;
    const owner = controllerOf(pod);
    if (owner?.kind === 'DaemonSet' && !ended) {
      groups.daemons.push(name);
      continue;
    }
    if (!ended && pod.spec.volumes?.some((volume) => volume.emptyDir)) groups.local.push(name);
    if (!owner && !ended) groups.unmanaged.push(name);
    leaving.push(pod);
  }
  const problems: string[] = [];
  const warnings: string[] = [];
  const judge = (names: readonly string[], allowed: boolean, problem: string, warning: string | undefined): void => {
    if (names.length === 0) return;
    if (!allowed) problems.push(`${problem}: ${names.join(', ')}`);
    else if (warning) warnings.push(`${warning}: ${names.join(', ')}`);
  };
  judge(
    groups.unmanaged,
    flags.bool('force'),
    'cannot delete Pods that declare no controller (use --force to override)',
    'deleting Pods that declare no controller',
  );
  judge(
    groups.local,
    flags.bool('delete-emptydir-data'),
    'cannot delete Pods with local storage (use --delete-emptydir-data to override)',
    undefined,
  );
  judge(
    groups.daemons,
    flags.bool('ignore-daemonsets'),
    'cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)',
    'ignoring DaemonSet-managed Pods',
  );
  return { leaving, problems, warnings };
}

async function evict(
  context: CommandContext,
  info: ResourceInfo,
  { pod, flags, deadline }: { pod: Pod; flags: Flags; deadline: number | undefined },
): Promise<void> {
  const { name, namespace } = pod.metadata;
  const grace = flags.int('grace-period') ?? -1;
  const deleteOptions = grace >= 0 ? { gracePeriodSeconds: grace } : {};
  for (;;) {
    try {
      if (flags.bool('disable-eviction')) {
        await context.api.delete(info, { namespace, name }, { apiVersion: 'v1', kind: 'DeleteOptions', ...deleteOptions });
      } else {
        const path = resourcePath(info, { namespace, name, subresource: 'eviction' });
        const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace }, deleteOptions };
        await context.api.json(path, { method: 'POST', body });
      }
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isApiError(error, 'TooManyRequests')) throw error;
      await context.warn(
        `error when evicting pods/${JSON.stringify(name)} -n ${JSON.stringify(namespace)} (will retry after 5s): ${error.message}`,
      );
      if (deadline !== undefined && context.io.clock.monotonic() + retryMs > deadline)
        throw new Error(`error when evicting pods/${JSON.stringify(name)} -n ${JSON.stringify(namespace)}: global timeout reached`, {
          cause: error,
        });
      await context.io.clock.sleep(retryMs, context.io.signal);
    }
  }
}
