import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { invalidField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import type { Cidr } from '../ip-address.ts';
import { parseIp } from '../ip-address.ts';
import { objectAt, type Raw, strings, text } from '../raw.ts';
import { checkClusterIps } from '../validation/service-addresses.ts';
import { collect, type Report } from '../validation/validator.ts';

interface SettleCall {
  /** Of the service as it is. */
  readonly old: Raw | undefined;
  readonly cidrs: readonly Cidr[];
}

const other = (family: string | undefined): string => (family === 'IPv4' ? 'IPv6' : 'IPv4');
const isSingle = (spec: Raw): boolean => spec['ipFamilyPolicy'] === 'SingleStack';

/**
 * `ipFamilies` and `ipFamilyPolicy`, where they are not stated: the cluster's preferred family, or that of the
 * addresses asked for; both when the policy wants two. Says why that cannot be, and then has settled nothing.
 * https://kubernetes.io/docs/concepts/services-networking/dual-stack/
 */
export function settleFamilies(service: Raw, { old, cidrs }: SettleCall): StatusCause[] {
  const spec = objectAt(service['spec']);
  if (spec['type'] === 'ExternalName') return [];
  const before = old && objectAt(old['spec']);
  const served = cidrs.map((cidr) => cidr.family);
  const selectorless = spec['clusterIP'] === 'None' && Object.keys(objectAt(spec['selector'])).length === 0;
  if (before && isKeptDual(spec, before)) return [];
  // Nobody knows of a headless service without selector where its endpoints will be.
  spec['ipFamilyPolicy'] ??= before?.['ipFamilyPolicy'] ?? (selectorless ? 'RequireDualStack' : 'SingleStack');
  const contradictions = collect(service, (report) => checkClusterIps(spec, 'spec', Object.assign(report, { old })));
  if (contradictions.length > 0) return contradictions;
  const faults = collect(service, (report) => {
    if (before) release(spec, before, report);
    checkSingle(spec, report);
    adopt(spec, served, report);
  });
  if (faults.length > 0) return faults;
  const families = strings(spec['ipFamilies']);
  if (selectorless) {
    if (families.length === 0) families.push(served[0] ?? 'IPv4');
    if (families.length < 2 && !isSingle(spec)) families.push(other(families[0]));
  } else {
    const unserved = collect(service, (report) => checkServed(spec, served, report));
    if (unserved.length > 0) return unserved;
    if (families.length === 0) families.push(served[0] ?? 'IPv4');
    if (!isSingle(spec) && families.length === 1 && served.length === 2) families.push(other(families[0]));
  }
  spec['ipFamilies'] = families;
  return [];
}

/** Written again as it was, by who would like two stacks: it keeps what it has. */
function isKeptDual(spec: Raw, before: Raw): boolean {
  if (spec['ipFamilyPolicy'] !== 'PreferDualStack' || spec['type'] !== before['type']) return false;
  if ((before['ipFamilyPolicy'] ?? 'PreferDualStack') !== 'PreferDualStack') return false;
  return ['clusterIPs', 'ipFamilies'].every((field) => equalValues(strings(spec[field]), strings(before[field])));
}

/** From two stacks to one: the second address is given back, where the policy says so. */
function release(spec: Raw, before: Raw, report: Report): void {
  for (const [field, what] of [
    ['clusterIPs', 'secondary cluster IP'],
    ['ipFamilies', 'secondary IP family'],
  ] as const) {
    const [now, was] = [strings(spec[field]), strings(before[field])];
    if (!isSingle(spec)) {
      const reduced = now.length > 0 && now.length < was.length;
      if (reduced) report(invalidField('spec.ipFamilyPolicy', spec['ipFamilyPolicy'], `must be 'SingleStack' to release the ${what}`));
    } else if (now.length > 1 && equalValues(now, was)) spec[field] = now.slice(0, 1);
  }
}

function checkSingle(spec: Raw, report: Report): void {
  if (!isSingle(spec)) return;
  for (const [field, what] of [
    ['clusterIPs', 'cluster IPs'],
    ['ipFamilies', 'IP families'],
  ] as const) {
    const detail = `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`;
    if (strings(spec[field]).length === 2) report(invalidField('spec.ipFamilyPolicy', spec['ipFamilyPolicy'], detail));
  }
}

/** The families that addresses imply. */
function adopt(spec: Raw, served: readonly string[], report: Report): void {
  const [ips, families] = [strings(spec['clusterIPs']), strings(spec['ipFamilies'])];
  for (const [i, ip] of ips.entries()) {
    if (ip === 'None') break;
    if (i < families.length) continue;
    const family = text(parseIp(ip)?.family);
    if (served.includes(family)) families.push(family);
    else report(invalidField(`spec.clusterIPs[${i}]`, ips, `${family} is not configured on this cluster`));
  }
  if (families.length > 0) spec['ipFamilies'] = families;
}

function checkServed(spec: Raw, served: readonly string[], report: Report): void {
  if (spec['ipFamilyPolicy'] === 'RequireDualStack' && served.length < 2)
    report(invalidField('spec.ipFamilyPolicy', 'RequireDualStack', 'this cluster is not configured for dual-stack services'));
  for (const [i, family] of strings(spec['ipFamilies']).entries())
    if (!served.includes(family)) report(invalidField(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'));
}
