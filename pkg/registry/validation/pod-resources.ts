/** What a pod asks for as a whole, and the devices it claims. */
import { compareQuantities, formatQuantity, isQuantity, parseQuantity, type Quantity } from '../../api/quantity.ts';
import {
  duplicateField,
  forbiddenField,
  invalidField,
  notFoundField,
  requiredField,
  unsupportedField,
} from '../../runtime/field-errors.ts';
import { isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { dnsLabel, dnsSubdomain } from './names.ts';
import { containerResources } from './resource-amounts.ts';
import { named } from './rules.ts';
import { below, checkName, type Report } from './validator.ts';

const supported = ['cpu', 'memory'];
const isSupported = (name: string): boolean => supported.includes(name) || name.startsWith('hugepages-');

/** A pod's own amounts hold those of all its containers. */
export function checkPodResources(spec: Raw, path: string, report: Report): void {
  const own = spec['resources'];
  if (!isObject(own)) return;
  const at = below(path, 'resources');
  if (objects(own['claims']).length > 0) report(forbiddenField(below(at, 'claims'), 'claims may not be set for Resources at pod-level'));
  for (const list of ['limits', 'requests']) {
    for (const name of Object.keys(objectAt(own[list]))) {
      if (!isSupported(name)) report(unsupportedField(`${below(at, list)}[${name}]`, name, [...supported, 'hugepages-']));
    }
  }
  containerResources({ limits: own['limits'], requests: own['requests'] }, at, report);
  const containers = objects(spec['containers']);
  for (const [name, request] of Object.entries(objectAt(own['requests']))) {
    const all = sumOf(containers, name);
    if (isQuantity(text(request)) && parseQuantity(text(request)).nanos < all.nanos) {
      const detail = `must be greater than or equal to aggregate container requests of ${formatQuantity(all)}`;
      report(invalidField(`${below(at, 'requests')}[${name}]`, request, detail));
    }
  }
  for (const [name, limit] of Object.entries(objectAt(own['limits']))) {
    for (const [i, container] of containers.entries()) {
      const given = text(objectAt(objectAt(container['resources'])['limits'])[name]);
      if (!isQuantity(given) || !isQuantity(text(limit)) || compareQuantities(given, text(limit)) <= 0) continue;
      const where = `${below(path, 'containers')}[${i}].resources.limits[${name}]`;
      report(invalidField(where, given, `must be less than or equal to pod limits of ${text(limit)}`));
    }
  }
}

function sumOf(containers: readonly Raw[], name: string): Quantity {
  let [nanos, format]: [bigint, Quantity['format']] = [0n, 'decimal'];
  for (const container of containers) {
    const given = text(objectAt(objectAt(container['resources'])['requests'])[name]);
    if (!isQuantity(given)) continue;
    const quantity = parseQuantity(given);
    nanos += quantity.nanos;
    ({ format } = quantity);
  }
  return { nanos, format };
}

/** Claims on devices: each from one source, and used by containers under its name. */
export function checkClaims(spec: Raw, path: string, report: Report): void {
  const names = new Set<string>();
  for (const [i, claim] of objects(spec['resourceClaims']).entries()) {
    const at = `${below(path, 'resourceClaims')}[${i}]`;
    const name = text(claim['name']);
    if (name === '') report(requiredField(below(at, 'name')));
    else if (names.has(name)) report(duplicateField(below(at, 'name'), name));
    else checkName(report, below(at, 'name'), name, dnsLabel);
    names.add(name);
    const sources = ['resourceClaimName', 'resourceClaimTemplateName'];
    const given = sources.filter((source) => claim[source] !== undefined);
    if (given.length > 1)
      report(invalidField(at, claim, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'));
    if (given.length === 0) report(invalidField(at, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'));
    for (const source of given) named(dnsSubdomain)(claim[source], below(at, source), report);
  }
  for (const list of ['initContainers', 'containers']) {
    for (const [i, container] of objects(spec[list]).entries()) {
      for (const [j, claim] of objects(objectAt(container['resources'])['claims']).entries()) {
        const name = text(claim['name']);
        if (name !== '' && !names.has(name)) report(notFoundField(`${below(path, list)}[${i}].resources.claims[${j}].name`, name));
      }
    }
  }
}
