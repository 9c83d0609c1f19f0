/** Amounts of resources: what may be asked for, and in which units. */
import { compareQuantities, isQuantity, parseQuantity } from '../../api/quantity.ts';
import { forbiddenField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { objectAt, objects, text } from '../raw.ts';
import { qualifiedName } from './names.ts';
import { below, checkName, type Report, type Validator } from './validator.ts';

/** What a container may ask for of Kubernetes' own; everything else is an extended resource and carries a domain. */
const standard = new Set(['cpu', 'memory', 'ephemeral-storage']);
const hugePages = 'hugepages-';
const nano = 1_000_000_000n;

const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');
export const isExtendedResource = (name: string): boolean =>
  !isNative(name) && !name.startsWith('requests.') && qualifiedName(`requests.${name}`).length === 0;

export function checkContainerResource(report: Report, path: string, name: string): void {
  checkName(report, path, name, qualifiedName);
  if (!name.includes('/')) {
    if (!standard.has(name) && !name.startsWith(hugePages)) report(invalidField(path, name, 'must be a standard resource for containers'));
  } else if (!isNative(name) && !isExtendedResource(name)) {
    report(invalidField(path, name, "doesn't follow extended resource name standard"));
  }
}

/** Nothing below zero, and no parts of what comes in pieces. */
export function checkAmountOf(report: Report, path: string, name: string, quantity: unknown): void {
  const amount = text(quantity);
  if (!isQuantity(amount)) return;
  const { nanos } = parseQuantity(amount);
  if (nanos < 0n) report(invalidField(path, amount, 'must be greater than or equal to 0'));
  if (nanos % nano !== 0n && (isExtendedResource(name) || inPieces.has(name))) report(invalidField(path, amount, 'must be an integer'));
}
const inPieces = new Set([
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]);

const sizes: Readonly<Record<string, bigint>> = { Ki: 2n ** 10n, Mi: 2n ** 20n, Gi: 2n ** 30n };

function checkPages(report: Report, path: string, name: string, quantity: string): void {
  const [, number = '', unit = ''] = /^hugepages-(\d+)(Ki|Mi|Gi)$/.exec(name) ?? [];
  const size = BigInt(number === '' ? 0 : number) * (sizes[unit] ?? 1n) * nano;
  if (size > 0n && isQuantity(quantity) && parseQuantity(quantity).nanos % size !== 0n) {
    report(invalidField(path, quantity, `${quantity} is not positive integer multiple of ${name}`));
  }
}

function checkList(list: unknown, path: string, report: Report): void {
  for (const [name, quantity] of Object.entries(objectAt(list))) {
    const at = `${path}[${name}]`;
    checkContainerResource(report, at, name);
    checkAmountOf(report, at, name, quantity);
    if (name.startsWith(hugePages)) checkPages(report, at, name, text(quantity));
  }
}

/** What a container asks for is at most what it may use, and just that where nothing can be promised twice. */
export const containerResources: Validator = (value, path, report) => {
  const limits = objectAt(value['limits']);
  const requests = objectAt(value['requests']);
  checkList(limits, below(path, 'limits'), report);
  checkList(requests, below(path, 'requests'), report);
  for (const [name, request] of Object.entries(requests)) {
    const limit = limits[name];
    const exact = isExtendedResource(name) || name.startsWith(hugePages);
    if (limit === undefined && exact) {
      report(requiredField(below(path, 'limits'), 'Limit must be set for non overcommitable resources'));
    }
    if (!isQuantity(text(limit)) || !isQuantity(text(request))) continue;
    const order = compareQuantities(text(request), text(limit));
    if (order !== 0 && exact) {
      report(invalidField(below(path, 'requests'), request, `must be equal to ${name} limit of ${text(limit)}`));
    } else if (order > 0) {
      report(invalidField(below(path, 'requests'), request, `must be less than or equal to ${name} limit of ${text(limit)}`));
    }
  }
  const all = [...Object.keys(limits), ...Object.keys(requests)];
  if (all.some((name) => name.startsWith(hugePages)) && !all.includes('cpu') && !all.includes('memory')) {
    report(forbiddenField(path, 'HugePages require cpu or memory'));
  }
  for (const [i, claim] of objects(value['claims']).entries()) {
    const at = `${below(path, 'claims')}[${i}]`;
    if (text(claim['name']) === '') report(requiredField(below(at, 'name')));
  }
};
