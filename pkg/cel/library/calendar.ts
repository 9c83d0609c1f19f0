/** What a timestamp's calendar says, in UTC or a time zone, and what a duration amounts to. */
import { type CalendarFields, calendarFields } from '../values/time.ts';
import type { Duration, Timestamp } from '../values/value.ts';
import { m, type Overload } from './overload.ts';

const fields: Readonly<Record<string, (fields: CalendarFields) => number>> = {
  getFullYear: ({ year }) => year,
  getMonth: ({ month }) => month,
  getDayOfYear: ({ dayOfYear }) => dayOfYear,
  getDayOfMonth: ({ day }) => day - 1,
  getDate: ({ day }) => day,
  getDayOfWeek: ({ dayOfWeek }) => dayOfWeek,
  getHours: ({ hours }) => hours,
  getMinutes: ({ minutes }) => minutes,
  getSeconds: ({ seconds }) => seconds,
  getMilliseconds: ({ milliseconds }) => milliseconds,
};

const units: Readonly<Record<string, bigint>> = {
  getHours: 3_600_000_000_000n,
  getMinutes: 60_000_000_000n,
  getSeconds: 1_000_000_000n,
  getMilliseconds: 1_000_000n,
};

export const calendar: readonly Overload[] = [
  ...Object.entries(fields).flatMap(([name, read]) => [
    m(name, '(timestamp) -> int', (args: readonly [Timestamp]) => BigInt(read(calendarFields(args[0])))),
    m(name, '(timestamp, string) -> int', (args: readonly [Timestamp, string]) => BigInt(read(calendarFields(args[0], args[1])))),
  ]),
  ...Object.entries(units).map(([name, size]) => m(name, '(duration) -> int', (args: readonly [Duration]) => args[0].nanos / size)),
];
