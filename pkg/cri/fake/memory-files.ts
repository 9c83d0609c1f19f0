/**
 * A small file system in memory, for simulated nodes: the fake runtime writes logs to it and reads what is mounted,
 * the kubelet's in-memory host keeps pod directories in it. Paths are absolute; symbolic links are followed, as on
 * a disk, except by `readLink`, `rename` and `remove`.
 *
 * Guarantees: everything is synchronous and deterministic; bytes handed in and out are not copied, and nobody may
 * change them. Missing paths give undefined or a FilesError `ENOENT`.
 */
export class MemoryFiles {
  readonly #root: Directory = { kind: 'directory', mode: 0o755, entries: new Map() };
  readonly #watchers = new Map<string, Set<() => void>>();

  /** Creates the directory and those above it. Idempotent. */
  makeDirectory(path: string, mode = 0o755): void {
    let at = '';
    for (const name of segments(path)) {
      at += `/${name}`;
      const node = this.#find(at);
      if (node === undefined) this.#parent(at).entries.set(name, { kind: 'directory', mode, entries: new Map() });
      else if (node.kind !== 'directory') throw new FilesError('ENOTDIR', at);
    }
  }

  writeFile(path: string, data: Uint8Array, mode?: number): void {
    const real = this.realPath(path) ?? path;
    const present = this.#find(real);
    if (present?.kind === 'directory') throw new FilesError('EISDIR', path);
    if (present?.kind === 'file') {
      present.chunks = [data];
      present.size = data.length;
      if (mode !== undefined) present.mode = mode;
    } else {
      this.#parent(real).entries.set(nameOf(real), { kind: 'file', mode: mode ?? 0o644, chunks: [data], size: data.length });
    }
    this.#notify(real);
  }

  appendFile(path: string, data: Uint8Array): void {
    const real = this.realPath(path) ?? path;
    const present = this.#find(real);
    if (present?.kind !== 'file') {
      this.writeFile(real, data);
      return;
    }
    present.chunks.push(data);
    present.size += data.length;
    this.#notify(real);
  }

  readFile(path: string): Uint8Array | undefined {
    const node = this.#find(this.realPath(path) ?? path);
    if (node === undefined) return undefined;
    if (node.kind !== 'file') throw new FilesError('EISDIR', path);
    // Joined on demand: logs are appended to far more often than they are read.
    if (node.chunks.length > 1) node.chunks = [concat(node.chunks, node.size)];
    return node.chunks[0] ?? new Uint8Array();
  }

  /** Names, in ascending order; undefined when there is no such directory. */
  list(path: string): readonly string[] | undefined {
    const node = this.#find(this.realPath(path) ?? path);
    return node?.kind === 'directory' ? [...node.entries.keys()].sort() : undefined;
  }

  stat(path: string): { readonly kind: 'file' | 'directory'; readonly size: number; readonly mode: number } | undefined {
    const node = this.#find(this.realPath(path) ?? path);
    if (node === undefined || node.kind === 'link') return undefined;
    return { kind: node.kind, size: node.kind === 'file' ? node.size : 0, mode: node.mode };
  }

  setMode(path: string, mode: number): void {
    const node = this.#find(this.realPath(path) ?? path);
    if (node === undefined || node.kind === 'link') throw new FilesError('ENOENT', path);
    node.mode = mode;
  }

  symlink(target: string, path: string): void {
    const directory = this.#parent(path);
    if (directory.entries.has(nameOf(path))) throw new FilesError('EEXIST', path);
    directory.entries.set(nameOf(path), { kind: 'link', target });
  }

  readLink(path: string): string | undefined {
    const node = this.#find(path);
    return node?.kind === 'link' ? node.target : undefined;
  }

  /** Replaces what is at `to`, in one step. */
  rename(from: string, to: string): void {
    const source = this.#parent(from);
    const node = source.entries.get(nameOf(from));
    if (node === undefined) throw new FilesError('ENOENT', from);
    source.entries.delete(nameOf(from));
    this.#parent(to).entries.set(nameOf(to), node);
  }

  /** The whole tree at `path`. Idempotent. */
  remove(path: string): void {
    const names = segments(path);
    const name = names.pop();
    const directory = this.#find(this.realPath(`/${names.join('/')}`) ?? '');
    if (name !== undefined && directory?.kind === 'directory') directory.entries.delete(name);
  }

  /** The path with every link resolved; undefined when something on the way is missing. */
  realPath(path: string): string | undefined {
    let left = segments(path);
    let at = '';
    for (let links = 0; left.length > 0; ) {
      const [name, ...rest] = left as [string, ...string[]];
      if (name === '..') {
        at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
        left = rest;
        continue;
      }
      const node = this.#find(`${at}/${name}`);
      if (node === undefined) return undefined;
      if (node.kind === 'link') {
        if (++links > 40) throw new FilesError('ELOOP', path);
        left = [...rawSegments(node.target), ...rest];
        if (node.target.startsWith('/')) at = '';
      } else {
        at += `/${name}`;
        left = rest;
      }
    }
    return at === '' ? '/' : at;
  }

  /** Calls `changed` after every write to the file at `path`, until the returned function is called. */
  watch(path: string, changed: () => void): () => void {
    const set = this.#watchers.get(path) ?? new Set();
    this.#watchers.set(path, set.add(changed));
    return () => {
      set.delete(changed);
      if (set.size === 0) this.#watchers.delete(path);
    };
  }

  #notify(path: string): void {
    for (const changed of [...(this.#watchers.get(path) ?? [])]) changed();
  }

  /** The node at a path whose directories are no links. */
  #find(path: string): Entry | undefined {
    let node: Entry = this.#root;
    for (const name of segments(path)) {
      if (node.kind !== 'directory') return undefined;
      const next = node.entries.get(name);
      if (next === undefined) return undefined;
      node = next;
    }
    return node;
  }

  #parent(path: string): Directory {
    const above = path.slice(0, path.lastIndexOf('/'));
    const node = this.#find(this.realPath(above) ?? above);
    if (node?.kind !== 'directory') throw new FilesError('ENOENT', path);
    return node;
  }
}

export class FilesError extends Error {
  override readonly name = 'FilesError';
  readonly code: 'ENOENT' | 'ENOTDIR' | 'EISDIR' | 'EEXIST' | 'ELOOP';
  constructor(code: FilesError['code'], path: string) {
    super(`${code}: ${path}`);
    this.code = code;
  }
}

interface Directory {
  readonly kind: 'directory';
  mode: number;
  readonly entries: Map<string, Entry>;
}
type Entry =
  | Directory
  | { readonly kind: 'file'; mode: number; chunks: Uint8Array[]; size: number }
  | { readonly kind: 'link'; readonly target: string };

function rawSegments(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

/** `/a/./b/../c` is read as a, c: what links do not ask for is resolved by name alone. */
function segments(path: string): string[] {
  const out: string[] = [];
  for (const name of rawSegments(path)) {
    if (name === '..') out.pop();
    else out.push(name);
  }
  return out;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const out = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
