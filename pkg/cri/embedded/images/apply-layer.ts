import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, chown, lchown, link, lstat, lutimes, mkdir, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { promisify } from 'node:util';
import type { Header } from 'tar-stream';
import { RuntimeError } from '../../cri.ts';
import { decompress } from './compression.ts';
import { archiveParts, confinedPath } from './confined-path.ts';
import { tarEntries } from './tar-entries.ts';

const opaqueMark = '.wh..wh..opq';
const whiteoutPrefix = '.wh.';

/**
 * Applies one layer of an image (a tar file, compressed or not) to `root`, which shows the layers below it merged:
 * whiteouts become removals there, and overlayfs notes them in its own form. Every path is resolved inside `root`.
 * Returns the bytes of its files. Throws RuntimeError for what an image must not hold, and when the layer's digest
 * is not `diffId`; what is in `root` by then is of no use.
 */
export async function applyLayer(file: string, root: string, options: { readonly diffId: string; readonly what: string }): Promise<number> {
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const layer = new LayerWriter(root, options.what);
  try {
    const plain = await decompress(createReadStream(file));
    plain.on('error', (error) => hashing.destroy(error));
    for await (const { header, body } of tarEntries(plain.pipe(hashing))) await layer.add(header, body);
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
    throw new RuntimeError('InvalidArgument', `${options.what}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  await layer.finish();
  const digest = `sha256:${hash.digest('hex')}`;
  if (digest !== options.diffId)
    throw new RuntimeError(
      'InvalidArgument',
      `${options.what}: its content has the digest ${digest}, but the image says ${options.diffId}`,
    );
  return layer.size;
}

class LayerWriter {
  size = 0;
  readonly #root: string;
  readonly #what: string;
  /** What this layer itself brought: an opaque mark does not remove it. */
  readonly #added = new Set<string>();
  /** A folder's time is set when nothing more is put into it. */
  readonly #folderTimes: { readonly path: string; readonly mtime: Date }[] = [];

  constructor(root: string, what: string) {
    this.#root = root;
    this.#what = what;
  }

  async add(header: Header, body: AsyncIterable<Uint8Array>): Promise<void> {
    const parts = archiveParts(header.name, this.#what);
    const name = parts.at(-1);
    if (name === undefined) await this.#setMeta(this.#root, header);
    else {
      const parent = await this.#folder(parts.slice(0, -1));
      if (name.startsWith(whiteoutPrefix)) await this.#whiteout(parent, name);
      else await this.#entry(join(parent, name), header, body);
    }
  }

  async finish(): Promise<void> {
    for (const { path, mtime } of this.#folderTimes.reverse()) await utimes(path, mtime, mtime);
  }

  async #entry(path: string, header: Header, body: AsyncIterable<Uint8Array>): Promise<void> {
    const existing = await lstat(path).catch(() => undefined);
    if (existing && !(header.type === 'directory' && existing.isDirectory())) await rm(path, { recursive: true, force: true });
    switch (header.type) {
      case 'directory':
        if (!existing?.isDirectory()) await mkdir(path);
        break;
      case 'file':
      case 'contiguous-file':
        await writeFile(path, body, { flag: 'wx' });
        this.size += header.size ?? 0;
        break;
      case 'symlink':
        await symlink(header.linkname ?? '', path);
        break;
      case 'link': {
        const target = archiveParts(header.linkname ?? '', this.#what);
        const source = join(await confinedPath(this.#root, target.slice(0, -1)), target.at(-1) ?? '.');
        await link(source, path);
        this.#added.add(path);
        return; // Shares everything with its source.
      }
      case 'fifo':
        await promisify(execFile)('mkfifo', [path]);
        break;
      case 'character-device':
      case 'block-device':
        // The runtime mounts its own /dev over what an image has there.
        if (dirname(path) === join(this.#root, 'dev')) return;
        throw new RuntimeError(
          'InvalidArgument',
          `${this.#what}: "${header.name}" is a device node; an image may have them below /dev only`,
        );
      default:
        throw new RuntimeError('InvalidArgument', `${this.#what}: "${header.name}" is of the kind "${header.type}", which no image holds`);
    }
    this.#added.add(path);
    await this.#setMeta(path, header);
  }

  async #setMeta(path: string, header: Header): Promise<void> {
    const { uid = 0, gid = 0, mode = 0o755, mtime = new Date(0) } = header;
    if (header.type === 'symlink') {
      await lchown(path, uid, gid);
      await lutimes(path, mtime, mtime);
      return;
    }
    await chown(path, uid, gid);
    await chmod(path, mode & 0o7777);
    if (header.type === 'directory') this.#folderTimes.push({ path, mtime });
    else await utimes(path, mtime, mtime);
  }

  /** OCI image-spec, layer.md: `.wh.NAME` removes NAME of the layers below, `.wh..wh..opq` all that they have in its folder. */
  async #whiteout(parent: string, name: string): Promise<void> {
    if (name === opaqueMark) {
      for (const child of await readdir(parent)) await this.#removeLower(join(parent, child));
      return;
    }
    const hidden = name.slice(whiteoutPrefix.length);
    if (hidden.startsWith(whiteoutPrefix)) return; // Bookkeeping of aufs.
    if (basename(hidden) !== hidden || hidden === '' || hidden === '.' || hidden === '..')
      throw new RuntimeError('InvalidArgument', `${this.#what}: the whiteout "${name}" names nothing`);
    await rm(join(parent, hidden), { recursive: true, force: true });
  }

  async #removeLower(path: string): Promise<void> {
    const own = [...this.#added].some((added) => added === path || added.startsWith(`${path}/`));
    if (!own) await rm(path, { recursive: true, force: true });
    else if ((await lstat(path)).isDirectory()) for (const child of await readdir(path)) await this.#removeLower(join(path, child));
  }

  /** The folder, made if the archive did not bother to name it. */
  async #folder(parts: readonly string[]): Promise<string> {
    const path = await confinedPath(this.#root, parts);
    const stat = await lstat(path).catch(() => undefined);
    if (stat?.isDirectory()) return path;
    if (stat) throw new RuntimeError('InvalidArgument', `${this.#what}: "${parts.join('/')}" is a file and a folder`);
    await mkdir(path, { recursive: true, mode: 0o755 });
    return path;
  }
}
