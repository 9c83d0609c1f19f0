/** Lists taken as sets: `sets.contains`, `sets.equivalent`, `sets.intersects`. */
import { crossProduct } from '../types/cost-rule.ts';
import type { Budget } from '../values/budget.ts';
import { equalValues } from '../values/equality.ts';
import type { CelValue, ListValue } from '../values/value.ts';
import { f, type Overload } from './overload.ts';

type Lists = readonly [ListValue, ListValue];

export const sets: readonly Overload[] = [
  f('sets.contains', '(list(A), list(A)) -> bool', (args: Lists, budget) => contains(args[0], args[1], budget), crossProduct),
  f(
    'sets.equivalent',
    '(list(A), list(A)) -> bool',
    (args: Lists, budget) => contains(args[0], args[1], budget) && contains(args[1], args[0], budget),
    {
      actual: (args) => 2 * crossProduct.actual(args) - 1,
      estimate: (args) => ({ cost: 2 * crossProduct.estimate(args).cost - 1 }),
    },
  ),
  f(
    'sets.intersects',
    '(list(A), list(A)) -> bool',
    (args: Lists, budget) => some(args[1], (element) => has(args[0], element, budget)),
    crossProduct,
  ),
];

const contains = (list: ListValue, all: ListValue, budget: Budget): boolean => !some(all, (element) => !has(list, element, budget));
const has = (list: ListValue, value: CelValue, budget: Budget): boolean => some(list, (element) => equalValues(element, value, budget));

function some(list: ListValue, holds: (element: CelValue) => boolean): boolean {
  for (const element of list) if (holds(element)) return true;
  return false;
}
