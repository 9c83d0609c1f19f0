/** What changed in an object, as lines that keep to the width of a terminal. */
import type { FieldChange } from '../../pkg/runtime/field-diff.ts';
import type { Terminal } from './terminal.ts';

export interface ChangeTextOptions {
  /** Characters in a line. */
  readonly width: number;
  readonly paint: Terminal['paint'];
  /** Values of these fields are not shown, only how long they are. */
  isSecret?(path: string): boolean;
}

const indent = '        ';
const added = '      + ';
const removed = '      - ';
/** What is left for a value where paths are long and lines are short. */
const leastRoom = 16;

export function changeLines(changes: readonly FieldChange[], options: ChangeTextOptions): string[] {
  return changes.flatMap((change) => linesOf(change, options));
}

/** `path: before → after` where there is room for both, else one below the other. */
function linesOf(change: FieldChange, { width, paint, isSecret }: ChangeTextOptions): string[] {
  const text = isSecret?.(change.path) ? hiddenText : valueText;
  const room = Math.max(leastRoom, width - indent.length - change.path.length - 2);
  const green = (value: string): string => paint('32', value);
  const red = (value: string): string => paint('31', value);
  if (!('before' in change)) return [`${green(added)}${change.path}: ${green(cut(text(change.after), room))}`];
  if (!('after' in change)) return [`${red(removed)}${change.path}: ${red(cut(text(change.before), room))}`];
  const [before, after] = [text(change.before), text(change.after)];
  if (before.length + after.length + 3 <= room) return [`${indent}${change.path}: ${red(before)} → ${green(after)}`];
  const [shortBefore, shortAfter] = cutTogether(before, after, Math.max(leastRoom, width - indent.length - 2));
  return [`${indent}${change.path}:`, `${red(`${removed}  ${shortBefore}`)}`, `${green(`${added}  ${shortAfter}`)}`];
}

/** A value in one line: text as it is where that is clear, else JSON. */
function valueText(value: unknown): string {
  return typeof value === 'string' && /^[^\s"'{[][^\n]*$/.test(value) ? value : JSON.stringify(value);
}

function hiddenText(value: unknown): string {
  return `*** (${String(valueText(value)).length} characters)`;
}

function cut(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}

/** Cuts two texts so that where they begin to differ can be seen. */
function cutTogether(before: string, after: string, room: number): [string, string] {
  if (before.length <= room && after.length <= room) return [before, after];
  let same = 0;
  while (same < before.length && before[same] === after[same]) same++;
  const from = Math.max(0, same - Math.floor(room / 3));
  const tail = (text: string): string => cut(from === 0 ? text : `…${text.slice(from + 1)}`, room);
  return [tail(before), tail(after)];
}

/** Breaks a text into lines at its spaces; the first one begins with `begin`, the others are as far in. */
export function wrapped(begin: string, text: string, width: number): string[] {
  const lines = [begin];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string;
    const empty = line.length === begin.length;
    if (!empty && line.length + 1 + word.length > width) lines.push(' '.repeat(begin.length) + word);
    else lines[lines.length - 1] = `${line}${empty ? '' : ' '}${word}`;
  }
  return lines;
}
