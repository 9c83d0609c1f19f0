import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOlder, parseSemver, type SemanticVersion } from './semver.ts';

test('versions are ordered as semver.org orders them', () => {
  const inOrder = [
    '0.9.0',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.10',
  ];
  const parsed = inOrder.map((text) => parseSemver(text)) as SemanticVersion[];
  for (const [i, a] of parsed.entries())
    for (const [j, b] of parsed.entries()) assert.equal(isOlder(a, b), i < j, `${inOrder[i]} ${inOrder[j]}`);
});

test('what is no version is none', () => {
  for (const text of ['', '1', '1.2', 'v1.2.3', '1.2.3.4', '01.2.3', '1.2.3-', '1.2.3-01', '1.2.3+'])
    assert.equal(parseSemver(text), undefined, text);
  assert.ok(parseSemver('1.2.3-a.b-c+d.e'));
});
