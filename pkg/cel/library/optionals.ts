/** Values that may be missing: `self.?a.orValue(1)`, `optional.of(x)`. */
import { free } from '../types/cost-rule.ts';
import type { Budget } from '../values/budget.ts';
import {
  ArrayList,
  CelError,
  type CelValue,
  Duration,
  ListValue,
  MapValue,
  none,
  OptionalValue,
  Timestamp,
  Uint,
} from '../values/value.ts';
import { f, m, type Overload } from './overload.ts';

export const optionals: readonly Overload[] = [
  f('optional.of', 'A -> optional(A)', (args: readonly [CelValue]) => new OptionalValue(args[0])),
  f('optional.none', '() -> optional(A)', () => none),
  f('optional.ofNonZeroValue', 'A -> optional(A)', (args: readonly [CelValue]) => (isZero(args[0]) ? none : new OptionalValue(args[0]))),
  f('optional.unwrap', 'list(optional(A)) -> list(A)', (args: readonly [ListValue], budget) => unwrapAll(args[0], budget)),
  m('unwrapOpt', '(list(optional(A))) -> list(A)', (args: readonly [ListValue], budget) => unwrapAll(args[0], budget)),
  m('first', '(list(A)) -> optional(A)', (args: readonly [ListValue]) => endOf(args[0], 0)),
  m('last', '(list(A)) -> optional(A)', (args: readonly [ListValue]) => endOf(args[0], args[0].size - 1)),
  m('value', '(optional(A)) -> A', (args: readonly [OptionalValue]) => {
    if (args[0].value === undefined) throw new CelError('optional.none() dereference');
    return args[0].value;
  }),
  m('hasValue', '(optional(A)) -> bool', (args: readonly [OptionalValue]) => args[0].value !== undefined),
  m('or', '(optional(A), optional(A)) -> optional(A)', (args: readonly [OptionalValue, OptionalValue]) =>
    args[0].value === undefined ? args[1] : args[0],
  ),
  m('orValue', '(optional(A), A) -> A', (args: readonly [OptionalValue, CelValue]) =>
    args[0].value === undefined ? args[1] : args[0].value,
  ),
  // Evaluated by the evaluator; declared here for their types.
  f('_[_]', '(optional(list(A)), int) -> optional(A)', () => none, free),
  f('_[_]', '(optional(map(A, B)), A) -> optional(B)', () => none, free),
  f('_[?_]', '(list(A), int) -> optional(A)', () => none, free),
  f('_[?_]', '(optional(list(A)), int) -> optional(A)', () => none, free),
  f('_[?_]', '(map(A, B), A) -> optional(B)', () => none, free),
  f('_[?_]', '(optional(map(A, B)), A) -> optional(B)', () => none, free),
];

function isZero(value: CelValue): boolean {
  if (value === null || value === false || value === 0 || value === 0n || value === '') return true;
  if (value instanceof ListValue || value instanceof MapValue) return value.size === 0;
  if (value instanceof Uint8Array) return value.length === 0;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Duration) return value.nanos === 0n;
  // The year 1.
  if (value instanceof Timestamp) return value.nanos === -62_135_596_800_000_000_000n;
  return value instanceof OptionalValue && value.value === undefined;
}

function unwrapAll(list: ListValue, budget: Budget): CelValue {
  budget.work(list.size);
  const values = [...list].flatMap((element) => (element instanceof OptionalValue && element.value !== undefined ? [element.value] : []));
  return new ArrayList(values);
}

function endOf(list: ListValue, index: number): OptionalValue {
  return list.size === 0 ? none : new OptionalValue(list.at(index));
}
