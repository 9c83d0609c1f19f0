/**
 * What a call costs, in Kubernetes' units (about 50 ns each): from the sizes of its arguments, known when it runs and
 * bounded when it is estimated. Constants and formulas are those of cel-go and of Kubernetes' library, so that what one
 * accepts the other accepts.
 */

import { sizeOf, traversalCost } from '../values/size.ts';
import { type CelValue, ListValue } from '../values/value.ts';

/** How long a string, list or map may be. `max` may be Infinity. */
export interface SizeRange {
  readonly min: number;
  readonly max: number;
}

/** An argument while costs are estimated. */
export interface SizedArgument {
  readonly size: SizeRange;
  /** Of a list: of its elements. `text`: whether they are strings or bytes. */
  readonly elements?: { readonly size: SizeRange; readonly text: boolean };
  readonly isList: boolean;
  readonly literal?: CelValue;
}

export interface Estimate {
  readonly cost: number;
  /** Of what the call gives. */
  readonly size?: SizeRange;
  readonly elements?: SizeRange;
}

export interface CostRule {
  /** Before the call. */
  actual(args: readonly CelValue[]): number;
  estimate(args: readonly SizedArgument[]): Estimate;
}

export const perCharacter = 0.1;
/** A regular expression has about one state in four characters. */
const perPatternCharacter = 0.25;
const scaled = (size: number, factor: number): number => Math.ceil(size * factor);
export const unknownSize: SizeRange = { min: 0, max: Infinity };

const sizeAt = (args: readonly SizedArgument[], index: number): SizeRange => args[index]?.size ?? unknownSize;
const at = (args: readonly CelValue[], index: number): CelValue => args[index] ?? null;
/** An unbounded size times nothing is nothing. */
const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);

export const unit: CostRule = { actual: () => 1, estimate: () => ({ cost: 1 }) };
export const free: CostRule = { actual: () => 0, estimate: () => ({ cost: 0 }) };

/** One pass over an argument. `keeps`: the result is no longer than the argument. */
export function traversal(index = 0, options: { passes?: number; keeps?: boolean } = {}): CostRule {
  const factor = perCharacter * (options.passes ?? 1);
  return {
    actual: (args) => scaled(sizeOf(at(args, index)), factor),
    estimate: (args) => {
      const size = sizeAt(args, index);
      return { cost: scaled(size.max, factor), ...(options.keeps ? { size: { min: 0, max: size.max } } : {}) };
    },
  };
}

/** The shorter of two decides. */
export const comparison: CostRule = {
  actual: (args) => scaled(Math.min(sizeOf(at(args, 0)), sizeOf(at(args, 1))), perCharacter),
  estimate: (args) => ({ cost: scaled(Math.min(sizeAt(args, 0).max, sizeAt(args, 1).max), perCharacter) }),
};

export const concatenation: CostRule = {
  actual: (args) => scaled(sizeOf(at(args, 0)) + sizeOf(at(args, 1)), perCharacter),
  estimate: (args) => {
    const [a, b] = [sizeAt(args, 0), sizeAt(args, 1)];
    return { cost: scaled(a.max + b.max, perCharacter), size: { min: a.min + b.min, max: a.max + b.max } };
  },
};

export const listConcatenation: CostRule = {
  actual: () => 1,
  estimate: (args) => {
    const [a, b] = [sizeAt(args, 0), sizeAt(args, 1)];
    const elements = args[0]?.elements && args[1]?.elements;
    return {
      cost: 1,
      size: { min: a.min + b.min, max: a.max + b.max },
      ...(elements ? { elements: widest(args[0]?.elements?.size ?? unknownSize, elements.size) } : {}),
    };
  },
};

export const widest = (a: SizeRange, b: SizeRange): SizeRange => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) });

/** Every element of the list is looked at. */
export const membership: CostRule = { actual: (args) => sizeOf(at(args, 1)), estimate: (args) => ({ cost: sizeAt(args, 1).max }) };

