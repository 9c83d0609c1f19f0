/** Lists: Kubernetes' own functions, and CEL's extension of lists. */
import { type CostRule, elementwise, type SizedArgument, unknownSize } from '../types/cost-rule.ts';
import type { Budget } from '../values/budget.ts';
import { equalValues } from '../values/equality.ts';
import { sizeOf } from '../values/size.ts';
import { ArrayList, CelError, type CelValue, Duration, type ListValue as List, ListValue, Uint } from '../values/value.ts';
import { compareValues } from './compare.ts';
import { f, m, type Overload } from './overload.ts';
import { toInt, toUint } from './standard.ts';

const ordered = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'];
const added = ['int', 'uint', 'double', 'duration'];

/** A new list as long as the one it is made of. `each`: for every element. */
function rebuild(each = 1): CostRule {
  return {
    actual: (args) => 11 + sizeOf(args[0] ?? null) * each,
    estimate: ([list]) => {
      const size = list?.size ?? unknownSize;
      return { cost: 11 + size.max * each, size: { min: 0, max: size.max }, ...(list?.elements ? { elements: list.elements.size } : {}) };
    },
  };
}

/** A new list from one place to another; where they are not literals, it may be the whole. */
const part: CostRule = {
  actual: ([list, start, end]) => 11 + Math.min(Math.max(0, Number(end) - Number(start)), sizeOf(list ?? null)),
  estimate: ([list, start, end]) => {
    const whole = list?.size.max ?? Number.POSITIVE_INFINITY;
    const at = (place: bigint | undefined, otherwise: number): number => (place === undefined ? otherwise : Number(place));
    const size = at(literalInt(end), whole) - at(literalInt(start), 0);
    return { cost: 11 + Math.max(0, size), size: { min: size, max: size } };
  },
};

function literalInt(argument: SizedArgument | undefined): bigint | undefined {
  return typeof argument?.literal === 'bigint' ? argument.literal : undefined;
}

/** Every element against every other. */
const pairwise: CostRule = {
  actual: (args) => 11 + 2 * sizeOf(args[0] ?? null) ** 2,
  estimate: ([list]) => {
    const size = list?.size ?? unknownSize;
    return { cost: 11 + 2 * size.max ** 2, size: { min: 0, max: size.max }, ...(list?.elements ? { elements: list.elements.size } : {}) };
  },
};

/** As many elements as a number says. */
const counted: CostRule = {
  actual: ([count]) => 11 + (typeof count === 'bigint' ? Math.max(0, Number(count)) : 0),
  estimate: ([count]) => {
    const max = typeof count?.literal === 'bigint' ? Math.max(0, Number(count.literal)) : Infinity;
    return { cost: 11 + max, size: { min: 0, max } };
  },
};

export const lists: readonly Overload[] = [
  ...ordered.flatMap((type) => [
    m('isSorted', `(list(${type})) -> bool`, (args: readonly [List]) => isSorted(args[0]), elementwise),
    m('min', `(list(${type})) -> ${type}`, (args: readonly [List]) => extreme(args[0], 'min', (order) => order < 0), elementwise),
    m('max', `(list(${type})) -> ${type}`, (args: readonly [List]) => extreme(args[0], 'max', (order) => order > 0), elementwise),
    m('sort', `(list(${type})) -> list(${type})`, (args: readonly [List], budget) => sorted(args[0], budget), pairwise),
  ]),
  ...added.map((type) =>
    m('sum', `(list(${type})) -> ${type}`, (args: readonly [List]) => sum(args[0], zeros[type] as CelValue), elementwise),
  ),
  m(
    'indexOf',
    '(list(A), A) -> int',
    (args: readonly [List, CelValue], budget) => position(args[0], args[1], { last: false, budget }),
    elementwise,
  ),
  m(
    'lastIndexOf',
    '(list(A), A) -> int',
    (args: readonly [List, CelValue], budget) => position(args[0], args[1], { last: true, budget }),
    elementwise,
  ),
  m('slice', '(list(A), int, int) -> list(A)', (args: readonly [List, bigint, bigint]) => slice(args[0], args[1], args[2]), part),
  m('flatten', '(list(list(A))) -> list(A)', (args: readonly [List], budget) => new ArrayList(flatten(args[0], 1n, budget)), rebuild()),
  m(
    'flatten',
    '(list(dyn), int) -> list(dyn)',
    (args: readonly [List, bigint], budget) => new ArrayList(flatten(args[0], args[1], budget)),
    rebuild(),
  ),
  m('reverse', '(list(A)) -> list(A)', (args: readonly [List]) => new ArrayList([...args[0]].reverse()), rebuild()),
  m('distinct', '(list(A)) -> list(A)', (args: readonly [List], budget) => distinct(args[0], budget), pairwise),
  f(
    'lists.range',
    'int -> list(int)',
    (args: readonly [bigint]) => new ArrayList(Array.from({ length: Math.max(0, Number(args[0])) }, (_, index) => BigInt(index))),
    counted,
  ),
];

