import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isApiError } from './errors.ts';
import {
  everything,
  formatFieldSelector,
  isLabelKey,
  isLabelValue,
  nothing,
  parseFieldSelector,
  parseSelector,
  type Requirement,
  selectorFromLabelSelector,
  selectorFromMap,
  selectorOf,
} from './selectors.ts';

const key = fc.constantFrom('app', 'tier', 'example.com/role', 'in', 'x.y_z-0');
const value = fc.constantFrom('', 'a', 'b', '1', '5', '-');
const label = value.filter(isLabelValue);
const labels = fc.dictionary(key, label);
const requirement: fc.Arbitrary<Requirement> = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom('in' as const, 'notin' as const),
    values: fc.uniqueArray(label, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ key, operator: fc.constantFrom('exists' as const, 'absent' as const), values: fc.constant([]) }),
  fc.record({ key, operator: fc.constantFrom('gt' as const, 'lt' as const), values: fc.constantFrom(['1'], ['3']) }),
);

/** The documented meaning, spelled out once more. */
function naive(requirements: readonly Requirement[], map: Record<string, string>): boolean {
  return requirements.every(({ key, operator, values }) => {
    const has = Object.keys(map).includes(key);
    const is = map[key] ?? '';
    if (operator === 'in') return has && values.includes(is);
    if (operator === 'notin') return !(has && values.includes(is));
    if (operator === 'exists') return has;
    if (operator === 'absent') return !has;
    if (!has || !/^\d+$/.test(is)) return false;
    return operator === 'gt' ? Number(is) > Number(values[0]) : Number(is) < Number(values[0]);
  });
}

describe('label selector', () => {
  it('selects as documented, and so does its text read back', () => {
    fc.assert(
      fc.property(fc.array(requirement, { maxLength: 4 }), labels, (requirements, map) => {
        const selector = selectorOf(requirements);
        assert.equal(selector.matches(map), naive(requirements, map));
        assert.equal(parseSelector(selector.toString()).matches(map), selector.matches(map));
      }),
    );
  });

  it('reads the forms that kubectl documents', () => {
    const pod = { environment: 'production', tier: 'frontend', n: '7' };
    for (const text of [
      '',
      'environment=production',
      'environment == production , tier != backend',
      'environment in (production, qa)',
      'tier notin (backend),environment',
      '!partition',
      'n>6,n<8',
      'missing!=x',
      'missing notin (x)',
    ]) {
      assert.ok(parseSelector(text).matches(pod), text);
    }
    for (const text of ['environment=qa', '!tier', 'n>7', 'tier in (backend)', 'missing', 'environment=']) {
      assert.ok(!parseSelector(text).matches(pod), text);
    }
  });

  it('refuses what it cannot read with BadRequest, and never crashes', () => {
    for (const text of ['a=b,', ',a', 'a b', 'a in b', 'a in (b', 'a>x', '=b', 'a=b=c', '!', 'a in', '*', `${'x'.repeat(64)}`]) {
      assert.throws(
        () => parseSelector(text),
        (error) => isApiError(error, 'BadRequest'),
        text,
      );
    }
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '=', '!', ',', '(', ')', ' ', 'in', '<', '1', '\u00e9') }), (text) => {
        try {
          parseSelector(text);
        } catch (error) {
          assert.ok(isApiError(error, 'BadRequest'));
        }
      }),
    );
  });

  it('from an absent LabelSelector selects nothing, from an empty one everything', () => {
    assert.equal(selectorFromLabelSelector(undefined).matches({}), false);
    assert.equal(selectorFromLabelSelector({}).matches({ a: 'b' }), true);
    assert.equal(nothing.matches({}), false);
    assert.equal(everything.matches(undefined), true);
    assert.equal(selectorFromMap(undefined).matches({ a: 'b' }), true);
    const selector = selectorFromLabelSelector({ matchLabels: { a: '1' }, matchExpressions: [{ key: 'b', operator: 'Exists' }] });
    assert.equal(selector.matches({ a: '1', b: '' }), true);
    assert.equal(selector.matches({ a: '1' }), false);
    assert.throws(() => selectorFromLabelSelector({ matchExpressions: [{ key: 'b', operator: 'Nope' }] }));
  });

  it('does not take inherited properties for labels', () => {
    assert.equal(parseSelector('toString').matches({}), false);
    assert.equal(parseSelector('constructor').matches(undefined), false);
  });

  it('knows label keys and values', () => {
    for (const text of ['a', 'A-b_c.d', 'example.com/a', `${'a'.repeat(63)}`]) assert.ok(isLabelKey(text), text);
    for (const text of ['', '-a', 'a/', '/a', 'Example.com/a', 'a/b/c', 'a b', `${'a'.repeat(64)}`]) assert.ok(!isLabelKey(text), text);
    assert.ok(isLabelValue(''));
    assert.ok(!isLabelValue('a b'));
  });
});

describe('field selector', () => {
  it('survives being written and read, whatever its values hold', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ',', '=', '\\', ' ', '!') });
    const term = fc.record(
      { field: fc.constantFrom('metadata.name', 'status.phase'), equal: fc.boolean(), value: text },
      { noNullPrototype: true },
    );
    const terms = fc.array(term, { maxLength: 3 });
    fc.assert(fc.property(terms, (list) => assert.deepEqual(parseFieldSelector(formatFieldSelector(list)), list)));
  });

  it('refuses a term without an operator', () => {
    assert.throws(
      () => parseFieldSelector('metadata.name'),
      (error) => isApiError(error, 'BadRequest'),
    );
  });
});
