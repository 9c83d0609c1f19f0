/**
 * What the bytes on disk are. Four trees:
 *
 *   log      version → the write: key, value, record, and the key's version before it. Grows at its end only.
 *   index    key → references to its newest versions, newest first. Brought up to date from time to time.
 *   deleted  key → nothing; the keys whose newest version in `index` is a deletion, so that live keys can be counted.
 *   meta     a handful of named numbers.
 *
 * A version is named by one number, its reference: revision × 128 + place in the commit × 2 + (1 if a deletion). So
 * references order by time, and say by themselves when a version was and whether it is alive. Revisions up to 2^46
 * fit a double exactly: 44 years at 50,000 commits a second.
 */
import { crc32 } from 'node:zlib';
import { type KeyValue, StoreError } from '../store.ts';

export const formatVersion = 1;

/** References to versions; 0 stands for none. */
export type VersionRef = number;

export function makeRef(revision: number, place: number, deleted: boolean): VersionRef {
  return revision * 128 + place * 2 + (deleted ? 1 : 0);
}

export function refRevision(ref: VersionRef): number {
  return Math.floor(ref / 128);
}

export function isDeletion(ref: VersionRef): boolean {
  return ref % 2 === 1;
}

/** The references of the revisions in [from, to] are those in [firstRef(from), firstRef(to + 1)). */
export function firstRef(revision: number): VersionRef {
  return revision * 128;
}

export interface LogEntry {
  readonly ref: VersionRef;
  readonly key: string;
  /** 1 for the write that created the key; 0 for a deletion. */
  readonly version: number;
  readonly createRevision: number;
  /** The key's version before this one, 0 if there was none. It may have been compacted. */
  readonly previous: VersionRef;
  readonly value: Uint8Array;
  readonly record: Uint8Array | undefined;
}

/** A log entry without its value and record: what walking through history needs. */
export type LogHeader = Pick<LogEntry, 'ref' | 'key' | 'version' | 'createRevision' | 'previous'>;

/**
 * checksum u32 | has record u8 | - u8 | key length u16 | record length u32 | version u32 | create revision f64 |
 * previous f64 | key | record | value. The checksum covers the reference and everything after itself.
 */
const logHeaderBytes = 32;
const utf8 = new TextDecoder();

export function encodeLogEntry(entry: LogEntry): Buffer {
  const keyBytes = Buffer.byteLength(entry.key);
  const recordBytes = entry.record?.length ?? 0;
  const out = Buffer.allocUnsafe(logHeaderBytes + keyBytes + recordBytes + entry.value.length);
  out.writeUInt16LE(entry.record ? 1 : 0, 4);
  out.writeUInt16LE(keyBytes, 6);
  out.writeUInt32LE(recordBytes, 8);
  out.writeUInt32LE(entry.version, 12);
  out.writeDoubleLE(entry.createRevision, 16);
  out.writeDoubleLE(entry.previous, 24);
  out.write(entry.key, logHeaderBytes);
  if (entry.record) out.set(entry.record, logHeaderBytes + keyBytes);
  out.set(entry.value, logHeaderBytes + keyBytes + recordBytes);
  out.writeUInt32LE(crc32(out.subarray(4), entry.ref % 2 ** 32), 0);
  return out;
}

/** The first `size` of `bytes`, which may be a buffer that is about to be reused: what is kept is copied. Throws `Damaged`. */
export function decodeLogEntry(ref: VersionRef, bytes: Buffer, size: number): LogEntry {
  const { keyEnd, recordEnd } = checkLogEntry(ref, bytes, size);
  return {
    ref,
    key: bytes.toString('utf8', logHeaderBytes, keyEnd),
    version: bytes.readUInt32LE(12),
    createRevision: bytes.readDoubleLE(16),
    previous: bytes.readDoubleLE(24),
    value: copy(bytes, recordEnd, size),
    record: bytes.readUInt16LE(4) === 1 ? copy(bytes, keyEnd, recordEnd) : undefined,
  };
}

/** Of the entry of a put, what readers see; undefined if it is another key's. */
export function decodeItem(ref: VersionRef, bytes: Buffer, size: number, key: string): KeyValue | undefined {
  const { keyEnd, recordEnd } = checkLogEntry(ref, bytes, size);
  if (logHeaderBytes + Buffer.byteLength(key) !== keyEnd) return undefined;
  return {
    key,
    value: copy(bytes, recordEnd, size),
    createRevision: bytes.readDoubleLE(16),
    modRevision: refRevision(ref),
    version: bytes.readUInt32LE(12),
  };
}

export function decodeLogHeader(ref: VersionRef, bytes: Buffer, size: number): LogHeader {
  const { keyEnd } = checkLogEntry(ref, bytes, size);
  return {
    ref,
    key: bytes.toString('utf8', logHeaderBytes, keyEnd),
    version: bytes.readUInt32LE(12),
    createRevision: bytes.readDoubleLE(16),
    previous: bytes.readDoubleLE(24),
  };
}

