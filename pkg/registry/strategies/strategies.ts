import type { Strategy } from '../strategy.ts';

const strategies: Readonly<Record<string, Strategy>> = {};
const plain: Strategy = {};

/** What one resource does differently, by group and plural. */
export function strategyOf(group: string, resource: string): Strategy {
  return strategies[group === '' ? resource : `${resource}.${group}`] ?? plain;
}
