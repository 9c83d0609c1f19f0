const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds as they are, or text such as `30s`, `5m`, `1h30m`. Throws on anything else. */
export function parseTime(time: number | string): number {
  if (typeof time === 'number') return time;
  const parts = [...time.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== time)
    throw new Error(`${JSON.stringify(time)} is no duration; write 30s, 5m or 1h30m`);
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (units[unit as string] as number), 0);
}
