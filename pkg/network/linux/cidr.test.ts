import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress, formatCidr, hardwareAddress, nth, overlap, parseAddress, parseCidr, sizeOf } from './cidr.ts';

const address = fc.nat(0xffffffff);
const cidr = fc
  .record({ address, bits: fc.integer({ min: 0, max: 32 }) })
  .map(({ address: at, bits }) => parseCidr(`${formatAddress(at)}/${bits}`));

test('addresses and ranges survive being written and read', () => {
  fc.assert(fc.property(address, (at) => parseAddress(formatAddress(at)) === at));
  fc.assert(fc.property(cidr, (range) => formatCidr(parseCidr(formatCidr(range))) === formatCidr(range)));
});

test('two ranges overlap exactly when one holds the first address of the other', () => {
  const holds = (range: { base: number; bits: number }, at: number): boolean => at >= range.base && at < range.base + sizeOf(range);
  fc.assert(fc.property(cidr, cidr, (a, b) => overlap(a, b) === (holds(a, b.base) || holds(b, a.base))));
});

test('a hardware address is local, no group address, and follows from the address', () => {
  assert.equal(hardwareAddress('10.244.1.2'), '0a:58:0a:f4:01:02');
  assert.equal(nth(parseCidr('10.88.0.0/24'), 11), '10.88.0.11');
});

test('what is no range is refused', () => {
  for (const text of ['', '10.0.0.0/33', '10.0.0/8', '256.0.0.0/8', '10.0.0.0/x', 'fd00::/64'])
    assert.throws(() => parseCidr(text), new RegExp(`"${text.split('/')[0]?.replaceAll('.', '\\.')}`));
});
