import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  difference,
  differenceBelow,
  elementOf,
  equalSets,
  type FieldSet,
  intersection,
  isEmptySet,
  isMember,
  pathsOf,
  union,
} from './field-set.ts';
import { builtinSchema, type Schema } from './schema.ts';

/** A set as the paths of its members, each a text. */
type Paths = ReadonlySet<string>;

const element = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'v:"s"');
const path = fc.array(element, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const paths: fc.Arbitrary<Paths> = fc.array(path, { maxLength: 8 }).map((list) => new Set(list));

function treeOf(members: Paths): FieldSet {
  type Node = { member: boolean; children: Map<string, Node> };
  const root: Node = { member: false, children: new Map() };
  for (const text of members) {
    let at = root;
    for (const part of text.split('/')) {
      let next = at.children.get(part);
      if (!next) {
        next = { member: false, children: new Map() };
        at.children.set(part, next);
      }
      at = next;
    }
    at.member = true;
  }
  const encode = ({ member, children }: Node): FieldSet => ({
    ...(member && children.size > 0 ? { '.': {} } : {}),
    ...Object.fromEntries([...children].map(([name, node]) => [name, encode(node)])),
  });
  return encode(root);
}

function membersOf(set: FieldSet, prefix = ''): Set<string> {
  const out = new Set<string>();
  for (const [name, node] of Object.entries(set)) {
    if (name === '.') continue;
    if (isMember(node)) out.add(prefix + name);
    for (const inner of membersOf(node, `${prefix}${name}/`)) out.add(inner);
  }
  return out;
}

const sorted = (set: Paths): string[] => [...set].sort();

describe('field set', () => {
  it('does union, difference and intersection as sets of paths do', () => {
    fc.assert(
      fc.property(paths, paths, (a, b) => {
        const [x, y] = [treeOf(a), treeOf(b)];
        assert.deepEqual(sorted(membersOf(x)), sorted(a));
        assert.deepEqual(sorted(membersOf(union(x, y))), sorted(a.union(b)));
        assert.deepEqual(sorted(membersOf(difference(x, y))), sorted(a.difference(b)));
        assert.deepEqual(sorted(membersOf(intersection(x, y))), sorted(a.intersection(b)));
        const outside = [...a].filter((text) => ![...b].some((other) => text === other || text.startsWith(`${other}/`)));
        assert.deepEqual(sorted(membersOf(differenceBelow(x, y))), outside.sort());
        assert.equal(equalSets(x, y), equalPaths(a, b));
      }),
      { numRuns: 1000 },
    );
  });

  it('gives back the very set where nothing changes', () => {
    fc.assert(
      fc.property(paths, paths, (a, b) => {
        const x = treeOf(a);
        if (!isEmptySet(x)) assert.equal(union(x, treeOf(a.intersection(b))), x);
        assert.equal(difference(x, treeOf(b.difference(a))), x);
      }),
    );
  });

  it('shows paths as conflicts do', () => {
    const set = { 'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {} } } }, 'f:list': { 'v:"a"': {} } };
    assert.deepEqual(pathsOf(set), ['.list[="a"]', '.spec.ports[port=80,protocol="TCP"]', '.spec.ports[port=80,protocol="TCP"].name']);
  });

  it('names elements of lists by their keys, sorted, a missing one by its default', () => {
    const ports = builtinSchema('io.k8s.api.core.v1.Container').fields.get('ports')?.schema as Schema;
    assert.equal(elementOf({ protocol: 'UDP', containerPort: 53 }, ports), 'k:{"containerPort":53,"protocol":"UDP"}');
    assert.equal(elementOf({ containerPort: 53 }, ports), 'k:{"containerPort":53,"protocol":"TCP"}');
    assert.equal(elementOf('x', ports), undefined);
  });
});

function equalPaths(a: Paths, b: Paths): boolean {
  return a.size === b.size && a.isSubsetOf(b);
}
