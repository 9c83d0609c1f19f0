import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundingSet, defaultCapabilities } from './capabilities.ts';

const names = (set: string): string[] => set.split(',');

test('without a word it is the default set', () => {
  assert.deepEqual(names(boundingSet({})), ['-all', ...defaultCapabilities.map((name) => `+${name.toLowerCase()}`)]);
});

test('ALL goes before single names, whichever side it is on', () => {
  assert.equal(boundingSet({ dropCapabilities: ['ALL'] }), '-all');
  assert.equal(boundingSet({ dropCapabilities: ['ALL'], addCapabilities: ['CAP_NET_ADMIN', 'chown'] }), '-all,+chown,+net_admin');
  assert.equal(boundingSet({ addCapabilities: ['ALL'], dropCapabilities: ['SYS_ADMIN'] }), '+all,-sys_admin');
  assert.equal(boundingSet({ privileged: true, dropCapabilities: ['ALL'] }), '+all');
});

test('a name that Linux does not know is an error, even where everything is granted', () => {
  assert.throws(() => boundingSet({ addCapabilities: ['FLY'] }), /unknown capability "FLY"/);
  assert.throws(() => boundingSet({ privileged: true, dropCapabilities: ['FLY'] }), /unknown capability/);
});