function isSorted(list: List): boolean {
  let before: CelValue | undefined;
  for (const element of list) {
    if (before !== undefined && compareValues(before, element) > 0) return false;
    before = element;
  }
  return true;
}

function extreme(list: List, name: string, better: (order: number) => boolean): CelValue {
  let best: CelValue | undefined;
  for (const element of list) if (best === undefined || better(compareValues(element, best))) best = element;
  if (best === undefined) throw new CelError(`${name} called on empty list`);
  return best;
}

export function sorted(list: List, budget: Budget, keys: readonly CelValue[] = [...list]): ArrayList {
  budget.work(list.size * 8);
  const order = keys.map((_, index) => index).sort((a, b) => compareValues(keys[a] as CelValue, keys[b] as CelValue));
  return new ArrayList(order.map((index) => list.at(index)));
}

const zeros: Readonly<Record<string, CelValue>> = { int: 0n, uint: new Uint(0n), double: 0, duration: new Duration(0n) };

/** `zero`: of none. What the elements are may be known only now. */
function sum(list: List, zero: CelValue): CelValue {
  let total: CelValue | undefined;
  for (const element of list) total = total === undefined ? element : add(total, element);
  return total ?? zero;
}

function add(a: CelValue, b: CelValue): CelValue {
  if (typeof a === 'bigint' && typeof b === 'bigint') return toInt(a + b);
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (a instanceof Uint && b instanceof Uint) return toUint(a.value + b.value);
  if (a instanceof Duration && b instanceof Duration) return new Duration(a.nanos + b.nanos);
  throw new CelError('no such overload');
}

function position(list: List, value: CelValue, { last, budget }: { last: boolean; budget: Budget }): bigint {
  for (let step = 0; step < list.size; step++) {
    const index = last ? list.size - 1 - step : step;
    if (equalValues(list.at(index), value, budget)) return BigInt(index);
  }
  return -1n;
}

function slice(list: List, start: bigint, end: bigint): ArrayList {
  const what = `cannot slice(${start}, ${end})`;
  if (start < 0n || end < 0n) throw new CelError(`${what}, negative indexes not supported`);
  if (start > end) throw new CelError(`${what}, start index must be less than or equal to end index`);
  if (end > list.size) throw new CelError(`${what}, list is length ${list.size}`);
  return new ArrayList(Array.from({ length: Number(end - start) }, (_, index) => list.at(Number(start) + index)));
}

function flatten(list: List, depth: bigint, budget: Budget): CelValue[] {
  if (depth < 0n) throw new CelError('level must be non-negative');
  const flat: CelValue[] = [];
  for (const element of list) {
    budget.work(1);
    if (depth > 0n && element instanceof ListValue) for (const inner of flatten(element, depth - 1n, budget)) flat.push(inner);
    else flat.push(element);
  }
  return flat;
}

function distinct(list: List, budget: Budget): ArrayList {
  const kept: CelValue[] = [];
  for (const element of list) if (!kept.some((one) => equalValues(one, element, budget))) kept.push(element);
  return new ArrayList(kept);
}