function checkLogEntry(ref: VersionRef, bytes: Buffer, size: number): { keyEnd: number; recordEnd: number } {
  if (size < logHeaderBytes || crc32(bytes.subarray(4, size), ref % 2 ** 32) !== bytes.readUInt32LE(0)) {
    throw new StoreError('Damaged', `the entry of revision ${refRevision(ref)} in the log does not match its checksum`);
  }
  const keyEnd = logHeaderBytes + bytes.readUInt16LE(6);
  return { keyEnd, recordEnd: keyEnd + bytes.readUInt32LE(8) };
}

/** What `index` holds of a key. */
export interface IndexEntry {
  /** Its newest versions, newest first; never empty. */
  readonly refs: readonly VersionRef[];
  /** Of the newest version, if it is no deletion. */
  readonly version: number;
  readonly createRevision: number;
}

/** References kept in an index entry; older ones are found through the log, from each version to the one before. */
export const maxRefs = 32;

/** version u32 | create revision f64 | references f64 each. What a reference leads to has a checksum, and the key. */
const indexHeaderBytes = 12;

export function encodeIndexEntry(entry: IndexEntry): Buffer {
  const out = Buffer.allocUnsafe(indexHeaderBytes + 8 * entry.refs.length);
  out.writeUInt32LE(entry.version, 0);
  out.writeDoubleLE(entry.createRevision, 4);
  let at = indexHeaderBytes;
  for (const ref of entry.refs) at = out.writeDoubleLE(ref, at);
  return out;
}

export function decodeIndexEntry(bytes: Buffer, size: number): IndexEntry {
  if (size <= indexHeaderBytes || size % 8 !== indexHeaderBytes % 8) throw new StoreError('Damaged', 'an entry of the index is cut off');
  const refs: VersionRef[] = [];
  for (let at = indexHeaderBytes; at < size; at += 8) refs.push(bytes.readDoubleLE(at));
  return { refs, version: bytes.readUInt32LE(0), createRevision: bytes.readDoubleLE(4) };
}

/**
 * Of an index entry, without reading it all: the newest reference below `end`, 0 if all that are kept lie above; and
 * the oldest one.
 */
export function findRef(bytes: Buffer, size: number, end: VersionRef): { ref: VersionRef; oldest: VersionRef } {
  const oldest = bytes.readDoubleLE(size - 8);
  for (let at = indexHeaderBytes; at < size; at += 8) {
    const ref = bytes.readDoubleLE(at);
    if (ref < end) return { ref, oldest };
  }
  return { ref: 0, oldest };
}

/** The store's own numbers, written with every commit group. */
export interface Meta {
  readonly format: number;
  /** The newest revision. */
  readonly revision: number;
  /** The oldest revision that can be read. */
  readonly compacted: number;
  /** Versions that only reads before this revision could see are gone from disk. Invariant: cleaned <= compacted. */
  readonly cleaned: number;
  /** `index` knows every version up to this revision, and perhaps later ones. */
  readonly indexed: number;
  /** Revisions that were passed over, ascending. */
  readonly gaps?: readonly Gap[];
}

/**
 * Where a restored store went on: it stands at `until` as it did at `after`, and never had the revisions in between.
 * Its original may have had them: whoever has seen one of those has seen what never happened here.
 */
export interface Gap {
  readonly after: number;
  readonly until: number;
}

export function encodeMeta(meta: Meta): Buffer {
  return Buffer.from(JSON.stringify(meta));
}

/** Throws `Damaged` and `WrongVersion`. */
export function decodeMeta(bytes: Uint8Array): Meta {
  let meta: Partial<Record<keyof Meta, unknown>>;
  try {
    meta = Object(JSON.parse(utf8.decode(bytes)));
  } catch (cause) {
    throw new StoreError('Damaged', "the store's own numbers cannot be read", { cause });
  }
  if (meta.format !== formatVersion) {
    throw new StoreError('WrongVersion', `the data has format ${meta.format}, this program reads format ${formatVersion}`);
  }
  const { format, revision, compacted, cleaned, indexed } = meta;
  const numbers = [format, revision, compacted, cleaned, indexed];
  if (!numbers.every((n) => Number.isSafeInteger(n) && (n as number) >= 0)) {
    throw new StoreError('Damaged', `the store's own numbers make no sense: ${JSON.stringify(meta)}`);
  }
  if (meta.gaps !== undefined && !(Array.isArray(meta.gaps) && meta.gaps.every(isGap))) {
    throw new StoreError('Damaged', `the store's own numbers make no sense: ${JSON.stringify(meta)}`);
  }
  return meta as Meta;
}

function isGap(value: unknown): value is Gap {
  const { after, until } = Object(value) as Partial<Gap>;
  return Number.isSafeInteger(after) && Number.isSafeInteger(until) && (after as number) < (until as number);
}

/** The gap in which a revision lies. */
export function gapAt(meta: Pick<Meta, 'gaps'>, revision: number): Gap | undefined {
  return meta.gaps?.find(({ after, until }) => after < revision && revision < until);
}

/** A copy in memory of its own; small ones share slabs of 8 KiB. */
function copy(bytes: Buffer, start: number, end: number): Buffer {
  const out = Buffer.allocUnsafe(end - start);
  bytes.copy(out, 0, start, end);
  return out;
}
