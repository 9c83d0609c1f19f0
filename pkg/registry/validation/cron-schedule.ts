/**
 * The syntax of a CronJob's schedule, and what is wrong with one, in the words of Kubernetes' parser (robfig/cron):
 * five fields of lists of ranges with steps, or a descriptor.
 */
interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const bounds: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] },
  { min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

const descriptors = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);

/** As Go writes one: `1h30m`, `1.5s`. */
const duration = /^[+-]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;

/** The first fault, or undefined. A time zone in front is passed over: whether it may stand there is another question. */
export function scheduleFault(schedule: string): string | undefined {
  const spec = schedule.replace(/^(?:CRON_)?TZ=\S*\s*/, '').trim();
  if (spec === '') return 'empty spec string';
  if (spec.startsWith('@')) return descriptorFault(spec);
  const given = spec.split(/\s+/);
  if (given.length !== bounds.length) return `expected exactly 5 fields, found ${given.length}: [${given.join(' ')}]`;
  for (const [i, field] of given.entries()) {
    // Empty elements of a list are none: `1,,2`.
    for (const range of field.split(',').filter((part) => part !== '')) {
      const fault = rangeFault(range, bounds[i] as Bounds);
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

function descriptorFault(spec: string): string | undefined {
  if (descriptors.has(spec)) return undefined;
  const every = '@every ';
  if (!spec.startsWith(every)) return `unrecognized descriptor: ${spec}`;
  const length = spec.slice(every.length);
  return duration.test(length) ? undefined : `failed to parse duration ${spec}: time: invalid duration ${JSON.stringify(length)}`;
}

function rangeFault(expression: string, { min, max, names }: Bounds): string | undefined {
  const [range = '', step, ...moreSteps] = expression.split('/');
  const [low = '', high, ...moreEnds] = range.split('-');
  let start: number | string = min;
  let end: number | string = max;
  if (low !== '*' && low !== '?') {
    start = numberOf(low, names);
    if (typeof start === 'string') return start;
    if (moreEnds.length > 0) return `too many hyphens: ${expression}`;
    // `5/15` goes on to the end.
    end = high === undefined ? (step === undefined ? start : max) : numberOf(high, names);
    if (typeof end === 'string') return end;
  }
  if (moreSteps.length > 0) return `too many slashes: ${expression}`;
  const stride = step === undefined ? 1 : numberOf(step);
  if (typeof stride === 'string') return stride;
  if (start < min) return `beginning of range (${start}) below minimum (${min}): ${expression}`;
  if (end > max) return `end of range (${end}) above maximum (${max}): ${expression}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${expression}`;
  if (stride === 0) return `step of range should be a positive number: ${expression}`;
  return undefined;
}

/** The number, or what is wrong with it. */
function numberOf(given: string, names?: readonly string[]): number | string {
  const named = names?.indexOf(given.toLowerCase()) ?? -1;
  if (named >= 0 && given !== '') return named;
  if (!/^[+-]?\d+$/.test(given)) return `failed to parse int from ${given}: strconv.Atoi: parsing ${JSON.stringify(given)}: invalid syntax`;
  const number = Number(given);
  return number < 0 ? `negative number (${number}) not allowed: ${given}` : number;
}

const zonePart = /^[A-Za-z._0-9+][A-Za-z._0-9+-]{0,13}$/;

/** What is wrong with the name of a time zone. The platform's own table of zones decides whether it exists. */
export function timeZoneFault(zone: string): string | undefined {
  if (zone === '') return 'timeZone must be nil or non-empty string';
  const unknown = `unknown time zone ${zone}`;
  if (zone.split('/').some((part) => part === '.' || part === '..' || !zonePart.test(part))) return unknown;
  if (zone.toLowerCase() === 'local') {
    return 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
  }
  return isZone(zone) ? undefined : unknown;
}

/** Offsets are zones in JavaScript, but have no names. */
function isZone(zone: string): boolean {
  if (/^[+-]/.test(zone)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
