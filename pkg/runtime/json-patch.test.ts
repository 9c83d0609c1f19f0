import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type ApiError, isApiError } from '../api/errors.ts';
import { deepFreeze } from '../api/object.ts';
import { applyJsonPatch } from './json-patch.ts';
import { isObject } from './values.ts';

function refusal(doc: unknown, ops: unknown): ApiError {
  try {
    applyJsonPatch(doc, ops);
  } catch (error) {
    assert.ok(isApiError(error), String((error as Error).stack));
    return error;
  }
  assert.fail(`accepted ${JSON.stringify(ops)}`);
}

describe('JSON patch', () => {
  const doc = deepFreeze({ a: { 'b/c': 1, 'd~e': 2 }, list: [1, 2, 3], n: null });

  it('does what the operations of RFC 6902 say', () => {
    const cases: readonly [ops: unknown, result: unknown][] = [
      [[{ op: 'add', path: '/x', value: [1] }], { ...doc, x: [1] }],
      [[{ op: 'add', path: '/list/1', value: 9 }], { ...doc, list: [1, 9, 2, 3] }],
      [[{ op: 'add', path: '/list/-', value: 9 }], { ...doc, list: [1, 2, 3, 9] }],
      [[{ op: 'add', path: '', value: 7 }], 7],
      [[{ op: 'remove', path: '/list/0' }], { ...doc, list: [2, 3] }],
      [[{ op: 'remove', path: '/a/b~1c' }], { ...doc, a: { 'd~e': 2 } }],
      [[{ op: 'replace', path: '/a/d~0e', value: 3 }], { ...doc, a: { 'b/c': 1, 'd~e': 3 } }],
      [[{ op: 'replace', path: '/n', value: 1 }], { ...doc, n: 1 }],
      [[{ op: 'move', from: '/list/0', path: '/list/2' }], { ...doc, list: [2, 3, 1] }],
      [[{ op: 'copy', from: '/a', path: '/b' }], { ...doc, b: doc.a }],
      [[{ op: 'test', path: '/a', value: { 'd~e': 2, 'b/c': 1 } }], doc],
      [[{ op: 'test', path: '/missing', value: null }], doc],
      [[{ op: 'add', path: '/x', value: null }], { ...doc, x: null }],
      [[], doc],
    ];
    for (const [ops, result] of cases) assert.deepEqual(applyJsonPatch(doc, ops), result, JSON.stringify(ops));
  });

  it('answers 422 to a patch that does not fit, and keeps the reason for who looks into the error', () => {
    const cases: readonly [op: object, why: RegExp][] = [
      [{ op: 'remove', path: '/x' }, /remove operation does not apply.*\/x/],
      [{ op: 'replace', path: '/list/3', value: 1 }, /missing/],
      [{ op: 'add', path: '/list/5', value: 1 }, /index: 5/],
      [{ op: 'add', path: '/list/01', value: 1 }, /index/],
      [{ op: 'add', path: '/x/y', value: 1 }, /missing/],
      [{ op: 'test', path: '/list/0', value: 2 }, /testing value \/list\/0 failed/],
      [{ op: 'move', from: '/a', path: '/a/b' }, /lies within/],
      [{ op: 'add', path: 'x', value: 1 }, /no JSON pointer/],
      [{ op: 'remove', path: '/toString' }, /missing/],
      [{ op: 'test', path: '/list/-', value: null }, /missing/],
    ];
    for (const [op, why] of cases) {
      const error = refusal(doc, [op]);
      assert.equal(error.code, 422);
      assert.deepEqual(error.details, {});
      assert.match(String(error.cause), why, JSON.stringify(op));
    }
  });

  it('replaces a field that is not there, and takes no value for null', () => {
    assert.deepEqual(applyJsonPatch({ a: 1 }, [{ op: 'replace', path: '/b', value: 2 }]), { a: 1, b: 2 });
    assert.deepEqual(applyJsonPatch({ a: 1 }, [{ op: 'add', path: '/a' }]), { a: null });
    assert.deepEqual(applyJsonPatch({ a: 1 }, [{ op: 'copy', from: '/x', path: '/b' }]), { a: 1, b: null });
  });

  it('answers 400 to what is no patch, 422 to operations that are none, and refuses 10,001 of them', () => {
    for (const ops of [{}, 'x', [1]]) assert.equal(refusal(doc, ops).code, 400, JSON.stringify(ops));
    for (const ops of [[{ op: 'mix', path: '/a' }], [{ op: 'remove' }], [{ op: 'copy', path: '/a' }]]) {
      assert.equal(refusal(doc, ops).code, 422, JSON.stringify(ops));
    }
    assert.equal(refusal(doc, Array(10_001).fill({ op: 'test', path: '/n', value: null })).reason, 'RequestEntityTooLarge');
    const doubling = [{ op: 'add', path: '', value: { a: [1] } }, ...Array(40).fill({ op: 'copy', from: '/a', path: '/a/-' })];
    assert.equal(refusal({}, doubling).code, 422);
  });

  it('refuses what would grow without bound: in depth, or in work', () => {
    const deeper = Array.from({ length: 12 }, (_, n) => ({ op: 'copy', from: '', path: `/a${'/a'.repeat(2 ** n - 1)}` }));
    assert.equal(refusal({ a: {} }, deeper).code, 422);
    const list = { list: Array(100_000).fill(0) };
    assert.equal(refusal(list, Array(2000).fill({ op: 'add', path: '/list/0', value: 0 })).code, 422);
  });

  it('is all or nothing, and changes neither document nor patch', () => {
    const part = fc.constantFrom('/a', '/list', '/list/0', '/list/-', '/x', '', '/a/b~1c', '/list/9', '/__proto__', '/n/m');
    const op = fc.oneof(
      fc.record({ op: fc.constantFrom('add', 'replace', 'test'), path: part, value: fc.constantFrom(1, null, { y: [] }, [2]) }),
      fc.record({ op: fc.constant('remove'), path: part }),
      fc.record({ op: fc.constantFrom('move', 'copy'), path: part, from: part }),
    );
    fc.assert(
      fc.property(fc.array(op, { maxLength: 6 }), (ops) => {
        const before = JSON.stringify(doc);
        try {
          applyJsonPatch(doc, deepFreeze(ops));
        } catch (error) {
          assert.ok(isApiError(error), String((error as Error).stack));
        }
        assert.equal(JSON.stringify(doc), before);
      }),
      { numRuns: 500 },
    );
  });

  const json = fc
    .letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(0, 1, 'x', null, true),
        fc.array(tie('node'), { maxLength: 4 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'c/d', 'e~f', ''), tie('node'), { maxKeys: 3, noNullPrototype: true }),
      ),
    }))
    .node.map((value) => deepFreeze(value));

  it('of the difference between two documents leads from one to the other, and its tests hold on the way', () => {
    fc.assert(
      fc.property(json, json, (from, to) => {
        assert.deepEqual(
          applyJsonPatch(from, [{ op: 'test', path: '', value: from }, ...diff(from, to, ''), { op: 'test', path: '', value: to }]),
          to,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('in two halves is what it is as a whole; a move there and back, and a copy that is removed, are nothing', () => {
    fc.assert(
      fc.property(json, json, fc.nat(20), (from, to, at) => {
        const ops = diff(from, to, '');
        const half = Math.min(at, ops.length);
        assert.deepEqual(applyJsonPatch(applyJsonPatch(from, ops.slice(0, half)), ops.slice(half)), applyJsonPatch(from, ops));
        const held = { held: from };
        const around = [
          { op: 'move', from: '/held', path: '/elsewhere' },
          { op: 'copy', from: '/elsewhere', path: '/again' },
          { op: 'remove', path: '/again' },
          { op: 'move', from: '/elsewhere', path: '/held' },
        ];
        assert.deepEqual(applyJsonPatch(held, around), held);
      }),
      { numRuns: 300 },
    );
  });
});

type Operations = { op: string; path: string; value?: unknown }[];

/** Not the shortest way from one document to the other, but one that uses add, remove and replace. */
function diff(from: unknown, to: unknown, path: string): Operations {
  const below = (key: string | number): string => `${path}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
  if (Array.isArray(from) && Array.isArray(to)) {
    const common = Math.min(from.length, to.length);
    const ops = from.slice(0, common).flatMap((item, i) => diff(item, to[i], below(i)));
    for (let i = from.length; i > common; i--) ops.push({ op: 'remove', path: below(i - 1) });
    for (const value of to.slice(common)) ops.push({ op: 'add', path: below('-'), value });
    return ops;
  }
  if (isObject(from) && isObject(to)) {
    const gone = Object.keys(from).filter((key) => !Object.hasOwn(to, key));
    const ops: Operations = gone.map((key) => ({ op: 'remove', path: below(key) }));
    for (const [key, value] of Object.entries(to)) {
      if (Object.hasOwn(from, key)) ops.push(...diff(from[key], value, below(key)));
      else ops.push({ op: 'add', path: below(key), value });
    }
    return ops;
  }
  return JSON.stringify(from) === JSON.stringify(to) ? [] : [{ op: 'replace', path, value: to }];
}