export const containment: CostRule = {
  actual: (args) => scaled(sizeOf(at(args, 0)), perCharacter) * scaled(sizeOf(at(args, 1)), perCharacter),
  estimate: (args) => ({ cost: times(scaled(sizeAt(args, 0).max, perCharacter), scaled(sizeAt(args, 1).max, perCharacter)) }),
};

/** `found`: at worst every character is a match of its own. */
export function matching(options: { found?: boolean } = {}): CostRule {
  return {
    actual: (args) => scaled(1 + sizeOf(at(args, 0)), perCharacter) * scaled(sizeOf(at(args, 1)), perPatternCharacter),
    estimate: (args) => {
      const size = sizeAt(args, 0).max;
      return {
        cost: times(scaled(1 + size, perCharacter), scaled(sizeAt(args, 1).max, perPatternCharacter)),
        ...(options.found ? { size: { min: 0, max: size }, elements: { min: 0, max: size } } : {}),
      };
    },
  };
}

/** Every element of the receiver, and of texts every character. */
export const elementwise: CostRule = {
  actual: (args) => traversalCost(at(args, 0)),
  estimate: (args) => {
    const [list] = args;
    if (!list?.isList) return { cost: scaled(sizeAt(args, 0).max, perCharacter) };
    const each = 1 + (list.elements?.text ? scaled(list.elements.size.max, perCharacter) : 0);
    return { cost: times(list.size.max, each) };
  },
};

/** Every element of one list against every one of another. */
export const crossProduct: CostRule = {
  actual: (args) => 1 + sizeOf(at(args, 0)) * sizeOf(at(args, 1)),
  estimate: (args) => ({ cost: 1 + times(sizeAt(args, 0).max, sizeAt(args, 1).max) }),
};

export const replacement: CostRule = {
  actual: (args) => scaled(sizeOf(at(args, 0)), 2 * perCharacter),
  estimate: (args) => {
    const [size, old, by] = [sizeAt(args, 0), sizeAt(args, 1), sizeAt(args, 2)];
    let max = size.max;
    if (old.min === 0) max = times(size.max + 1, by.max) + size.max;
    else if (by.max > old.min) max = times(Math.ceil(size.max / old.min), by.max);
    return { cost: scaled(size.max, 2 * perCharacter), size: { min: 0, max } };
  },
};

export const splitting: CostRule = {
  actual: (args) => scaled(sizeOf(at(args, 0)), 2 * perCharacter),
  estimate: (args) => {
    const { max } = sizeAt(args, 0);
    const limit = args[2]?.literal;
    return {
      cost: scaled(max, 2 * perCharacter),
      size: { min: 0, max: typeof limit === 'bigint' && limit >= 0n ? Number(limit) : max },
      elements: { min: 0, max },
    };
  },
};

export const joining: CostRule = {
  actual: (args) => {
    const [list, separator] = args;
    if (!(list instanceof ListValue)) return 1;
    let length = Math.max(0, list.size - 1) * sizeOf(separator ?? '');
    for (const element of list) length += sizeOf(element);
    return scaled(length, 2 * perCharacter);
  },
  estimate: (args) => {
    const list = sizeAt(args, 0);
    const elements = args[0]?.elements?.size ?? { min: 0, max: 0 };
    const separator = args[1] ? sizeAt(args, 1).max : 0;
    const max = times(list.max, elements.max) + times(Math.max(0, list.max - 1), separator);
    return { cost: scaled(max, perCharacter), size: { min: 0, max } };
  },
};

/** A conversion that may make the text longer. */
export function conversion(growth: number, more = 0): CostRule {
  return {
    actual: (args) => scaled(sizeOf(at(args, 0)), perCharacter),
    estimate: (args) => {
      const { max } = sizeAt(args, 0);
      return { cost: scaled(max, perCharacter), size: { min: 0, max: max * growth + more } };
    },
  };
}
