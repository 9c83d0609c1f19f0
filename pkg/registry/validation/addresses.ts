/** Addresses and blocks of them, in the ways in which they may be written. */
import { invalidField } from '../../runtime/field-errors.ts';
import { formatIp, parseCidr, parseIp } from '../ip-address.ts';
import { text } from '../raw.ts';
import type { Rule } from './rules.ts';

const badCidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
export const cidr: Rule = (value, path, report) => {
  if (!parseCidr(text(value))) report(invalidField(path, value, badCidr));
};

const badIp = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
export const ipAddress: Rule = (value, path, report) => {
  if (!parseIp(text(value))) report(invalidField(path, value, badIp));
};

/** As a name: only the one way of writing it. */
export function ipName(name: string): string[] {
  const ip = parseIp(name);
  if (!ip) return [badIp];
  return formatIp(ip) === name ? [] : [`must be in canonical form (${JSON.stringify(formatIp(ip))})`];
}
