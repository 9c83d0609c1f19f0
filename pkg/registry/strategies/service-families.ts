import type { Cidr } from '../ip-address.ts';
import { parseIp } from '../ip-address.ts';
import { objectAt, type Raw, strings, text } from '../raw.ts';

/**
 * `ipFamilies` and `ipFamilyPolicy`, where they are not stated: the cluster's preferred family, or that of the
 * addresses asked for; both when the policy wants two. What contradicts itself is left for validation to refuse.
 * https://kubernetes.io/docs/concepts/services-networking/dual-stack/
 */
export function settleFamilies(spec: Raw, old: Raw | undefined, cidrs: readonly Cidr[]): void {
  if (spec['type'] === 'ExternalName') {
    if (!old) for (const field of ['ipFamilies', 'ipFamilyPolicy']) delete spec[field];
    return;
  }
  const served = cidrs.map((cidr) => cidr.family);
  const [preferred = 'IPv4'] = served;
  const families = strings(spec['ipFamilies']);
  const asked = strings(spec['clusterIPs']).filter((ip) => ip !== 'None');
  const headless = spec['clusterIP'] === 'None';
  const selectorless = headless && Object.keys(objectAt(spec['selector'])).length === 0;

  // The families that addresses and the statement itself imply.
  for (const [i, ip] of asked.entries()) {
    const family = parseIp(ip)?.family;
    if (family && families[i] === undefined) families[i] = family;
  }
  const stated = text(spec['ipFamilyPolicy']);
  if (stated === '') {
    // Nobody knows of a headless service without selector where its endpoints will be.
    const dual = families.length > 1 || (selectorless && families.length === 0);
    spec['ipFamilyPolicy'] = dual ? 'RequireDualStack' : 'SingleStack';
  }
  if (families.length === 0) families.push(preferred);
  const wantsTwo = spec['ipFamilyPolicy'] === 'RequireDualStack' || (spec['ipFamilyPolicy'] === 'PreferDualStack' && served.length > 1);
  if (wantsTwo && families.length === 1 && (served.length > 1 || selectorless)) families.push(families[0] === 'IPv4' ? 'IPv6' : 'IPv4');
  // From two stacks to one: the second address is given back.
  if (spec['ipFamilyPolicy'] === 'SingleStack' && old && old['ipFamilyPolicy'] !== 'SingleStack' && families.length > 1) {
    families.length = 1;
    if (strings(spec['clusterIPs']).length > 1 && !headless) spec['clusterIPs'] = strings(spec['clusterIPs']).slice(0, 1);
  }
  spec['ipFamilies'] = families;
}
