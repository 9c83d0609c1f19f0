/** Amounts of resources: what is left out, and how finely they are counted. */
import { formatQuantity, isQuantity, parseQuantity } from '../../api/quantity.ts';
import { containerTotals } from '../pod-totals.ts';
import { isObject, objectAt, type Raw, text } from '../raw.ts';
import { fill, type TypeDefault } from './type-default.ts';

/** A thousandth is the least that is told apart; what is finer is rounded up. */
const milli = 1_000_000n;

function rounded(list: unknown): void {
  if (!isObject(list)) return;
  for (const [name, value] of Object.entries(list)) {
    const amount = text(value);
    if (!isQuantity(amount)) continue;
    const { nanos, format } = parseQuantity(amount);
    const rest = ((nanos % milli) + milli) % milli;
    if (rest !== 0n) list[name] = formatQuantity({ nanos: nanos + milli - rest, format });
  }
}

const amounts: TypeDefault = (resources) => {
  rounded(resources['limits']);
  rounded(resources['requests']);
};

/** What a container may use at most, it asks for, unless it says otherwise. */
export function requestsFromLimits(container: Raw): void {
  const resources = objectAt(container['resources']);
  const limits = resources['limits'];
  if (!isObject(limits)) return;
  if (!isObject(resources['requests'])) resources['requests'] = {};
  const requests = resources['requests'] as Raw;
  for (const name in limits) fill(requests, name, limits[name]);
}

const hugePages = 'hugepages-';
/** What a pod as a whole may ask for. */
const isOfPods = (name: string): boolean => name === 'cpu' || name === 'memory' || name.startsWith(hugePages);

/**
 * A pod that says anything of itself as a whole has limits on huge pages as its containers have; and with limits of its
 * own it asks for what its containers ask for together, or else for all that it may use.
 */
export function podRequests(spec: Raw): void {
  const own = spec['resources'];
  if (!isObject(own)) return;
  const [limits, requests] = [{ ...objectAt(own['limits']) }, { ...objectAt(own['requests']) }];
  if (Object.keys(limits).length + Object.keys(requests).length === 0) return;
  for (const [name, amount] of containerTotals(spec, 'limits'))
    if (name.startsWith(hugePages) && requests[name] === undefined) fill(limits, name, amount);
  if (Object.keys(limits).length === 0) return;
  own['limits'] = limits;
  for (const [name, amount] of containerTotals(spec, 'requests')) if (name === 'cpu' || name === 'memory') fill(requests, name, amount);
  for (const [name, limit] of Object.entries(limits)) if (isOfPods(name)) fill(requests, name, limit);
  own['requests'] = requests;
}

export const resourceDefaults: Readonly<Record<string, TypeDefault>> = {
  'api.core.v1.ResourceRequirements': amounts,
  'api.core.v1.VolumeResourceRequirements': amounts,
  'api.core.v1.ResourceQuotaSpec': (spec) => rounded(spec['hard']),
};
