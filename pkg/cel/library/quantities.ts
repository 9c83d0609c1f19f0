/** Quantities: `quantity('1.5Gi').isGreaterThan(quantity('1G'))`. */
import { isQuantity, parseQuantity, type Quantity } from '../../api/quantity.ts';
import { opaque } from '../types/cel-type.ts';
import { traversal } from '../types/cost-rule.ts';
import { CelError, OpaqueValue } from '../values/value.ts';
import { f, m, type Overload } from './overload.ts';

const nano = 1_000_000_000n;

export class QuantityValue extends OpaqueValue {
  readonly type = opaque('kubernetes.Quantity');
  readonly quantity: Quantity;
  constructor(quantity: Quantity) {
    super();
    this.quantity = quantity;
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof QuantityValue && other.quantity.nanos === this.quantity.nanos;
  }
}

const type = 'kubernetes.Quantity';
type One = readonly [QuantityValue];
type Two = readonly [QuantityValue, QuantityValue];
type WithInt = readonly [QuantityValue, bigint];

export const quantities: readonly Overload[] = [
  f('quantity', `string -> ${type}`, (args: readonly [string]) => toQuantity(args[0]), traversal()),
  f('isQuantity', 'string -> bool', (args: readonly [string]) => isQuantity(args[0]), traversal()),
  f('sign', `(${type}) -> int`, (args: One) => sign(args[0].quantity.nanos)),
  m('isInteger', `(${type}) -> bool`, (args: One) => asInteger(args[0]) !== undefined),
  m('asInteger', `(${type}) -> int`, (args: One) => {
    const value = asInteger(args[0]);
    if (value === undefined) throw new CelError('cannot convert value to integer');
    return value;
  }),
  m('asApproximateFloat', `(${type}) -> double`, (args: One) => Number(args[0].quantity.nanos) / 1e9),
  m('isGreaterThan', `(${type}, ${type}) -> bool`, (args: Two) => difference(args) > 0n),
  m('isLessThan', `(${type}, ${type}) -> bool`, (args: Two) => difference(args) < 0n),
  m('compareTo', `(${type}, ${type}) -> int`, (args: Two) => sign(difference(args))),
  m('add', `(${type}, ${type}) -> ${type}`, (args: Two) => plus(args[0], args[1].quantity.nanos)),
  m('add', `(${type}, int) -> ${type}`, (args: WithInt) => plus(args[0], args[1] * nano)),
  m('sub', `(${type}, ${type}) -> ${type}`, (args: Two) => plus(args[0], -args[1].quantity.nanos)),
  m('sub', `(${type}, int) -> ${type}`, (args: WithInt) => plus(args[0], -args[1] * nano)),
];

function toQuantity(text: string): QuantityValue {
  if (!isQuantity(text)) throw new CelError(`quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`);
  return new QuantityValue(parseQuantity(text));
}

const sign = (value: bigint): bigint => (value < 0n ? -1n : value > 0n ? 1n : 0n);
const difference = ([a, b]: Two): bigint => a.quantity.nanos - b.quantity.nanos;
const plus = (a: QuantityValue, nanos: bigint): QuantityValue => new QuantityValue({ ...a.quantity, nanos: a.quantity.nanos + nanos });

function asInteger({ quantity: { nanos } }: QuantityValue): bigint | undefined {
  const whole = nanos / nano;
  return nanos % nano === 0n && BigInt.asIntN(64, whole) === whole ? whole : undefined;
}
