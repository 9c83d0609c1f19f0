import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evictionTime } from './decide.ts';

const taint = (key: string, since: number) => ({ taint: { key, effect: 'NoExecute' }, since });

test('without a toleration at once, with one for a while after that while, with one for ever never', () => {
  assert.equal(evictionTime([taint('a', 1000)]), 1000);
  assert.equal(evictionTime([taint('a', 1000)], [{ key: 'a', operator: 'Exists', tolerationSeconds: 5 }]), 6000);
  assert.equal(evictionTime([taint('a', 1000)], [{ key: 'a', operator: 'Exists' }]), undefined);
  assert.equal(evictionTime([taint('a', 1000)], [{ key: 'a', operator: 'Exists', tolerationSeconds: -3 }]), 1000);
  assert.equal(evictionTime([]), undefined);
});

test('of several taints the earliest end counts', () => {
  const tolerations = [
    { key: 'a', operator: 'Exists', tolerationSeconds: 5 },
    { key: 'b', operator: 'Exists', tolerationSeconds: 1 },
  ];
  assert.equal(evictionTime([taint('a', 0), taint('b', 3000)], tolerations), 4000);
  assert.equal(evictionTime([taint('a', 0), taint('c', 9000)], tolerations), 5000);
});

test('a toleration for another effect does not help', () => {
  assert.equal(evictionTime([taint('a', 0)], [{ key: 'a', operator: 'Exists', effect: 'NoSchedule' }]), 0);
});
