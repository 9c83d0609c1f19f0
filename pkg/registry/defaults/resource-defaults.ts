/** Amounts of resources: what is left out, and how finely they are counted. */
import { formatQuantity, isQuantity, parseQuantity, type Quantity } from '../../api/quantity.ts';
import { isObject, objectAt, objects, type Raw, text } from '../raw.ts';
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

/** What a pod as a whole may have limits on. */
const ofPods = /^(cpu|memory|hugepages-.*)$/;

/** A pod with limits of its own asks for what its containers ask for together, or else for all that it may use. */
export function podRequests(spec: Raw): void {
  const own = spec['resources'];
  if (!isObject(own) || !isObject(own['limits'])) return;
  const requests = { ...objectAt(own['requests']) };
  for (const [name, limit] of Object.entries(own['limits'])) {
    if (!ofPods.test(name)) continue;
    if (requests[name] === undefined) requests[name] = askedTogether(objects(spec['containers']), name) ?? limit;
  }
  own['requests'] = requests;
}

function askedTogether(containers: readonly Raw[], name: string): string | undefined {
  let sum: Quantity | undefined;
  for (const container of containers) {
    const amount = text(objectAt(objectAt(container['resources'])['requests'])[name]);
    if (!isQuantity(amount)) continue;
    const { nanos, format } = parseQuantity(amount);
    sum = { nanos: (sum?.nanos ?? 0n) + nanos, format };
  }
  return sum && formatQuantity(sum);
}

export const resourceDefaults: Readonly<Record<string, TypeDefault>> = {
  'api.core.v1.ResourceRequirements': amounts,
  'api.core.v1.VolumeResourceRequirements': amounts,
  'api.core.v1.ResourceQuotaSpec': (spec) => rounded(spec['hard']),
};
