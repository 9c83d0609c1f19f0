import assert from 'node:assert/strict';
import { test } from 'node:test';
import { objectFormat } from '../object-format.ts';
import { WrittenEntries } from './written-entries.ts';

const format = objectFormat({ group: '', version: 'v1', kind: 'ConfigMap' });

function write(written: WrittenEntries, revision: number) {
  const shaped = format.shape({ metadata: { name: `m-${revision}`, labels: { a: 'b' } }, data: { key: 'ä' } });
  const value = format.encode(shaped);
  written.announce(value, shaped);
  return { shaped, value, entry: written.entry(format, value, revision) };
}

test('the writer and the event get one entry, with what the writer decoded', () => {
  const written = new WrittenEntries();
  const { shaped, value, entry } = write(written, 7);
  assert.equal(written.entry(format, value, 7), entry);
  assert.equal(entry.object, shaped);
  assert.equal(entry.object.metadata.resourceVersion, '7');
  assert.notEqual(written.entry(format, value, 8), entry);
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
