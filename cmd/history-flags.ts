import { type Command, InvalidArgumentError, Option } from 'commander';
import type { HistoryLimits } from '../pkg/storage/compactor.ts';
import { parseDuration } from './gokube/program.ts';

export interface HistoryFlags {
  readonly history: number;
  readonly historySize: number;
}

/** What Kubernetes' API server keeps: paged lists and watches that were cut off need it. */
const least = 5 * 60_000;

/** How much of the past a cluster keeps. */
export function withHistoryFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--history <duration>',
        'how long the past can be read: 24h, 7d; off: 5m, as Kubernetes; forever: as long as --history-size allows',
      )
        .env('GOKUBE_HISTORY')
        .argParser(parseHistory)
        .default(24 * 3_600_000, '24h'),
    )
    .addOption(
      new Option('--history-size <size>', 'of the whole store: beyond, its past is cut by halves; unlimited: however large it grows')
        .env('GOKUBE_HISTORY_SIZE')
        .argParser(parseSize)
        .default(2 ** 30, '1GiB'),
    );
}

export function historyLimits({ history, historySize }: HistoryFlags): HistoryLimits {
  return { age: history, ...(historySize === Number.POSITIVE_INFINITY ? {} : { bytes: historySize }) };
}

function parseHistory(text: string): number {
  if (text === 'off' || /^0+[smhd]?$/.test(text)) return least;
  if (text === 'forever') return Number.POSITIVE_INFINITY;
  const days = /^(\d+)d(.*)$/.exec(text);
  try {
    return days ? Number(days[1]) * 86_400_000 + (days[2] ? parseDuration(days[2]) : 0) : parseDuration(text);
  } catch {
    throw new InvalidArgumentError('a duration such as 30m, 24h or 7d is wanted, or off, or forever.');
  }
}

const units: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
};

function parseSize(text: string): number {
  if (text === 'unlimited') return Number.POSITIVE_INFINITY;
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(text) ?? [];
  const size = number === '' ? 0 : Math.floor(Number(number) * (units[unit] ?? 0));
  if (size < 2 ** 20) throw new InvalidArgumentError('a size of 1MiB or more is wanted, such as 512MiB or 1GiB; or unlimited.');
  return size;
}
