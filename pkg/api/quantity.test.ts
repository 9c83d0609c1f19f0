import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isApiError } from './errors.ts';
import {
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  isQuantity,
  parseQuantity,
  quantityMillis,
  quantityValue,
} from './quantity.ts';

const suffix = fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'T', 'Ki', 'Mi', 'Gi', 'Ti', 'e3', 'E-2', 'e0');
const quantity = fc
  .tuple(fc.constantFrom('', '+', '-'), fc.nat(1_000_000), fc.option(fc.nat(999_999)), suffix)
  .map(([sign, whole, fraction, end]) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${end}`);

describe('quantity', () => {
  it('has the canonical forms that Kubernetes documents', () => {
    const cases: Record<string, string> = {
      '0.5': '500m',
      '1000m': '1',
      '100m': '100m',
      '1024Mi': '1Gi',
      '1.5Gi': '1536Mi',
      '1500Mi': '1500Mi',
      '0.1Ki': '102400m',
      '1.5Ki': '1536',
      '1e3': '1e3',
      '12e-1': '1200e-3',
      '1E': '1E',
      '1E3': '1e3',
      '+7': '7',
      '-1.5': '-1500m',
      '.5': '500m',
      '5.': '5',
      '000': '0',
      '0Mi': '0',
      '123456789k': '123456789k',
      '0.0000000001': '1n',
    };
    for (const [text, canonical] of Object.entries(cases)) assert.equal(canonicalQuantity(text), canonical, text);
  });

  it('keeps its value and its canonical form when written and read again', () => {
    fc.assert(
      fc.property(quantity, (text) => {
        const canonical = canonicalQuantity(text);
        assert.equal(parseQuantity(canonical).nanos, parseQuantity(text).nanos);
        assert.equal(canonicalQuantity(canonical), canonical);
      }),
    );
  });

  it('is ordered as its value, antisymmetrically', () => {
    fc.assert(
      fc.property(quantity, quantity, (a, b) => {
        assert.equal(compareQuantities(a, b), -compareQuantities(b, a) + 0);
        if (quantityMillis(a) < quantityMillis(b)) assert.equal(compareQuantities(a, b), -1);
      }),
    );
  });

  it('counts whole units and thousandths rounded up', () => {
    assert.equal(quantityValue('1100m'), 2);
    assert.equal(quantityValue('-1100m'), -1);
    assert.equal(quantityValue('1Gi'), 2 ** 30);
    assert.equal(quantityMillis('1.0001'), 1001);
    assert.equal(quantityMillis('2'), 2000);
    assert.equal(quantityValue(undefined), 0);
  });

  it('is capped where Kubernetes caps it', () => {
    assert.equal(parseQuantity('100E').nanos, (2n ** 63n - 1n) * 1_000_000_000n);
    assert.equal(formatQuantity(parseQuantity('1e30')), '9223372036854775807');
  });

  it('refuses what is no quantity, whatever its length, with BadRequest', () => {
    for (const text of ['', 'x', '1.2.3', '1 Gi', '1gi', '--1', '1mm', 'e3', '1e', '.', `1${'0'.repeat(1_000_000)}`]) {
      assert.equal(isQuantity(text), false, text.slice(0, 20));
      assert.throws(
        () => parseQuantity(text),
        (error) => isApiError(error, 'BadRequest'),
      );
    }
  });
});
