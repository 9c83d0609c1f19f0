/**
 * Reads an LMDB file as bytes, to tell whether LMDB itself may map it into memory: LMDB trusts what it maps, and a
 * file that is cut off or not its own ends the process with a signal.
 *
 * A file is pages of one size. Pages 0 and 1 are meta pages, of which the newer one counts: it names the last page
 * in use and the roots of two trees, the free list and the main one, whose leaves name further trees (LMDB data
 * format 2, as lmdb 3.5 writes it: little-endian, 64 bits).
 */
import { type FileHandle, open } from 'node:fs/promises';
import { StoreError } from '../store.ts';

/**
 * The quick check, at every start: the meta pages, the roots, and that the pages in use are there. Throws `Damaged`.
 * The last pages may be free and never have been written: a file that seems cut off is read as a whole to tell.
 */
export async function checkDataFile(file: string): Promise<void> {
  await withFile(file, async (pages) => {
    const { lastPage, roots } = await pages.newestMeta();
    for (const root of roots) await pages.read(root);
    if (lastPage >= pages.count) await pages.walk(roots);
  });
}

/** The whole check, for snapshots: every page of every tree is where it should be. Throws `Damaged`. */
export async function verifyDataFile(file: string): Promise<void> {
  await withFile(file, async (pages) => pages.walk((await pages.newestMeta()).roots));
}

async function withFile(file: string, body: (pages: Pages) => Promise<void>): Promise<void> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    await body(new Pages(file, handle, size));
  } finally {
    await handle.close();
  }
}

interface Meta {
  readonly lastPage: number;
  readonly roots: readonly number[];
  readonly transaction: bigint;
}

class Pages {
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #size: number;
  #pageSize = 4096;

  constructor(file: string, handle: FileHandle, size: number) {
    this.#file = file;
    this.#handle = handle;
    this.#size = size;
  }

  /** Whole pages in the file. */
  get count(): number {
    return Math.floor(this.#size / this.#pageSize);
  }

  async newestMeta(): Promise<Meta> {
    const first = this.#parseMeta(await this.#bytes(0));
    const second = this.#parseMeta(await this.#bytes(1));
    return second.transaction > first.transaction ? second : first;
  }

  /** A page that belongs to a tree; `noPage` is an empty tree's. */
  async read(number: number): Promise<Buffer | undefined> {
    if (number === noPage) return undefined;
    if (number >= this.count)
      throw this.#damaged(`page ${number} is in use, but it ends after page ${this.count - 1}: it has been cut off`);
    const page = await this.#bytes(number);
    if (Number(page.readBigUInt64LE(0)) !== number) throw this.#damaged(`page ${number} is not what it should be`);
    return page;
  }

  /** Visits every page of the trees under `roots`. */
  async walk(roots: readonly number[]): Promise<void> {
    const left = [...roots];
    for (let visited = 0; left.length > 0; ) {
      const number = left.pop() as number;
      const page = await this.read(number);
      if (!page) continue;
      if (++visited > this.count) throw this.#damaged('its pages name each other in a circle');
      left.push(...this.#children(number, page));
    }
  }

  /** The pages that a page names: children of a branch, large values and further trees of a leaf. */
  #children(number: number, page: Buffer): number[] {
    const flags = page.readUInt16LE(18);
    if ((flags & (branchFlag | leafFlag)) === 0) throw this.#damaged(`page ${number} is of no known kind`);
    const entries = page.readUInt16LE(20) >> 1;
    const children: number[] = [];
    for (let i = 0; i < entries; i++) {
      const node = page.readUInt16LE(headerBytes + 2 * i) + headerBytes;
      if (node + nodeBytes > page.length) throw this.#damaged(`page ${number} has an entry beyond its end`);
      if (flags & branchFlag) {
        children.push(page.readUInt32LE(node) + page.readUInt16LE(node + 4) * 2 ** 32);
        continue;
      }
      const data = node + nodeBytes + page.readUInt16LE(node + 6);
      const kind = page.readUInt16LE(node + 4);
      if (data + (kind & treeFlag ? 48 : kind & largeFlag ? 24 : 0) > page.length)
        throw this.#damaged(`page ${number} has an entry beyond its end`);
      if (kind & treeFlag) children.push(Number(page.readBigUInt64LE(data + 40)));
      else if (kind & largeFlag) this.#checkLarge(page.readBigUInt64LE(data), page.readBigUInt64LE(data + 16));
    }
    return children;
  }

  #checkLarge(first: bigint, pages: bigint): void {
    if (first + pages > BigInt(this.count))
      throw this.#damaged(`a value lies in page ${first}, but it ends after page ${this.count - 1}: it has been cut off`);
  }

  async #bytes(number: number): Promise<Buffer> {
    const page = Buffer.alloc(this.#pageSize);
    await this.#handle.read(page, 0, page.length, number * this.#pageSize);
    return page;
  }

  #parseMeta(page: Buffer): Meta {
    const isMeta = (page.readUInt16LE(18) & metaFlag) !== 0 && page.readUInt32LE(headerBytes) === magic;
    if (!isMeta) throw this.#damaged('it does not begin as an LMDB file does');
    if (page.readUInt32LE(headerBytes + 4) !== dataFormat) throw this.#damaged('its LMDB format is another one');
    const pageSize = page.readUInt32LE(0x30);
    if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) throw this.#damaged(`its page size is ${pageSize}`);
    this.#pageSize = pageSize;
    const number = (at: number): number => Number(page.readBigUInt64LE(at));
    return { roots: [number(0x58), number(0x88)], lastPage: number(0x90), transaction: page.readBigUInt64LE(0x98) };
  }

  #damaged(what: string): StoreError {
    return new StoreError('Damaged', `${this.#file} is damaged: ${what}; restore a snapshot`);
  }
}

const headerBytes = 24;
const nodeBytes = 8;
const magic = 0xbeefc0de;
const dataFormat = 2;
const branchFlag = 0x01;
const leafFlag = 0x02;
const metaFlag = 0x08;
const largeFlag = 0x01;
const treeFlag = 0x02;
/** The root of an empty tree. */
const noPage = Number(2n ** 64n - 1n);
