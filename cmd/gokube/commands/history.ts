import { homedir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import { isApiError } from '../../../pkg/api/errors.ts';
import type { ResourceRef } from '../../../pkg/api/object.ts';
import { createClient } from '../../../pkg/client/create-client.ts';
import { transportFromKubeconfig } from '../../../pkg/client/kubeconfig/kubeconfig-files.node.ts';
import { readHistory } from '../../../pkg/client/read-history.ts';
import { adminKubeconfigFile } from '../../../pkg/cluster/node/kubeconfig-context.ts';
import { Api } from '../../../pkg/kubectl/api.ts';
import { CommandError } from '../../../pkg/kubectl/failure.ts';
import { ResourceMapper } from '../../../pkg/kubectl/resource-mapper.ts';
import { chainsOf, type ObjectHistory } from '../../../pkg/trace/object-history.ts';
import { connectToCluster, dataDirectory } from '../cluster-directory.ts';
import { chainText, compareNeighbours, historyLines } from '../history-text.ts';
import { type ClusterFlags, parseCount, UserError, withClusterFlags } from '../program.ts';
import { Terminal } from '../terminal.ts';

interface HistoryFlags extends ClusterFlags {
  readonly namespace: string;
  readonly output?: 'json' | 'yaml';
  readonly revision?: number;
  readonly limit?: number;
  readonly diff: boolean;
  readonly showManagedFields?: boolean;
  readonly kubeconfig?: string;
}

export function historyCommand(): Command {
  return withClusterFlags(new Command('history'))
    .description('print what one object was, revision by revision: who wrote it, because of what, and what changed')
    .argument('<kind/name>', 'as with kubectl: deployment/web, po/web-1, configmaps/c; also KIND NAME')
    .argument('[name]')
    .option('-n, --namespace <namespace>', 'where the object is, or was', 'default')
    .addOption(new Option('-o, --output <format>', 'everything, for programs').choices(['json', 'yaml']))
    .option('--revision <n>', 'show the object as it was at this revision, as YAML', parseCount(1, Number.MAX_SAFE_INTEGER))
    .option('--limit <n>', 'the newest n revisions only', parseCount(1, 1_000_000))
    .addOption(
      new Option('--diff [true|false]', 'what changed from each revision to the next').default(true).argParser((text) => text !== 'false'),
    )
    .option('--show-managed-fields', 'in the differences, too')
    .option('--kubeconfig <file>', 'ask the server that this file names, instead of the cluster on this machine')
    .addHelpText(
      'after',
      `
Objects that have been deleted have their history too, as long as it is kept (gokube up --history, --history-size).

  gokube history deployment/web                what happened to it, and why
  gokube history pod/web-1 --limit 5           the last five changes
  gokube history cm/settings --revision 212    what it was then`,
    )
    .action(async (typed: string, name: string | undefined, flags: HistoryFlags) => {
      await print(typed, name, flags);
    });
}

async function print(typed: string, second: string | undefined, flags: HistoryFlags): Promise<void> {
  const [kind = '', first, ...more] = typed.split('/');
  const name = first ?? second;
  if (kind === '' || !name || more.length > 0 || (first !== undefined && second !== undefined))
    throw new UserError('one object is wanted', { hint: 'for example: gokube history deployment/web', exitCode: 2 });
  if (!flags.kubeconfig) await connectToCluster(flags);
  const file = flags.kubeconfig ?? join(dataDirectory(flags), adminKubeconfigFile);
  const transport = await transportFromKubeconfig({ explicit: file, home: homedir() });
  try {
    const client = createClient(transport, { agent: 'gokube' });
    const api = new Api(client, new AbortController().signal, () => {});
    const ref = await new ResourceMapper(api).one(kind);
    const namespace = ref.namespaced ? { namespace: flags.namespace } : {};
    // One more than asked for: what the first one changed shows beside the one before it.
    const limit = flags.limit === undefined || flags.revision !== undefined ? {} : { limit: flags.limit + 1 };
    show(await readHistory(client, ref, name, { ...namespace, ...limit }), ref, flags);
  } catch (error) {
    throw explain(error);
  } finally {
    transport.close();
  }
}

function show(history: ObjectHistory, ref: ResourceRef, flags: HistoryFlags): void {
  const { object, items, oldestRevision } = history;
  const called = `${ref.resource}/${object.name}${object.namespace === undefined ? '' : ` in namespace ${object.namespace}`}`;
  if (items.length === 0) {
    const kept = oldestRevision > 0 ? `; what was before revision ${oldestRevision} is not kept any more` : '';
    throw new UserError(`there is no ${called}, and there was none${kept}`, {
      hint: `see what is there with: gokube kubectl get ${ref.resource}${object.namespace === undefined ? '' : ' -A'}`,
    });
  }
  if (flags.revision !== undefined) {
    process.stdout.write(serialized(standingAt(history, called, flags.revision), flags.output ?? 'yaml'));
    return;
  }
  const all = compareNeighbours(history, flags.showManagedFields ?? false);
  const compared = flags.limit === undefined ? all : all.slice(-flags.limit);
  const earlier = history.earlier || compared.length < all.length;
  if (flags.output) {
    const items = compared.map(({ changes, ...item }) => {
      const because = chainsOf(history, item).map((chain) => chainText(chain));
      return { ...item, because, ...(flags.diff && changes ? { changes } : {}) };
    });
    process.stdout.write(serialized({ ...history, earlier, items }, flags.output));
    return;
  }
  const terminal = new Terminal(process.stdout);
  const lines = historyLines({ ...history, earlier }, compared, {
    diff: flags.diff,
    now: Date.now(),
    width: process.stdout.columns ?? 160,
    paint: (code, text) => terminal.paint(code, text),
  });
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** The object as it stood at a revision, whether or not it was written at that very one. */
function standingAt({ items, revision, oldestRevision }: ObjectHistory, called: string, asked: number): object {
  if (asked > revision) throw new UserError(`revision ${asked} has not been written yet; the newest one is ${revision}`);
  const item = items.findLast((each) => each.revision <= asked);
  if (item?.object) return item.object;
  const known = items
    .map((each) => `@${each.revision} ${each.type}`)
    .slice(-8)
    .join(', ');
  if (asked < oldestRevision)
    throw new UserError(`revision ${asked} is not kept any more; the oldest one is ${oldestRevision}`, {
      hint: `known of ${called}: ${known}`,
    });
  throw new UserError(`at revision ${asked} there was no ${called}${item ? `: it had been deleted at ${item.revision}` : ''}`, {
    hint: `known of it: ${known}`,
  });
}

function serialized(value: unknown, format: 'json' | 'yaml'): string {
  return format === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : stringify(value, { aliasDuplicateObjects: false });
}

function explain(error: unknown): unknown {
  if (error instanceof CommandError) return new UserError(error.message);
  if (isApiError(error)) return new UserError(`the server refuses: ${error.message}`, { cause: error });
  return error;
}
