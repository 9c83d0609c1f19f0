import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { deepFreeze } from '../api/object.ts';
import { applyMergePatch } from './merge-patch.ts';
import { isObject } from './values.ts';

const key = fc.constantFrom('a', 'b', 'c', '__proto__', 'toString');
const leafValue = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.constant('x'),
  fc.constant(null),
  fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
);
const json = fc
  .letrec((tie) => ({
    node: fc.oneof({ depthSize: 'small' }, leafValue, fc.array(fc.tuple(key, tie('node')), { maxLength: 3 }).map(toObject)),
  }))
  .node.map((value) => deepFreeze(value));

function toObject(entries: readonly (readonly [string, unknown])[]): unknown {
  return JSON.parse(`{${[...new Map(entries)].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`);
}

/** RFC 7396, section 2, on plain JSON text so that `__proto__` is safe. */
function reference(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const entries = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) entries.delete(name);
    else entries.set(name, reference(entries.get(name), value));
  }
  return toObject([...entries]);
}

function hasNull(value: unknown): boolean {
  return value === null || (isObject(value) && Object.values(value).some(hasNull));
}

/** The patch that does what one after the other does. */
function compose(first: unknown, second: unknown): unknown {
  if (!isObject(first) || !isObject(second)) return second;
  const entries = new Map(Object.entries(first));
  for (const [name, value] of Object.entries(second)) {
    const before = entries.get(name);
    entries.set(name, isObject(value) && isObject(before) ? compose(before, value) : value);
  }
  return toObject([...entries]);
}

/** The smallest merge patch that leads from one object to the other. */
function mergeDiff(from: object, to: object): unknown {
  const [before, after] = [new Map(Object.entries(from)), new Map(Object.entries(to))];
  const patch = new Map<string, unknown>();
  for (const name of before.keys()) if (!after.has(name)) patch.set(name, null);
  for (const [name, value] of after) {
    const was = before.get(name);
    if (isObject(was) && isObject(value)) patch.set(name, mergeDiff(was, value));
    else if (JSON.stringify(was) !== JSON.stringify(value)) patch.set(name, value);
  }
  return toObject([...patch]);
}

const run = { numRuns: 500 };

describe('merge patch', () => {
  it('does what RFC 7396 says', () => {
    fc.assert(
      fc.property(json, json, (doc, patch) => {
        assert.deepEqual(applyMergePatch(doc, patch), reference(doc, patch));
      }),
      run,
    );
  });

  it('leaves a document as it is when it is empty', () => {
    fc.assert(
      fc.property(json.filter(isObject), (doc) => assert.deepEqual(applyMergePatch(doc, {}), doc)),
      run,
    );
  });

  it('does nothing more the second time', () => {
    fc.assert(
      fc.property(json, json, (doc, patch) => {
        const once = applyMergePatch(doc, patch);
        assert.deepEqual(applyMergePatch(once, patch), once);
      }),
      run,
    );
  });

  it('of the difference between two documents leads from one to the other', () => {
    fc.assert(
      fc.property(json.filter(isObject), json.filter(isObject), (from, to) => {
        fc.pre(!hasNull(to)); // a merge patch cannot say null
        assert.deepEqual(applyMergePatch(from, mergeDiff(from, to)), to);
      }),
      run,
    );
  });

  it('is associative where no patch makes an object of something else', () => {
    fc.assert(
      fc.property(json.filter(isObject), json.filter(isObject), json.filter(isObject), (first, second, third) => {
        fc.pre(!hasNull(first) && !hasNull(second) && sameShape(first, second, third));
        assert.deepEqual(compose(compose(first, second), third), compose(first, compose(second, third)));
      }),
      run,
    );
  });

  it('composes: one patch can stand for two, where the first does not replace an object by something else', () => {
    fc.assert(
      fc.property(json.filter(isObject), json.filter(isObject), json.filter(isObject), (doc, first, second) => {
        // A null below an object that the second patch finds made by the first would be lost in the composition.
        fc.pre(!hasNull(first) && !hasNull(second) && sameShape(doc, first, second));
        assert.deepEqual(applyMergePatch(applyMergePatch(doc, first), second), applyMergePatch(doc, compose(first, second)));
      }),
      run,
    );
  });
});

/** Whether no field changes between object and something else along the way. */
function sameShape(doc: unknown, first: unknown, second: unknown): boolean {
  if (!isObject(second)) return true;
  return Object.entries(second).every(([name, value]) => {
    const [in0, in1] = [doc, first].map((object) => (isObject(object) && Object.hasOwn(object, name) ? object[name] : undefined));
    if (isObject(value) && in1 !== undefined && !isObject(in1)) return false;
    return sameShape(in0, in1, value);
  });
}
