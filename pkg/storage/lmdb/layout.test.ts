import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertSame } from '../contract/harness.ts';
import {
  decodeIndexEntry,
  decodeLogEntry,
  decodeLogHeader,
  decodeMeta,
  encodeIndexEntry,
  encodeLogEntry,
  encodeMeta,
  firstRef,
  isDeletion,
  type LogEntry,
  makeRef,
  refRevision,
} from './layout.ts';

const decodeWhole = (at: number, bytes: Buffer): LogEntry => decodeLogEntry(at, bytes, bytes.length);

const revision = fc.integer({ min: 1, max: 2 ** 46 - 1 });
const ref = fc.tuple(revision, fc.nat(59), fc.boolean()).map(([r, place, deleted]) => makeRef(r, place, deleted));
const logEntry = fc.record({
  ref,
  key: fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }),
  version: fc.nat(),
  createRevision: revision,
  previous: ref,
  value: fc.uint8Array({ maxLength: 50 }),
  record: fc.option(fc.uint8Array({ maxLength: 20 }), { nil: undefined }),
});

test('references order by revision, then by place, and tell both', () => {
  const property = fc.property(revision, revision, fc.nat(59), fc.boolean(), (a, b, place, deleted) => {
    const made = makeRef(a, place, deleted);
    assert.equal(refRevision(made), a);
    assert.equal(isDeletion(made), deleted);
    assert.ok(made >= firstRef(a) && made < firstRef(a + 1));
    if (a < b) assert.ok(made < makeRef(b, 0, false));
  });
  fc.assert(property);
});

test('entries are read as they were written', () => {
  const property = fc.property(logEntry, fc.array(ref, { minLength: 1, maxLength: 32 }), (entry, refs) => {
    const bytes = encodeLogEntry(entry);
    assertSame(decodeWhole(entry.ref, bytes), entry);
    const { value: _, record: __, ...header } = entry;
    assertSame(decodeLogHeader(entry.ref, bytes, bytes.length), header);
    const index = { refs, version: entry.version, createRevision: entry.createRevision };
    const encoded = encodeIndexEntry(index);
    assertSame(decodeIndexEntry(encoded, encoded.length), index);
  });
  fc.assert(property);
});

test('one changed bit, a cut, or another place is noticed', () => {
  const property = fc.property(logEntry, fc.nat(), fc.nat(7), (entry, at, bit) => {
    const bytes = encodeLogEntry(entry);
    assert.throws(() => decodeWhole(entry.ref + 2, bytes), { code: 'Damaged' });
    assert.throws(() => decodeWhole(entry.ref, bytes.subarray(0, at % bytes.length)), { code: 'Damaged' });
    bytes.writeUInt8(bytes.readUInt8(at % bytes.length) ^ (1 << bit), at % bytes.length);
    assert.throws(() => decodeWhole(entry.ref, bytes), { code: 'Damaged' });
  });
  fc.assert(property);
});

test("the store's numbers are refused when they are none, or of another format", () => {
  const meta = { format: 1, revision: 7, compacted: 3, cleaned: 2, indexed: 5 };
  assert.deepEqual(decodeMeta(encodeMeta(meta)), meta);
  assert.throws(() => decodeMeta(encodeMeta({ ...meta, format: 2 })), { code: 'WrongVersion' });
  assert.throws(() => decodeMeta(encodeMeta({ ...meta, revision: -1 })), { code: 'Damaged' });
  for (const text of ['', 'null', '{', '[]']) {
    assert.throws(
      () => decodeMeta(Buffer.from(text)),
      (error: Error) => /Damaged|WrongVersion/.test((error as { code?: string }).code ?? ''),
    );
  }
});
