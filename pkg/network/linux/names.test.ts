import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { networkNames } from './names.ts';

test('interface names fit Linux, whatever the cluster is called', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.integer({ min: 2, max: 254 }), (cluster, directory, place) => {
      const names = networkNames(cluster, directory);
      for (const name of [names.bridge, names.uplink(place)]) assert.match(name, /^[a-z0-9-]{1,15}$/);
      assert.ok(names.uplink(place).startsWith(names.uplinkPrefix));
      assert.notEqual(names.bridge.startsWith(names.uplinkPrefix), true);
    }),
  );
});

test('clusters of one name in different folders do not share a name', () => {
  const [one, two] = [networkNames('default', '/a'), networkNames('default', '/b')];
  assert.notEqual(one.bridge, two.bridge);
  assert.notEqual(one.prefix, two.prefix);
  assert.notEqual(one.uplinkPrefix, two.uplinkPrefix);
});
