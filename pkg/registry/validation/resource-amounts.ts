/** Amounts of resources: what may be asked for, and in which units. */
import { compareQuantities, isQuantity, parseQuantity } from '../../api/quantity.ts';
import { forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { objectAt, type Raw, text } from '../raw.ts';
import { qualifiedName } from './names.ts';
import { below, type Report, type Validator } from './validator.ts';

const computed = ['cpu', 'memory', 'ephemeral-storage'];
/** What a container may ask for of Kubernetes' own; everything else is an extended resource and carries a domain. */
const ofContainers = new Set(computed);
const hugePages = 'hugepages-';
const nano = 1_000_000_000n;

const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');
export const isExtendedResource = (name: string): boolean =>
  !isNative(name) && !name.startsWith('requests.') && qualifiedName(`requests.${name}`).length === 0;

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
/** All that anything in the API counts under a name without a domain. */
const known = new Set([
  ...computed,
  ...computed.flatMap((name) => [`requests.${name}`, `limits.${name}`]),
  ...inPieces,
  'storage',
  'requests.storage',
]);

/** Whether it is well-formed, and known where it is Kubernetes' own; says what is wrong. */
export function checkResourceName(report: Report, path: string, name: string): boolean {
  const reasons = qualifiedName(name);
  for (const reason of reasons) report(invalidField(path, name, reason));
  if (reasons.length > 0) return false;
  if (name.includes('/') || known.has(name) || /^(requests\.)?hugepages-/.test(name)) return true;
  report(invalidField(path, name, 'must be a standard resource type or fully qualified'));
  return false;
}

export function checkContainerResource(report: Report, path: string, name: string): void {
  checkResourceName(report, path, name);
  if (!name.includes('/')) {
    if (!ofContainers.has(name) && !name.startsWith(hugePages))
      report(invalidField(path, name, 'must be a standard resource for containers'));
  } else if (!isNative(name) && !isExtendedResource(name)) {
    report(invalidField(path, name, "doesn't follow extended resource name standard"));
  }
}

const ofPods = ['cpu', hugePages, 'memory'];
export function checkPodResource(report: Report, path: string, name: string): void {
  if (!checkResourceName(report, path, name)) return;
  if (name !== 'cpu' && name !== 'memory' && !name.startsWith(hugePages)) report(unsupportedField(path, name, ofPods));
}

/** Nothing below zero, and no parts of what comes in pieces. */
export function checkAmountOf(report: Report, path: string, name: string, quantity: unknown): void {
  const amount = text(quantity);
  if (!isQuantity(amount)) return;
  const { nanos } = parseQuantity(amount);
  if (nanos < 0n) report(invalidField(path, amount, 'must be greater than or equal to 0'));
  if (nanos % nano !== 0n && (isExtendedResource(name) || inPieces.has(name))) report(invalidField(path, amount, 'must be an integer'));
}
const sizes: Readonly<Record<string, bigint>> = { Ki: 2n ** 10n, Mi: 2n ** 20n, Gi: 2n ** 30n };

function checkPages(report: Report, path: string, name: string, quantity: string): void {
  const [, number = '', unit = ''] = /^hugepages-(\d+)(Ki|Mi|Gi)$/.exec(name) ?? [];
  const size = BigInt(number === '' ? 0 : number) * (sizes[unit] ?? 1n) * nano;
  if (size > 0n && isQuantity(quantity) && parseQuantity(quantity).nanos % size !== 0n) {
    report(invalidField(path, quantity, `${quantity} is not positive integer multiple of ${name}`));
  }
}

/** Amounts by name: who may be named is another question for containers and for pods. */
type NameRule = (report: Report, path: string, name: string) => void;

/**
 * What a container asks for is at most what it may use, and just that where nothing can be promised twice. `check`:
 * what may be asked for.
 */
export function checkAmounts(
  value: Raw,
  { path, report, check }: { readonly path: string; readonly report: Report; readonly check: NameRule },
): void {
  const limits = objectAt(value['limits']);
  const requests = objectAt(value['requests']);
  const [limitsAt, requestsAt] = [below(path, 'limits'), below(path, 'requests')];
  for (const [name, limit] of Object.entries(limits)) {
    const at = `${limitsAt}[${name}]`;
    check(report, at, name);
    checkAmountOf(report, at, name, limit);
    if (name.startsWith(hugePages)) checkPages(report, at, name, text(limit));
  }
  for (const [name, request] of Object.entries(requests)) {
    const at = `${requestsAt}[${name}]`;
    check(report, at, name);
    checkAmountOf(report, at, name, request);
    const limit = limits[name];
    const exact = !isNative(name) || name.startsWith(hugePages);
    if (limit !== undefined) checkOrder(report, requestsAt, { name, request: text(request), limit: text(limit), exact });
    else if (exact) report(requiredField(limitsAt, 'Limit must be set for non overcommitable resources'));
    if (name.startsWith(hugePages)) checkPages(report, at, name, text(request));
  }
  const all = [...Object.keys(limits), ...Object.keys(requests)];
  if (all.some((name) => name.startsWith(hugePages)) && !all.includes('cpu') && !all.includes('memory')) {
    report(forbiddenField(path, 'HugePages require cpu or memory'));
  }
}

interface Pair {
  readonly name: string;
  readonly request: string;
  readonly limit: string;
  readonly exact: boolean;
}

function checkOrder(report: Report, path: string, { name, request, limit, exact }: Pair): void {
  if (!isQuantity(limit) || !isQuantity(request)) return;
  const order = compareQuantities(request, limit);
  if (order !== 0 && exact) report(invalidField(path, request, `must be equal to ${name} limit of ${limit}`));
  else if (order > 0) report(invalidField(path, request, `must be less than or equal to ${name} limit of ${limit}`));
}

/** Of a container that stands by itself: with no pod around it there is nothing to claim devices from. */
export const containerResources: Validator = (value, path, report) => checkAmounts(value, { path, report, check: checkContainerResource });
