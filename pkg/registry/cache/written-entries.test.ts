import assert from 'node:assert/strict';
import { test } from 'node:test';
import { objectFormat } from '../object-format.ts';
import { WrittenEntries } from './written-entries.ts';

const format = objectFormat({ group: '', version: 'v1', kind: 'ConfigMap' });

function write(written: WrittenEntries, revision: number) {
  const key = `m-${revision}`;
  const shaped = format.shape({ metadata: { name: key, labels: { a: 'b' } }, data: { key: 'ä' } });
  const value = format.encode(shaped);
  written.announce(key, value, shaped);
  return { shaped, key, value, entry: written.entry(format, { key, value, revision }) };
}

test('the writer and the event get one entry, with what the writer decoded', () => {
  const written = new WrittenEntries();
  const { shaped, key, value, entry } = write(written, 7);
  assert.equal(written.entry(format, { key, value, revision: 7 }), entry);
  assert.equal(entry.object, shaped);
  assert.equal(entry.object.metadata.resourceVersion, '7');
  assert.notEqual(written.entry(format, { key, value, revision: 8 }), entry);
});

test('of two writers of one key each gets what he wrote', () => {
  const written = new WrittenEntries();
  const [mine, theirs] = ['mine', 'theirs'].map((text) => format.shape({ metadata: { name: 'm' }, data: { text } }));
  assert.ok(mine && theirs);
  const [value, other] = [format.encode(mine), format.encode(theirs)];
  written.announce('m', value, mine);
  written.announce('m', other, theirs);
  assert.equal(written.entry(format, { key: 'm', value: other, revision: 2 }).object, theirs);
  assert.deepEqual(written.entry(format, { key: 'm', value, revision: 1 }).object, {
    ...mine,
    metadata: { name: 'm', resourceVersion: '1' },
  });
});

test('what nobody asked for is let go, and made again from the bytes, equal to what it was', () => {
  const written = new WrittenEntries();
  const unread = write(written, 1);
  const read = write(written, 2);
  const sent = write(written, 3);
  const asked = read.entry.object;
  const json = sent.entry.json();
  for (let revision = 4; revision < 400; revision++) write(written, revision);
  assert.equal(read.entry.object, asked);
  assert.equal(sent.entry.json(), json);
  for (const { entry, shaped } of [unread, sent]) {
    assert.notEqual(entry.peek(), shaped);
    assert.deepEqual(entry.object, shaped);
    assert.equal(entry.object, entry.object);
    assert.ok(Object.isFrozen(entry.object.metadata));
  }
});
