/** The addresses of a service within the cluster: how many, of which families, and that they stay. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { duplicateField, forbiddenField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { parseIp } from '../ip-address.ts';
import { objectAt, type Raw, strings, text } from '../raw.ts';
import { qualifiedName } from './names.ts';
import { checkIp } from './pod-spec.ts';
import { strictOneOf } from './rules.ts';
import { below, checkName, collect, type Report } from './validator.ts';

const families = ['IPv4', 'IPv6'];
const familyPolicies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];

export function isHeadless(spec: Raw): boolean {
  const ips = strings(spec['clusterIPs']);
  return ips.length === 1 && ips[0] === 'None';
}

export function checkClusterIps(spec: Raw, path: string, report: Report): void {
  const [ips, stated, ip] = [strings(spec['clusterIPs']), strings(spec['ipFamilies']), text(spec['clusterIP'])];
  const at = below(path, 'clusterIPs');
  if (ip === '') {
    if (ips.length > 0) report(invalidField(at, ips, 'must be empty when `clusterIP` is not specified'));
  } else if (ips.length === 0) report(requiredField(at));
  else if (ips[0] !== ip) report(invalidField(at, ips, 'first value must match `clusterIP`'));
  for (const [i, family] of stated.entries()) {
    const where = `${below(path, 'ipFamilies')}[${i}]`;
    strictOneOf(families)(family, where, report);
    if (stated.indexOf(family) !== i) report(duplicateField(where, family));
  }
  const policy = spec['ipFamilyPolicy'];
  if (policy !== undefined) strictOneOf(familyPolicies)(policy, below(path, 'ipFamilyPolicy'), report);
  if (!checkEachIp(ips, at, report)) return;
  const parsed = ips.map((one) => parseIp(one)?.family);
  if (ips.length > 1 && new Set(parsed).size < 2) report(invalidField(at, ips, 'may specify no more than one IP for each IP family'));
  if (isHeadless(spec)) return;
  for (const [i, family] of parsed.entries()) {
    const wanted = stated[i];
    if (wanted !== undefined && families.includes(wanted) && family !== wanted)
      report(invalidField(`${at}[${i}]`, ips[i], `expected an ${wanted} value as indicated by \`ipFamilies[${i}]\``));
  }
}

/** Whether all of them are addresses. */
function checkEachIp(ips: readonly string[], path: string, report: Report): boolean {
  const before = strings(objectAt(objectAt(report.old)['spec'])['clusterIPs']);
  let good = true;
  for (const [i, ip] of ips.entries()) {
    if (i === 0 && ip === 'None') {
      if (ips.length === 1) continue;
      good = false;
      report(invalidField(path, ips, "'None' must be the first and only value"));
      continue;
    }
    if (before.includes(ip)) continue;
    if (!parseIp(ip)) good = false;
    checkIp(ip, `${path}[${i}]`, report);
  }
  if (ips.length > 2) report(invalidField(path, ips, 'may only hold up to 2 values'));
  return good;
}

/** What a service was given stays, for as long as it is of a type that has it. */
export function validateServiceUpdate(next: Raw, old: Raw): StatusCause[] {
  const [now, was] = [objectAt(next['spec']), objectAt(old['spec'])];
  return collect(next, (report) => {
    if (now['type'] !== 'ExternalName' && was['type'] !== 'ExternalName') {
      if (!(isHeadless(now) && isHeadless(was))) keepAll(now, was, { field: 'clusterIPs', what: 'clusterIP', report });
      if (!isHeadless(now) && !isHeadless(was)) keepAll(now, was, { field: 'ipFamilies', what: 'ipFamily', report });
    }
    checkClass(now, was, report);
    const [port, before] = [now['healthCheckNodePort'] ?? 0, was['healthCheckNodePort'] ?? 0];
    const checked = [now, was].every((spec) => spec['type'] === 'LoadBalancer' && spec['externalTrafficPolicy'] === 'Local');
    if (checked && port !== before) report(forbiddenField('spec.healthCheckNodePort', 'field is immutable'));
  });
}

interface KeepCall {
  readonly field: 'clusterIPs' | 'ipFamilies';
  /** Of one of them, in messages. */
  readonly what: string;
  readonly report: Report;
}

/** The first of a list stays; the second may come, and goes with the policy. */
function keepAll(next: Raw, before: Raw, { field, what, report }: KeepCall): void {
  const [now, was] = [strings(next[field]), strings(before[field])];
  const at = `spec.${field}[0]`;
  const shown = (list: readonly string[]): readonly string[] | null => (list.length === 0 ? null : list);
  const changed = was.length > 0 && now.length > 0 && now[0] !== was[0];
  if (was.length === now.length) {
    for (const [i, value] of was.entries()) {
      const where = field === 'clusterIPs' ? `spec.${field}[${i}]` : at;
      if (now[i] !== value) report(invalidField(where, now, 'may not change once set'));
    }
    return;
  }
  if (was.length > now.length && strings(next['clusterIPs']).length === 0)
    report(invalidField(at, shown(now), `primary ${what} can not be unset`));
  // Of families, Kubernetes shows the addresses.
  if (changed) report(invalidField(at, shown(strings(next['clusterIPs'])), 'may not change once set'));
  if (was.length > now.length && now.length === 1 && next['ipFamilyPolicy'] !== 'SingleStack') {
    const detail = `must be set to 'SingleStack' when releasing the secondary ${what}`;
    report(invalidField('spec.ipFamilyPolicy', next['ipFamilyPolicy'], detail));
  }
}

function checkClass(now: Raw, was: Raw, report: Report): void {
  const at = 'spec.loadBalancerClass';
  const [name, before] = [now['loadBalancerClass'], was['loadBalancerClass']];
  const balances = now['type'] === 'LoadBalancer';
  if (balances && was['type'] === 'LoadBalancer' && name !== before) report(invalidField(at, name, 'may not change once set'));
  if (name === undefined) return;
  if (balances) checkName(report, at, name, qualifiedName);
  else report(forbiddenField(at, "may only be used when `type` is 'LoadBalancer'"));
}
