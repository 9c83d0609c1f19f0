/**
 * An immutable ordered map: a B-tree whose updates copy only the path from the root to one leaf and share the rest
 * with the version before. Every version stays readable, keeping one costs a reference, and branching is free.
 *
 * Keys compare with `<`. Costs: get, set, delete and count O(log n); n items from a range O(log n + n).
 */
export class PersistentMap<K extends string | number, V> {
  readonly #root: Node<K, V> | undefined;

  private constructor(root: Node<K, V> | undefined) {
    this.#root = root;
  }

  static empty<K extends string | number, V>(): PersistentMap<K, V> {
    return new PersistentMap<K, V>(undefined);
  }

  get size(): number {
    return this.#root?.size ?? 0;
  }

  get(key: K): V | undefined {
    let node = this.#root;
    while (node?.children) node = node.children[childAt(node.keys, key)];
    if (!node) return undefined;
    const at = lowerBound(node.keys, key);
    return node.keys[at] === key ? node.values[at] : undefined;
  }

  set(key: K, value: V): PersistentMap<K, V> {
    if (!this.#root) return new PersistentMap(leaf([key], [value]));
    const nodes = insert(this.#root, key, value);
    return new PersistentMap(nodes.length === 1 ? nodes[0] : branch(nodes));
  }

  delete(key: K): PersistentMap<K, V> {
    if (!this.#root) return this;
    const root = remove(this.#root, key);
    return root === this.#root ? this : new PersistentMap(shallow(root));
  }

  /** The map without its keys below `key`. */
  from(key: K): PersistentMap<K, V> {
    if (!this.#root) return this;
    return new PersistentMap(shallow(dropBelow(this.#root, key)));
  }

  /** Number of keys in [start, end); `end` absent: no upper bound. */
  count(start: K, end: K | undefined): number {
    const root = this.#root;
    if (!root) return 0;
    return Math.max(0, (end === undefined ? root.size : rank(root, end)) - rank(root, start));
  }

  /** Calls `visit` for the keys in [start, end), ascending, until it returns false. */
  scan(start: K, end: K | undefined, visit: (value: V, key: K) => boolean | undefined): void {
    if (this.#root) walk(this.#root, start, end, visit);
  }
}

/** In a leaf, keys[i] belongs to values[i]; in a branch, keys[i] is a lower bound of children[i] (but for the first). */
type Node<K, V> =
  | { readonly keys: readonly K[]; readonly values: readonly V[]; readonly children: undefined; readonly size: number }
  | { readonly keys: readonly K[]; readonly values: undefined; readonly children: readonly Node<K, V>[]; readonly size: number };

/** 32 keys: three levels hold 32,768, and a write copies about 3 × 32 references. */
const width = 32;

function leaf<K, V>(keys: readonly K[], values: readonly V[]): Node<K, V> {
  return { keys, values, children: undefined, size: keys.length };
}

function branch<K, V>(children: readonly Node<K, V>[], keys: readonly K[] = children.map((c) => c.keys[0] as K)): Node<K, V> {
  let size = 0;
  for (const child of children) size += child.size;
  return { keys, values: undefined, children, size };
}

/** The first index whose key is not below `key`. */
function lowerBound<K extends string | number>(keys: readonly K[], key: K): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] as K) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The child that `key` belongs to: the last whose lower bound is not above it, or the first. */
function childAt<K extends string | number>(keys: readonly K[], key: K): number {
  const at = lowerBound(keys, key);
  return keys[at] === key ? at : Math.max(0, at - 1);
}

/** The node with the key set, or the two nodes it had to be split into. */
function insert<K extends string | number, V>(node: Node<K, V>, key: K, value: V): Node<K, V>[] {
  if (node.children) {
    const at = childAt(node.keys, key);
    const parts = insert(node.children[at] as Node<K, V>, key, value);
    const children = node.children.toSpliced(at, 1, ...parts);
    const keys = node.keys.toSpliced(at, 1, ...parts.map((part) => part.keys[0] as K));
    return split(keys.length, at, (from, to) => branch(children.slice(from, to), keys.slice(from, to)));
  }
  const at = lowerBound(node.keys, key);
  if (node.keys[at] === key) return [leaf(node.keys, node.values.with(at, value))];
  const keys = node.keys.toSpliced(at, 0, key);
  const values = node.values.toSpliced(at, 0, value);
  return split(keys.length, at, (from, to) => leaf(keys.slice(from, to), values.slice(from, to)));
}

/** Splits in half; but after its last element when that is where it grew, so that ascending keys fill every node. */
function split<N>(length: number, grewAt: number, part: (from: number, to: number) => N): N[] {
  if (length <= width) return [part(0, length)];
  const middle = grewAt >= length - 2 ? length - 1 : length >> 1;
  return [part(0, middle), part(middle, length)];
}

/** The node without the key: itself if it was not there, undefined if nothing is left. */
function remove<K extends string | number, V>(node: Node<K, V>, key: K): Node<K, V> | undefined {
  if (!node.children) {
    const at = lowerBound(node.keys, key);
    if (node.keys[at] !== key) return node;
    return node.keys.length === 1 ? undefined : leaf(node.keys.toSpliced(at, 1), node.values.toSpliced(at, 1));
  }
  const at = childAt(node.keys, key);
  const before = node.children[at] as Node<K, V>;
  const after = remove(before, key);
  if (after === before) return node;
  if (!after) return node.children.length === 1 ? undefined : branch(node.children.toSpliced(at, 1), node.keys.toSpliced(at, 1));
  // A node that runs low joins its left neighbour, so that scattered deletes do not leave a tree of crumbs.
  const left = at > 0 ? node.children[at - 1] : undefined;
  if (left && left.keys.length + after.keys.length <= width / 2) {
    return branch(node.children.toSpliced(at - 1, 2, join(left, after)), node.keys.toSpliced(at, 1));
  }
  return branch(node.children.with(at, after), node.keys);
}

function join<K, V>(left: Node<K, V>, right: Node<K, V>): Node<K, V> {
  const keys = [...left.keys, ...right.keys];
  if (left.children && right.children) return branch([...left.children, ...right.children], keys);
  return leaf(keys, [...(left.values ?? []), ...(right.values ?? [])]);
}

function dropBelow<K extends string | number, V>(node: Node<K, V>, key: K): Node<K, V> | undefined {
  if (!node.children) {
    const at = lowerBound(node.keys, key);
    if (at === 0) return node;
    return at === node.keys.length ? undefined : leaf(node.keys.slice(at), node.values.slice(at));
  }
  const at = childAt(node.keys, key);
  const first = dropBelow(node.children[at] as Node<K, V>, key);
  const rest = node.children.slice(at + 1);
  const children = first ? [first, ...rest] : rest;
  return children.length === 0 ? undefined : branch(children, node.keys.slice(first ? at : at + 1));
}

/** A root with one child is that child. */
function shallow<K, V>(node: Node<K, V> | undefined): Node<K, V> | undefined {
  let root = node;
  while (root?.children?.length === 1) root = root.children[0];
  return root;
}

/** Number of keys below `key`. */
function rank<K extends string | number, V>(root: Node<K, V>, key: K): number {
  let node = root;
  let below = 0;
  while (node.children) {
    const at = childAt(node.keys, key);
    for (let i = 0; i < at; i++) below += (node.children[i] as Node<K, V>).size;
    node = node.children[at] as Node<K, V>;
  }
  return below + lowerBound(node.keys, key);
}

function walk<K extends string | number, V>(
  node: Node<K, V>,
  start: K,
  end: K | undefined,
  visit: (value: V, key: K) => boolean | undefined,
): boolean {
  if (node.children) {
    for (let i = childAt(node.keys, start); i < node.children.length; i++) {
      if (i > 0 && end !== undefined && (node.keys[i] as K) >= end) return false;
      if (!walk(node.children[i] as Node<K, V>, start, end, visit)) return false;
    }
    return true;
  }
  for (let i = lowerBound(node.keys, start); i < node.keys.length; i++) {
    const key = node.keys[i] as K;
    if (end !== undefined && key >= end) return false;
    if (visit(node.values[i] as V, key) === false) return false;
  }
  return true;
}
