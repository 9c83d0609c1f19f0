import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { apiVersionOf, controllerOf, controllerRef, copyOf, deepFreeze, keyOf, parseApiVersion, splitKey } from './object.ts';

describe('object', () => {
  it('names versions and keys so that they can be taken apart again', () => {
    for (const apiVersion of ['v1', 'apps/v1']) assert.equal(apiVersionOf(parseApiVersion(apiVersion)), apiVersion);
    for (const metadata of [
      { namespace: 'a', name: 'b' },
      { namespace: '', name: 'b' },
    ]) {
      assert.deepEqual(splitKey(keyOf({ metadata })), metadata);
    }
  });

  it('copies all of it: equal, apart, and changeable although the original is frozen', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const frozen = deepFreeze(JSON.parse(JSON.stringify(value)));
        const copy = copyOf(frozen);
        assert.equal(JSON.stringify(copy), JSON.stringify(frozen));
        if (typeof frozen === 'object' && frozen !== null) {
          assert.notEqual(copy, frozen);
          assert.ok(!Object.isFrozen(copy));
        }
      }),
    );
  });

  it('copies a key named __proto__ as a key', () => {
    const value = JSON.parse('{"data":{"__proto__":{"a":1},"b":2}}');
    assert.equal(JSON.stringify(copyOf(value)), JSON.stringify(value));
  });

  it('finds the owner that controls', () => {
    const metadata = { name: 'web', uid: 'u1', resourceVersion: '1', creationTimestamp: '2024-01-01T00:00:00Z' };
    const owner = controllerRef({ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata });
    const other = { apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: 'u2' };
    assert.equal(controllerOf({ metadata: { ...metadata, ownerReferences: [other, owner] } }), owner);
    assert.equal(controllerOf({ metadata: { ...metadata, ownerReferences: [other] } }), undefined);
  });
});
