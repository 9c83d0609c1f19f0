/**
 * Costs of what is no call, in Kubernetes' units, shared by estimate and evaluation. cel-go rewrites a macro to a loop
 * over an accumulator and charges for every step of it; the same sums stand here as constants.
 */
import type { FoldMacro } from '../syntax/ast.ts';

/** A variable, a selected field. */
export const nameCost = 1;
export const listCost = 10;
export const mapCost = 30;
export const messageCost = 40;

export interface FoldCosts {
  /** The accumulator's first value; a constant, which is estimated, and costs nothing when it is there. */
  readonly start: number;
  /** Each time: whether to go on, and looking at the accumulator. */
  readonly test: number;
  /** Each time, beside filter and body: where the element is taken, and where it is left out. */
  readonly taken: number;
  readonly left: number;
  readonly end: number;
  /** Whether a list or map comes out. */
  readonly makes: boolean;
}

/** Adding [x] to a list: the accumulator, the list of one, the addition. */
const append = nameCost + listCost + 1;

export const foldCosts: Readonly<Record<FoldMacro, FoldCosts>> = {
  all: { start: 0, test: 3, taken: 0, left: 0, end: nameCost, makes: false },
  exists: { start: 0, test: 4, taken: 0, left: 0, end: nameCost, makes: false },
  exists_one: { start: 0, test: 0, taken: 2, left: 1, end: 2, makes: false },
  filter: { start: listCost, test: 0, taken: append + nameCost, left: nameCost, end: nameCost, makes: true },
  map: { start: listCost, test: 0, taken: append, left: nameCost, end: nameCost, makes: true },
  // Keys are made as by map, and then compared.
  sortBy: { start: listCost + listCost, test: 0, taken: append + listCost, left: nameCost, end: nameCost, makes: true },
  transformList: { start: listCost, test: 0, taken: append, left: nameCost, end: nameCost, makes: true },
  transformMap: { start: mapCost, test: 0, taken: 3, left: nameCost, end: nameCost, makes: true },
  transformMapEntry: { start: mapCost, test: 0, taken: 2, left: nameCost, end: nameCost, makes: true },
};
