import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isRuntimeError } from '../../cri.ts';
import { canonicalName, familiarName, parseReference } from './reference.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

test('short names are completed as Docker completes them', () => {
  for (const [text, canonical] of [
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.27', 'docker.io/library/nginx:1.27'],
    ['gokube/host', 'docker.io/gokube/host:latest'],
    ['localhost/a', 'localhost/a:latest'],
    ['localhost:5000/a:b', 'localhost:5000/a:b'],
    ['registry.k8s.io/pause:3.10', 'registry.k8s.io/pause:3.10'],
    [`quay.io/a/b/c@${digest}`, `quay.io/a/b/c@${digest}`],
    [`nginx:1@${digest}`, `docker.io/library/nginx@${digest}`],
    ['a__b/c.d-e', 'docker.io/a__b/c.d-e:latest'],
  ] as const)
    assert.equal(canonicalName(parseReference(text)), canonical);
});

test('what is no name is refused with the reason', () => {
  for (const text of [
    '',
    ':',
    'a b',
    'Nginx',
    'a/B',
    'a//b',
    '/a',
    'a/',
    '-a',
    'a:',
    'a:b c',
    `a:${'x'.repeat(129)}`,
    'a@sha256:1',
    'a@md5:1',
    'x'.repeat(300),
    '../a',
    'a:-b',
  ])
    assert.throws(
      () => parseReference(text),
      (error: unknown) => isRuntimeError(error, 'InvalidImageName') && error.message.includes(`"${text}"`),
      text,
    );
});

test('a canonical name means itself, and so does the familiar form of it', () => {
  const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const name = fc
    .tuple(
      fc.option(fc.constantFrom('localhost:5000', 'example.com', 'docker.io')),
      fc.array(word, { minLength: 1, maxLength: 3 }),
      fc.option(word),
    )
    .map(([host, path, tag]) => `${host ? `${host}/` : ''}${path.join('/')}${tag ? `:${tag}` : ''}`);
  fc.assert(
    fc.property(name, (text) => {
      const canonical = canonicalName(parseReference(text));
      assert.equal(canonicalName(parseReference(canonical)), canonical);
      assert.equal(canonicalName(parseReference(familiarName(canonical))), canonical);
    }),
  );
});
