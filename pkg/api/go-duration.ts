const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go's durations (`1h30m`, `500ms`, `-1s`), and a bare `0`, in milliseconds; or, as a text, what is wrong, as Go says it. */
export function parseGoDuration(text: string): number | string {
  const quoted = JSON.stringify(text);
  const [, sign = '', digits = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (digits === '0') return 0;
  if (digits === '') return `time: invalid duration ${quoted}`;
  let sum = 0;
  let rest = digits;
  while (rest !== '') {
    const [all, number, unit] = /^((?:\d+\.?\d*|\.\d+))([^\d.]*)/.exec(rest) ?? [];
    if (all === undefined || number === undefined || unit === undefined) return `time: invalid duration ${quoted}`;
    if (unit === '') return `time: missing unit in duration ${quoted}`;
    const each = Object.hasOwn(units, unit) ? units[unit] : undefined;
    if (each === undefined) return `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`;
    sum += Number(number) * each;
    rest = rest.slice(all.length);
  }
  return sign === '-' ? -sum : sum;
}
