import { badRequest } from '../api/errors.ts';

/** `25%` of `total` or a plain number, as in maxSurge and minAvailable. Throws BadRequest for anything else. */
export function resolveIntOrPercent(value: number | string, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  if (percent === undefined) throw badRequest(`invalid value ${JSON.stringify(value)}: neither a number nor a percentage`);
  const share = (Number(percent) * total) / 100;
  return round === 'up' ? Math.ceil(share) : Math.floor(share);
}
