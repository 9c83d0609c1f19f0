/**
 * What a pod's containers ask for together: those that run side by side add up, and one that runs alone at the start
 * needs as much as it needs beside the sidecars that were started before it.
 */
import { compareQuantities, formatQuantity, isQuantity, parseQuantity } from '../api/quantity.ts';
import { objectAt, objects, type Raw, text } from './raw.ts';

/** By resource, as quantities. Amounts that cannot be read do not count. */
export function containerTotals(spec: Raw, list: 'requests' | 'limits'): Map<string, string> {
  const amountsOf = (container: Raw): (readonly [string, string])[] =>
    Object.entries(objectAt(objectAt(container['resources'])[list]))
      .map(([name, amount]) => [name, text(amount)] as const)
      .filter(([, amount]) => isQuantity(amount));
  const totals = new Map<string, string>();
  const sidecars = new Map<string, string>();
  const starting = new Map<string, string>();
  for (const container of objects(spec['containers'])) for (const [name, amount] of amountsOf(container)) add(totals, name, amount);
  for (const container of objects(spec['initContainers'])) {
    const own = new Map(amountsOf(container));
    const goesOn = container['restartPolicy'] === 'Always';
    for (const [name, amount] of own) if (goesOn) add(totals, name, amount);
    for (const [name, amount] of goesOn ? own : sidecars) add(goesOn ? sidecars : own, name, amount);
    for (const [name, amount] of goesOn ? sidecars : own) raise(starting, name, amount);
  }
  for (const [name, amount] of starting) raise(totals, name, amount);
  return totals;
}

function add(totals: Map<string, string>, name: string, amount: string): void {
  const before = totals.get(name);
  const { nanos, format } = parseQuantity(amount);
  if (before === undefined) totals.set(name, amount);
  else {
    const sum = parseQuantity(before);
    totals.set(name, formatQuantity({ nanos: sum.nanos + nanos, format: sum.nanos === 0n ? format : sum.format }));
  }
}

function raise(totals: Map<string, string>, name: string, amount: string): void {
  const before = totals.get(name);
  if (before === undefined || compareQuantities(amount, before) > 0) totals.set(name, amount);
}
