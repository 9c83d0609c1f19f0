import { parseQuantity, type Quantity } from '../../api/quantity.ts';

/** How much there is of what, by the names that a quota uses. */
export type Amounts = Map<string, Quantity>;

/** The sum is written as its first part was. */
export function add(to: Amounts, name: string, amount: Quantity | number): void {
  const more = typeof amount === 'number' ? parseQuantity(String(amount)) : amount;
  const before = to.get(name);
  to.set(name, before && before.nanos !== 0n ? { nanos: before.nanos + more.nanos, format: before.format } : more);
}
