/**
 * Decompression of SPDY's header blocks: zlib (RFC 1950) around deflate (RFC 1951), one stream for the life of a
 * connection, cut into blocks by sync flushes. Headers are small, so this is written to be read, not to be fast.
 */
import { adler32 } from './dictionary.ts';

/** Deflate looks back this far at most. */
const windowSize = 32 * 1024;
/** No header block is larger than this; a compressed one that is wants to do harm. */
const maxBlock = 64 * 1024;

export class Inflater {
  readonly #dictionary: Uint8Array;
  /** The last bytes that were put out (first the dictionary): what back-references refer to. */
  #window: number[] = [];
  #started = false;

  constructor(dictionary: Uint8Array) {
    this.#dictionary = dictionary;
  }

  /** One block, which ends at a sync flush. Throws on anything that is not valid. */
  inflate(input: Uint8Array): Uint8Array {
    const bits = new BitReader(input);
    if (!this.#started) this.#header(bits);
    this.#started = true;
    const out = this.#window;
    const begin = out.length;
    while (!bits.atEnd()) {
      bits.take(1); // "last block": never set while the connection lives, and of no meaning to us if it is
      const type = bits.take(2);
      if (type === 0) copyStored(bits, out);
      else if (type === 1) decodeBlock(bits, out, fixedLiterals, fixedDistances);
      else if (type === 2) decodeBlock(bits, out, ...readTrees(bits));
      else throw new Error('deflate: reserved block type');
      if (out.length - begin > maxBlock) throw new Error('deflate: header block too large');
    }
    const result = Uint8Array.from(out.slice(begin));
    if (out.length > windowSize) this.#window = out.slice(-windowSize);
    return result;
  }

  #header(bits: BitReader): void {
    const method = bits.take(8);
    const flags = bits.take(8);
    if ((method & 0x0f) !== 8 || (method * 256 + flags) % 31 !== 0) throw new Error('zlib: wrong header');
    if ((flags & 0x20) === 0) return;
    let id = 0;
    for (let i = 0; i < 4; i++) id = id * 256 + bits.take(8);
    if (id !== adler32(this.#dictionary)) throw new Error('zlib: unknown dictionary');
    this.#window = [...this.#dictionary];
  }
}

/** Bits in deflate's order: the lowest of each byte first. */
class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #buffer = 0;
  #count = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(n: number): number {
    while (this.#count < n) {
      if (this.#at >= this.#bytes.length) throw new Error('deflate: the block ends too early');
      this.#buffer |= (this.#bytes[this.#at++] as number) << this.#count;
      this.#count += 8;
    }
    const value = this.#buffer & ((1 << n) - 1);
    this.#buffer >>>= n;
    this.#count -= n;
    return value;
  }

  alignToByte(): void {
    this.#buffer = 0;
    this.#count = 0;
  }

  /** True when nothing but the padding of the last byte is left. */
  atEnd(): boolean {
    return this.#at >= this.#bytes.length && this.#count < 8 && this.#buffer === 0;
  }
}

function copyStored(bits: BitReader, out: number[]): void {
  bits.alignToByte();
  const length = bits.take(16);
  if ((bits.take(16) ^ length) !== 0xffff) throw new Error('deflate: wrong length of a stored block');
  for (let i = 0; i < length; i++) out.push(bits.take(8));
}

/** A canonical Huffman code: how many codes there are of each length, and the symbols in the order of their codes. */
interface Tree {
  readonly counts: readonly number[];
  readonly symbols: readonly number[];
}

function treeOf(lengths: readonly number[]): Tree {
  const counts = new Array<number>(16).fill(0);
  for (const length of lengths) counts[length] = (counts[length] as number) + 1;
  counts[0] = 0;
  const symbols: number[] = [];
  for (let length = 1; length < 16; length++) {
    for (const [symbol, each] of lengths.entries()) if (each === length) symbols.push(symbol);
  }
  return { counts, symbols };
}

function decodeSymbol(bits: BitReader, { counts, symbols }: Tree): number {
  let code = 0;
  let first = 0;
  let index = 0;
  for (let length = 1; length < 16; length++) {
    code |= bits.take(1);
    const count = counts[length] as number;
    if (code - count < first) return symbols[index + code - first] as number;
    index += count;
    first = (first + count) << 1;
    code <<= 1;
  }
  throw new Error('deflate: no such code');
}

const fixedLiterals = treeOf(Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)));
const fixedDistances = treeOf(new Array<number>(30).fill(5));

/** Symbols 257 to 285: the shortest length each stands for, and how many bits say how much more (RFC 1951, 3.2.5). */
const lengthBases = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const lengthBits = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const distanceBases = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385,
  24577,
];
const distanceBits = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];

function decodeBlock(bits: BitReader, out: number[], literals: Tree, distances: Tree): void {
  const limit = out.length + maxBlock;
  for (;;) {
    const symbol = decodeSymbol(bits, literals);
    if (symbol === 256) return;
    if (symbol < 256) {
      out.push(symbol);
    } else {
      const lengthAt = symbol - 257;
      if (lengthAt >= lengthBases.length) throw new Error('deflate: no such length');
      const length = (lengthBases[lengthAt] as number) + bits.take(lengthBits[lengthAt] as number);
      const distanceAt = decodeSymbol(bits, distances);
      if (distanceAt >= distanceBases.length) throw new Error('deflate: no such distance');
      const distance = (distanceBases[distanceAt] as number) + bits.take(distanceBits[distanceAt] as number);
      if (distance > out.length) throw new Error('deflate: a distance that reaches too far back');
      for (let i = 0; i < length; i++) out.push(out[out.length - distance] as number);
    }
    if (out.length > limit) throw new Error('deflate: header block too large');
  }
}

/** The order in which the lengths of the code for code lengths are written. */
const codeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

function readTrees(bits: BitReader): [literals: Tree, distances: Tree] {
  const literalCount = bits.take(5) + 257;
  const distanceCount = bits.take(5) + 1;
  const codeCount = bits.take(4) + 4;
  const codeLengths = new Array<number>(19).fill(0);
  for (let i = 0; i < codeCount; i++) codeLengths[codeOrder[i] as number] = bits.take(3);
  const codes = treeOf(codeLengths);
  const lengths: number[] = [];
  while (lengths.length < literalCount + distanceCount) {
    const symbol = decodeSymbol(bits, codes);
    if (symbol < 16) {
      lengths.push(symbol);
      continue;
    }
    const repeated = symbol === 16 ? lengths.at(-1) : 0;
    if (repeated === undefined) throw new Error('deflate: nothing to repeat');
    const times = symbol === 16 ? 3 + bits.take(2) : symbol === 17 ? 3 + bits.take(3) : 11 + bits.take(7);
    for (let i = 0; i < times; i++) lengths.push(repeated);
  }
  if (lengths.length > literalCount + distanceCount) throw new Error('deflate: too many code lengths');
  return [treeOf(lengths.slice(0, literalCount)), treeOf(lengths.slice(literalCount))];
}
