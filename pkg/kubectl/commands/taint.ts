import type { Taint } from '../../api/generated/core-v1.ts';
import { type Command, dryRunFlag, dryRunOf, dryRunSuffix, selectorFlag } from '../command.ts';
import { CommandError } from '../failure.ts';
import { nodesOf } from './cordon.ts';

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export const taint: Command = {
  name: 'taint',
  short: 'Set or take away taints of nodes',
  usage: 'NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N',
  examples: 'kubectl taint nodes node-1 dedicated=db:NoSchedule\nkubectl taint nodes node-1 dedicated-',
  flags: [
    selectorFlag,
    dryRunFlag,
    { name: 'all', kind: 'bool', help: 'All nodes.' },
    { name: 'overwrite', kind: 'bool', help: 'Replace taints that are there.' },
  ],
  async run(context, { flags, args }) {
    const [type, ...words] = args;
    if (type === undefined || !/^(nodes?|no)$/.test(type))
      throw new CommandError(`invalid resource type ${type ?? ''}, only node(s) is supported`);
    const isChange = (word: string): boolean => /[=:]|-$/.test(word);
    const first = words.findIndex(isChange);
    if (first < 0) throw new CommandError('at least one taint update is required');
    const { added, removed } = parseTaints(words.slice(first));
    const dryRun = dryRunOf(flags);
    const nodes = flags.bool('all')
      ? await nodesOf(
          context,
          (await context.api.list(await context.mapper.one('nodes'), undefined)).items.map(({ metadata }) => metadata.name),
          flags,
        )
      : await nodesOf(context, words.slice(0, first), flags);
    for (const { target, node } of nodes) {
      const name = node.metadata.name;
      const before = node.spec.taints ?? [];
      const clash = added.find((each) => before.some((other) => sameTaint(each, other)));
      if (clash && !flags.bool('overwrite'))
        throw new CommandError(`node ${name} already has ${clash.key} taint(s) with same effect(s) and --overwrite is false`);
      const missing = removed.find((each) => !before.some((other) => matches(each, other)));
      if (missing)
        throw new CommandError(`taint ${JSON.stringify(missing.effect ? `${missing.key}:${missing.effect}` : missing.key)} not found`);
      const kept = before.filter((other) => !removed.some((each) => matches(each, other)) && !added.some((each) => sameTaint(each, other)));
      const taints = [...kept, ...added];
      if (dryRun !== 'client') {
        // The whole list, with the revision it was read at: somebody else's change is not undone.
        const body = { metadata: { resourceVersion: node.metadata.resourceVersion }, spec: { taints } };
        await context.api.patch(target.info, target, 'merge', body, {
          fieldManager: 'kubectl-taint',
          dryRun: dryRun === 'server' ? 'All' : undefined,
        });
      }
      const done = added.length === 0 ? 'untainted' : removed.length === 0 ? 'tainted' : 'modified';
      await context.print(`node/${name} ${done}${dryRunSuffix(dryRun)}`);
    }
    return 0;
  },
};

interface Removal {
  readonly key: string;
  readonly effect: string | undefined;
}

function parseTaints(words: readonly string[]): { added: Taint[]; removed: Removal[] } {
  const added: Taint[] = [];
  const removed: Removal[] = [];
  for (const word of words) {
    if (word.endsWith('-')) {
      const [key = '', effect] = word.slice(0, -1).split(':');
      removed.push({ key: key.replace(/=.*/, ''), effect });
      continue;
    }
    const match = /^([^=:]+)(?:=([^:]*))?:(.+)$/.exec(word);
    if (!match) throw new CommandError(`invalid taint spec: ${word}`);
    const [, key = '', value, effect = ''] = match;
    if (!effects.includes(effect)) throw new CommandError(`invalid taint effect: ${effect}, unsupported taint effect`);
    added.push({ key, effect, ...(value ? { value } : {}) });
  }
  return { added, removed };
}

const sameTaint = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;
const matches = ({ key, effect }: Removal, taint: Taint): boolean => taint.key === key && (effect === undefined || taint.effect === effect);
