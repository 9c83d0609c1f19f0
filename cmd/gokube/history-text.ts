/** The history of an object, as lines for people. */
import { humanDuration } from '../../pkg/registry/tables/human-duration.ts';
import { type FieldChange, fieldDiff } from '../../pkg/runtime/field-diff.ts';
import type { WriteRecord } from '../../pkg/trace/cause.ts';
import { type CauseStep, chainsOf, type ObjectHistory, type PastRevision, type PastWrite } from '../../pkg/trace/object-history.ts';
import { changeLines, wrapped } from './change-lines.ts';
import type { Terminal } from './terminal.ts';

export interface HistoryTextOptions {
  readonly diff: boolean;
  readonly now: number;
  /** Characters in a line: longer values are cut, and chains go on in the next one. */
  readonly width: number;
  readonly paint: Terminal['paint'];
}

/** A revision with what it changed; the first one of a history that is cut has nothing to be compared with. */
export interface ComparedRevision extends PastRevision {
  readonly changes: readonly FieldChange[] | undefined;
}

/** Each revision beside the one before it. */
export function compareNeighbours(history: ObjectHistory, managedFields: boolean): ComparedRevision[] {
  return history.items.map((item, at) => {
    const before = history.items[at - 1];
    if (item.type !== 'updated' || !item.object) return { ...item, changes: undefined };
    return { ...item, changes: before?.object ? fieldDiff(before.object, item.object, { managedFields }) : undefined };
  });
}

/** Chains shown of one revision, and steps of each; -o json has them all. */
const mostChains = 2;
const mostSteps = 6;

export function historyLines(history: ObjectHistory, items: readonly ComparedRevision[], options: HistoryTextOptions): string[] {
  const { object, oldestRevision, earlier } = history;
  const { paint } = options;
  const where = object.namespace === undefined ? '' : ` in namespace ${object.namespace}`;
  const lines = [paint('1', `${object.kind}/${object.name}${where}`)];
  if (earlier) lines.push(paint('2', '(earlier revisions are kept too: --limit shows more)'));
  else if (oldestRevision > 0 && items[0]?.type !== 'created')
    lines.push(paint('2', `(what was before revision ${oldestRevision} is not kept any more: gokube up --history, --history-size)`));
  for (const item of items) lines.push('', ...revisionLines(history, item, options));
  return lines;
}

function revisionLines(history: ObjectHistory, item: ComparedRevision, options: HistoryTextOptions): string[] {
  const { paint, now, width } = options;
  const { record } = item;
  const colour = { created: '32', updated: '33', deleted: '31' }[item.type];
  const when = record ? `${clockTime(record.time, now)} (${humanDuration(now - record.time)} ago)` : '';
  const plain = [`@${item.revision}`, item.type, when].filter((part) => part !== '').join('  ');
  const who = record ? whoOf(record) : 'by a program that keeps no records';
  const head = plain.replace(/^(@\d+) {2}(\w+)/, (_, at: string, type: string) => `${paint('1', at)}  ${paint(colour, type)}`);
  const fits = plain.length + 2 + who.length <= width;
  const lines = fits ? [`${head}  ${who}`] : [head, ...wrapped('    ', who, width)];
  const chains = chainsOf(history, item);
  for (const chain of chains.slice(0, mostChains)) lines.push(...wrapped(because, chainText(chain, mostSteps), width));
  if (chains.length > mostChains) lines.push(paint('2', `${' '.repeat(because.length)}and ${chains.length - mostChains} more: -o json`));
  if (options.diff && item.type === 'updated') lines.push(...changesOf(history, item, options));
  return lines;
}

const because = '    because  ';

/** `apply by kubernetes-admin with kubectl`. */
function whoOf({ verb, actor, agent }: WriteRecord): string {
  return `${verb} by ${actor}${agent === undefined || agent === '' ? '' : ` with ${agent}`}`;
}

/**
 * `kubectl apply → Deployment/web@101 → ReplicaSet/web-5d9f@102`. Steps of one object in a row are one, and of a long
 * way its middle is left out.
 */
export function chainText(chain: readonly CauseStep[], most = Number.POSITIVE_INFINITY): string {
  const record = chain[0]?.write?.record;
  const steps: { readonly what: string; readonly from: number; to: number }[] = [];
  for (const { revision, write } of chain) {
    const what = write ? writtenText(write) : 'something not kept any more';
    const last = steps.at(-1);
    if (last?.what === what) last.to = revision;
    else steps.push({ what, from: revision, to: revision });
  }
  const texts = steps.map(({ what, from, to }) => `${what}@${from}${to === from ? '' : `-${to}`}`);
  const left = texts.length - most;
  if (left > 1) texts.splice(Math.ceil(most / 2), left, `(${left} steps)`);
  return [...(record ? [`${record.agent ?? record.actor} ${record.verb}`] : []), ...texts].join(' → ');
}

function writtenText({ objects, hidden }: PastWrite): string {
  const [first, ...others] = objects;
  if (!first) return hidden ? 'something that you may not read' : 'something of a kind that is gone';
  return `${first.kind}/${first.name}${others.length > 0 ? ` and ${others.length} more` : ''}`;
}

function changesOf({ object }: ObjectHistory, { changes }: ComparedRevision, { paint, width }: HistoryTextOptions): string[] {
  if (!changes) return [paint('2', '      (the revision before it is not kept any more: nothing to compare with)')];
  if (changes.length === 0) return [paint('2', '      (nothing but bookkeeping: managedFields)')];
  const secret = object.kind === 'Secret' && object.apiVersion === 'v1';
  return changeLines(changes, { paint, width, ...(secret ? { isSecret: holdsSecret } : {}) });
}

/** Where the values of a Secret stand; kubectl's annotation repeats them. */
function holdsSecret(path: string): boolean {
  return /^(data|stringData)\b/.test(path) || path.includes('last-applied-configuration');
}

/** `12:03:11`, with the day in front unless it is today's. */
function clockTime(time: number, now: number): string {
  const local = (ms: number): string => {
    const date = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
    return date.toISOString();
  };
  const [day = '', clock = ''] = local(time).split('T');
  return day === local(now).split('T')[0] ? clock.slice(0, 8) : `${day} ${clock.slice(0, 8)}`;
}
