import { isNotFound } from '../../api/errors.ts';
import type { Node } from '../../api/generated/core-v1.ts';
import { quantityMillis, quantityValue } from '../../api/quantity.ts';
import { allNamespacesFlag, type Command, type CommandContext, selectorFlag } from '../command.ts';
import { CommandError } from '../failure.ts';
import { formatTable } from '../output/table.ts';

const group = '/apis/metrics.k8s.io/v1beta1';
const mebibyte = 1024 * 1024;

interface Usage {
  readonly cpu: string;
  readonly memory: string;
}
interface NodeMetrics {
  readonly metadata: { readonly name: string };
  readonly usage: Usage;
}
interface PodMetrics {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly containers: readonly { readonly name: string; readonly usage: Usage }[];
}

const commonFlags = [
  selectorFlag,
  { name: 'no-headers', kind: 'bool', help: 'No line with the names of columns.' },
  { name: 'sort-by', kind: 'string', help: 'cpu or memory.' },
] as const;

const nodes: Command = {
  name: 'node',
  aliases: ['nodes', 'no'],
  short: 'What nodes use',
  usage: '[NAME | -l label]',
  flags: [...commonFlags],
  async run(context, { args, flags }) {
    const info = await context.mapper.one('nodes');
    const found = await metrics<NodeMetrics>(context, args[0] ? `/nodes/${args[0]}` : '/nodes', flags.optional('selector'));
    const byName = new Map(
      ((await context.api.list(info, undefined)).items as unknown as Node[]).map((node) => [node.metadata.name, node]),
    );
    const rows = found.map(({ metadata, usage }) => {
      const allocatable = byName.get(metadata.name)?.status.allocatable ?? {};
      const cpu = quantityMillis(usage.cpu);
      const memory = quantityValue(usage.memory);
      const share = (used: number, of: number): string => (of > 0 ? `${Math.floor((used * 100) / of)}%` : '<unknown>');
      return {
        name: metadata.name,
        cpu,
        memory,
        cells: [
          metadata.name,
          `${cpu}m`,
          share(cpu, quantityMillis(allocatable['cpu'])),
          `${Math.floor(memory / mebibyte)}Mi`,
          share(memory, quantityValue(allocatable['memory'])),
        ],
      };
    });
    const heads = ['NAME', 'CPU(cores)', 'CPU(%)', 'MEMORY(bytes)', 'MEMORY(%)'];
    await show(context, flags, heads, rows);
    return 0;
  },
};

const pods: Command = {
  name: 'pod',
  aliases: ['pods', 'po'],
  short: 'What pods use',
  usage: '[NAME | -l label]',
  flags: [...commonFlags, allNamespacesFlag, { name: 'containers', kind: 'bool', help: 'Each container by itself.' }],
  async run(context, { args, flags }) {
    const everywhere = flags.bool('all-namespaces');
    const within = everywhere ? '' : `/namespaces/${context.namespace}`;
    const found = await metrics<PodMetrics>(context, `${within}/pods${args[0] ? `/${args[0]}` : ''}`, flags.optional('selector'));
    const rows = found.flatMap(({ metadata, containers }) => {
      const lead = everywhere ? [metadata.namespace] : [];
      const row = (cells: string[], used: readonly Usage[]) => {
        const cpu = used.reduce((sum, usage) => sum + quantityMillis(usage.cpu), 0);
        const memory = used.reduce((sum, usage) => sum + quantityValue(usage.memory), 0);
        return { name: cells.join('/'), cpu, memory, cells: [...cells, `${cpu}m`, `${Math.floor(memory / mebibyte)}Mi`] };
      };
      if (flags.bool('containers')) return containers.map(({ name, usage }) => row([...lead, metadata.name, name], [usage]));
      return [
        row(
          [...lead, metadata.name],
          containers.map(({ usage }) => usage),
        ),
      ];
    });
    if (rows.length === 0) {
      await context.warn(everywhere ? 'No resources found' : `No resources found in ${context.namespace} namespace.`);
      return 0;
    }
    const heads = [
      ...(everywhere ? ['NAMESPACE'] : []),
      ...(flags.bool('containers') ? ['POD', 'NAME'] : ['NAME']),
      'CPU(cores)',
      'MEMORY(bytes)',
    ];
    await show(context, flags, heads, rows);
    return 0;
  },
};

export const top: Command = { name: 'top', short: 'Show what nodes or pods use of CPU and memory', subcommands: [nodes, pods] };

async function metrics<T>(context: CommandContext, path: string, labelSelector: string | undefined): Promise<readonly T[]> {
  try {
    await context.api.json(group);
  } catch (error) {
    if (isNotFound(error)) throw new CommandError('Metrics API not available', { cause: error });
    throw error;
  }
  const answer = (await context.api.json(group + path, { query: { labelSelector } })) as { items?: readonly T[] } & T;
  return answer.items ?? [answer];
}

interface Row {
  readonly name: string;
  readonly cpu: number;
  readonly memory: number;
  readonly cells: readonly string[];
}

async function show(
  context: CommandContext,
  flags: { bool(name: string): boolean; string(name: string): string },
  heads: readonly string[],
  rows: readonly Row[],
): Promise<void> {
  const by = flags.string('sort-by');
  if (!['', 'cpu', 'memory'].includes(by)) throw new CommandError('--sort-by accepts only cpu or memory');
  const sorted = [...rows].sort(
    (a, b) => (by === 'cpu' ? b.cpu - a.cpu : by === 'memory' ? b.memory - a.memory : 0) || (a.name < b.name ? -1 : 1),
  );
  await context.io.stdout(formatTable([...(flags.bool('no-headers') ? [] : [heads]), ...sorted.map(({ cells }) => cells)]));
}
