import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isApiError } from '../api/errors.ts';
import { parseYaml, parseYamlDocuments } from './yaml.ts';
import { formatYaml } from './yaml-format.ts';

function refused(text: string): string {
  try {
    return `accepted: ${JSON.stringify(parseYaml(text).value)}`;
  } catch (error) {
    assert.ok(isApiError(error, 'BadRequest'), String(error));
    return error.message;
  }
}

describe('YAML', () => {
  it('reads plain scalars as the API server does', () => {
    const cases: Record<string, unknown> = {
      '0644': 420,
      '0o644': 420,
      '0x1F': 31,
      '0b101': 5,
      '-0644': -420,
      '1_000': 1000,
      '08': 8,
      '1e3': 1000,
      '1.5': 1.5,
      '.5': 0.5,
      '1:30': '1:30',
      '2001-01-01': '2001-01-01',
      '1.2.3': '1.2.3',
      '12345678901234567890': 12345678901234567890n,
      yes: true,
      on: true,
      y: true,
      No: false,
      off: false,
      True: true,
      TRUE: true,
      tRUE: 'tRUE',
      '~': null,
      null: null,
      '"yes"': 'yes',
      "'0644'": '0644',
      '!!str 0644': '0644',
      '! 12': '12',
      '--': '--',
      '+': '+',
    };
    for (const [text, value] of Object.entries(cases)) assert.deepEqual(parseYaml(`a: ${text}`).value, { a: value }, text);
  });

  it('turns keys into strings, as JSON has them', () => {
    assert.deepEqual(parseYaml('{1: a, true: b, 1.5: c, null: d, on: e}').value, { 1: 'a', true: 'e', 1.5: 'c', null: 'd' });
  });

  it('reports keys that stand twice', () => {
    const { value, duplicates } = parseYaml('a: 1\nb:\n- c: 1\n  c: 2\na: 2\n');
    assert.deepEqual(duplicates, ['line 4: key "c" already set in map', 'line 5: key "a" already set in map']);
    assert.deepEqual(value, { a: 2, b: [{ c: 2 }] });
  });

  it('unfolds aliases and merge keys, within bounds', () => {
    assert.deepEqual(parseYaml('a: &x {b: 1, c: 2}\nd: *x\ne: {<<: *x, c: 3}\n').value, {
      a: { b: 1, c: 2 },
      d: { b: 1, c: 2 },
      e: { b: 1, c: 3 },
    });
    const laughs = ['a: &a [1,1,1,1,1,1,1,1,1,1]'];
    for (let i = 1; i < 12; i++)
      laughs.push(
        `k${i}: &${'abcdefghijklmn'[i]} [${Array(10)
          .fill(`*${'abcdefghijklmn'[i - 1]}`)
          .join(',')}]`,
      );
    assert.match(refused(laughs.join('\n')), /excessive aliasing/);
    assert.match(refused('a: &x [*x]'), /contains itself/);
    assert.match(refused('a: *nobody'), /nobody/);
  });

  it('reads several documents, the empty ones left out', () => {
    assert.deepEqual(
      parseYamlDocuments('---\na: 1\n---\n---\n# nothing\n---\nb: 2\n').map(({ value }) => value),
      [{ a: 1 }, { b: 2 }],
    );
    assert.deepEqual(parseYaml('').value, null);
  });

  it('names the line of a fault', () => {
    assert.match(refused('a: 1\nb: [1\n'), /^yaml: line \d+: /);
    assert.match(refused('a: .inf'), /JSON has no number/);
    assert.match(refused('? [a]\n: b'), /a key must be a scalar/);
  });

  it('survives absurd nesting', () => {
    assert.match(refused('['.repeat(5000)), /^yaml: /);
    assert.match(refused(`${'['.repeat(2000)}${']'.repeat(2000)}`), /exceeded max depth/);
  });

  it('is written as kubectl shows it', () => {
    const object = {
      spec: { containers: [{ image: 'x', args: ['-c', 'a: b', 'yes'] }], empty: {}, none: [] },
      data: { script: 'a\nb\n', count: '1' },
    };
    assert.equal(
      formatYaml(object),
      `data:
  count: "1"
  script: |
    a
    b
spec:
  containers:
  - args:
    - -c
    - 'a: b'
    - "yes"
    image: x
  empty: {}
  none: []
`,
    );
  });

  it('reads back what it writes, text that looks like something else included', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom(
        'yes',
        'on',
        'y',
        '0644',
        '0o17',
        '1_000',
        'null',
        '~',
        '',
        '1e3',
        '2001-01-01',
        '1:30',
        '- a',
        'a: b',
        '#x',
        'x\n',
        ' x',
        '<<',
        '=',
        '0x1F',
        '.inf',
        'true',
      ),
    );
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        text,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(text, tie('node'), { maxKeys: 3, noNullPrototype: true }),
      ),
    })).node;
    fc.assert(
      fc.property(value, (node) => {
        const plain = JSON.parse(JSON.stringify({ node }));
        assert.deepEqual(parseYaml(formatYaml(plain)).value, plain);
      }),
      { numRuns: 500 },
    );
  });
});
