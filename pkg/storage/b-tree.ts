/** How a B-tree is read: what PersistentMap, whose nodes never change, and SortedMap, which changes them in place, share. */

/** In a leaf, keys[i] belongs to values[i]; in a branch, keys[i] is a lower bound of children[i] (but for the first). */
export type Node<K, V> =
  | { readonly keys: readonly K[]; readonly values: readonly V[]; readonly children: undefined; readonly size: number }
  | { readonly keys: readonly K[]; readonly values: undefined; readonly children: readonly Node<K, V>[]; readonly size: number };

/** The first index whose key is not below `key`. */
export function lowerBound<K extends string | number>(keys: readonly K[], key: K): number {
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
export function childAt<K extends string | number>(keys: readonly K[], key: K): number {
  const at = lowerBound(keys, key);
  return keys[at] === key ? at : Math.max(0, at - 1);
}

export function find<K extends string | number, V>(root: Node<K, V>, key: K): V | undefined {
  let node = root;
  while (node.children) node = node.children[childAt(node.keys, key)] as Node<K, V>;
  const at = lowerBound(node.keys, key);
  return node.keys[at] === key ? node.values[at] : undefined;
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

/** Number of keys in [start, end); `end` absent: no upper bound. */
export function count<K extends string | number, V>(root: Node<K, V>, start: K, end: K | undefined): number {
  return Math.max(0, (end === undefined ? root.size : rank(root, end)) - rank(root, start));
}

/** Calls `visit` for the keys in [start, end), ascending, until it returns false; then it is false itself. */
export function walk<K extends string | number, V>(
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
