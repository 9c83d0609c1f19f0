/** Timestamps and durations as text, and what a calendar says of a moment. */
import { CelError, Duration, Timestamp } from './value.ts';

const billion = 1_000_000_000n;

const timestamp = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?([Zz]|[+-]\d\d:\d\d)$/;

/** RFC 3339. */
export function parseTimestamp(text: string): Timestamp {
  const found = timestamp.exec(text);
  const moment = found ? momentOf(found) : undefined;
  if (!found || moment === undefined) throw new CelError(`invalid timestamp "${text}"`);
  const fraction = BigInt((found[7] ?? '').slice(0, 9).padEnd(9, '0'));
  return new Timestamp(BigInt(moment) * 1_000_000n + fraction, offsetMinutes(found[8] ?? 'Z'));
}

/** In milliseconds. */
function momentOf([, year, month, day, hour, minute, second, , zone]: RegExpExecArray): number | undefined {
  const fields = [year, month, day, hour, minute, second].map(Number) as [number, number, number, number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(fields[0], fields[1] - 1, fields[2]);
  date.setUTCHours(fields[3], fields[4], fields[5]);
  const back = [
    date.getUTCFullYear(),
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  ];
  // A date that does not exist has become another one.
  if (back.some((value, index) => value !== fields[index])) return undefined;
  const offset = offsetMinutes(zone ?? 'Z');
  return offset === undefined ? undefined : date.getTime() - offset * 60_000;
}

/** `+02:00`, `Z`; undefined for anything else. */
function offsetMinutes(zone: string): number | undefined {
  if (/^(z|utc)?$/i.test(zone)) return 0;
  const found = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (!found || Number(found[2]) > 23 || Number(found[3]) > 59) return undefined;
  return (found[1] === '-' ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3]));
}

/** `2026-11-29`. */
export function parseDate(text: string): Timestamp {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) throw new CelError(`Invalid date formatted string ${text}`);
  return parseTimestamp(`${text}T00:00:00Z`);
}

export function formatTimestamp({ nanos, offset }: Timestamp): string {
  const fraction = ((nanos % billion) + billion) % billion;
  const local = Number((nanos - fraction) / 1_000_000n) + offset * 60_000;
  const whole = new Date(local).toISOString().replace(/\.000Z$/, '');
  return `${whole}${fractionOf(fraction)}${zoneOf(offset)}`;
}

function zoneOf(offset: number): string {
  if (offset === 0) return 'Z';
  const size = Math.abs(offset);
  const two = (count: number): string => String(count).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

const fractionOf = (nanos: bigint): string => (nanos === 0n ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`);

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: billion,
  m: 60n * billion,
  h: 3600n * billion,
};

/** As Go writes durations: `1h30m`, `-1.5s`. Undefined for anything else. */
function goDuration(text: string): Duration | undefined {
  const found = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  if (!found || text.length > 128) return undefined;
  let nanos = 0n;
  for (const [, whole = '', fraction = '', unit = 's'] of (found[2] ?? '').matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g)) {
    const size = units[unit] ?? 1n;
    nanos += BigInt(whole || '0') * size + (BigInt(fraction || '0') * size) / 10n ** BigInt(fraction.length);
  }
  return new Duration(found[1] === '-' ? -nanos : nanos);
}

export function parseDuration(text: string): Duration {
  const duration = goDuration(text);
  if (!duration) throw new CelError(`time: invalid duration ${JSON.stringify(text)}`);
  return duration;
}

const longUnits: readonly (readonly [RegExp, bigint])[] = [
  [/^(ns|nanos?|nanoseconds?)$/, 1n],
  [/^(us|µs|micros?|microseconds?)$/, 1000n],
  [/^(ms|millis?|milliseconds?)$/, 1_000_000n],
  [/^(s|secs?|seconds?)$/, billion],
  [/^(m|mins?|minutes?)$/, 60n * billion],
  [/^(h|hrs?|hours?)$/, 3600n * billion],
  [/^(d|days?)$/, 86_400n * billion],
  [/^(w|wks?|weeks?)$/, 604_800n * billion],
];

/** What OpenAPI's format `duration` takes: Go's durations, and `3 days`. */
export function parseLooseDuration(text: string): Duration {
  const found = /^\s*(\d+)\s*([a-zµ]+)\s*$/i.exec(text);
  const unit = found && longUnits.find(([pattern]) => pattern.test((found[2] ?? '').toLowerCase()))?.[1];
  const duration = goDuration(text) ?? (found && unit ? new Duration(BigInt(found[1] ?? '0') * unit) : undefined);
  if (!duration) throw new CelError(`Invalid duration ${text}: unable to parse ${text} as duration`);
  return duration;
}

/** In seconds: `5400s`, `1.5s`. */
export function formatDuration({ nanos }: Duration): string {
  const size = nanos < 0n ? -nanos : nanos;
  return `${nanos < 0n ? '-' : ''}${size / billion}${fractionOf(size % billion)}s`;
}

export interface CalendarFields {
  readonly year: number;
  /** From 0. */
  readonly month: number;
  /** From 1. */
  readonly day: number;
  readonly dayOfYear: number;
  /** From 0: Sunday. */
  readonly dayOfWeek: number;
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
  readonly milliseconds: number;
}

/** `zone`: `America/New_York`, `-08:00`; UTC if left out. */
export function calendarFields({ nanos }: Timestamp, zone = ''): CalendarFields {
  const fraction = ((nanos % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const moment = Number((nanos - fraction) / 1_000_000n);
  const offset = offsetMinutes(zone);
  const local = new Date(offset === undefined ? moment + namedOffset(moment, zone) : moment + offset * 60_000);
  const newYear = new Date(local);
  newYear.setUTCMonth(0, 1);
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth(),
    day: local.getUTCDate(),
    dayOfYear: Math.round((local.getTime() - newYear.getTime()) / 86_400_000),
    dayOfWeek: local.getUTCDay(),
    hours: local.getUTCHours(),
    minutes: local.getUTCMinutes(),
    seconds: local.getUTCSeconds(),
    milliseconds: local.getUTCMilliseconds(),
  };
}

const zones = new Map<string, Intl.DateTimeFormat>();

function namedOffset(moment: number, zone: string): number {
  const format = zones.get(zone) ?? zoneFormat(zone);
  const parts = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const shown = new Date(0);
  shown.setUTCFullYear(year, month - 1, day);
  shown.setUTCHours(hour % 24, minute, second, ((moment % 1000) + 1000) % 1000);
  return shown.getTime() - moment;
}

function zoneFormat(zone: string): Intl.DateTimeFormat {
  try {
    const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
    const format = new Intl.DateTimeFormat('en-US', { ...fields, hourCycle: 'h23', timeZone: zone });
    if (zones.size > 100) zones.clear();
    zones.set(zone, format);
    return format;
  } catch (cause) {
    throw new CelError(`unknown time zone ${zone}`, { cause });
  }
}
