import { childAt, count, find, lowerBound, type Node, walk } from './b-tree.ts';

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
    return this.#root && find(this.#root, key);
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
    return this.#root ? count(this.#root, start, end) : 0;
  }

  /** Calls `visit` for the keys in [start, end), ascending, until it returns false. */
  scan(start: K, end: K | undefined, visit: (value: V, key: K) => boolean | undefined): void {
    if (this.#root) walk(this.#root, start, end, visit);
  }
}

/** 16 keys: four levels hold 65,536, and a write copies about 4 × 16 references. Wider or narrower is no faster. */
const width = 16;

function leaf<K, V>(keys: readonly K[], values: readonly V[]): Node<K, V> {
  return { keys, values, children: undefined, size: keys.length };
}

function branch<K, V>(children: readonly Node<K, V>[], keys: readonly K[] = children.map((c) => c.keys[0] as K)): Node<K, V> {
  let size = 0;
  for (const child of children) size += child.size;
  return { keys, values: undefined, children, size };
}

/** The node with the key set, or the two nodes it had to be split into. */
function insert<K extends string | number, V>(node: Node<K, V>, key: K, value: V): Node<K, V>[] {
  if (node.children) {
    const at = childAt(node.keys, key);
    const [first, second] = insert(node.children[at] as Node<K, V>, key, value) as [Node<K, V>, Node<K, V>?];
    const children = replaced(node.children, at, first);
    const keys = replaced(node.keys, at, first.keys[0] as K);
    if (!second) return [branch(children, keys)];
    return split(inserted(keys, at + 1, second.keys[0] as K), inserted(children, at + 1, second), at + 1, (k, c) => branch(c, k));
  }
  const at = lowerBound(node.keys, key);
  if (node.keys[at] === key) return [leaf(node.keys, replaced(node.values, at, value))];
  return split(inserted(node.keys, at, key), inserted(node.values, at, value), at, leaf<K, V>);
}

/** Splits in half; but before its last element when that is where it grew, so that ascending keys fill every node. */
function split<K, T, N>(keys: K[], items: T[], grewAt: number, make: (keys: K[], items: T[]) => N): N[] {
  if (keys.length <= width) return [make(keys, items)];
  const middle = grewAt === keys.length - 1 ? grewAt : keys.length >> 1;
  return [make(keys.slice(0, middle), items.slice(0, middle)), make(keys.slice(middle), items.slice(middle))];
}

/** `with` and `toSpliced` by hand: these copies are where a write spends its time, and a loop is three times as fast. */
function replaced<T>(array: readonly T[], at: number, item: T): T[] {
  const copy = array.slice();
  copy[at] = item;
  return copy;
}

function inserted<T>(array: readonly T[], at: number, item: T): T[] {
  const copy = array.slice();
  copy.push(item);
  for (let i = copy.length - 1; i > at; i--) copy[i] = copy[i - 1] as T;
  copy[at] = item;
  return copy;
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
