import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonPath, relaxedPath } from '../../runtime/json-path.ts';
import { sortedJson } from '../../runtime/sorted-json.ts';
import { sortBy } from './sort-by.ts';
import { alignTabs } from './tab-writer.ts';
import { TablePrinter, tableLines } from './table.ts';

const list = {
  kind: 'List',
  items: [
    { metadata: { name: 'a', labels: { 'app.kubernetes.io/name': 'web' } }, spec: { n: 1, ports: [80, 81] }, status: { phase: 'Running' } },
    { metadata: { name: 'b' }, spec: { n: 2, ports: [90] }, status: { phase: 'Pending' } },
    { metadata: { name: 'c' }, spec: { n: 3, ports: [] }, status: { phase: 'Running' } },
  ],
};

test('JSONPath templates', () => {
  const cases: [string, string][] = [
    ['{.kind}', 'List'],
    ['{ .kind }', 'List'],
    ['{$.kind}', 'List'],
    ['{@.kind}', 'List'],
    ['{["kind"]}', 'List'],
    ["{['kind']}", 'List'],
    ['kind is {.kind}!', 'kind is List!'],
    ['{.items[*].metadata.name}', 'a b c'],
    ['{.items[0].metadata.name}', 'a'],
    ['{.items[-1].metadata.name}', 'c'],
    ['{.items[-1:].metadata.name}', 'c'],
    ['{.items[0:2].metadata.name}', 'a b'],
    ['{.items[1:].metadata.name}', 'b c'],
    ['{.items[::2].metadata.name}', 'a c'],
    ['{.items[0,2].metadata.name}', 'a c'],
    ["{.items[*]['metadata.name', 'spec.n']}", ''],
    ["{.items[0]['kind', 'metadata'].name}", 'a'],
    ['{.items[?(@.spec.n>1)].metadata.name}', 'b c'],
    ['{.items[?(@.status.phase=="Running")].metadata.name}', 'a c'],
    ["{.items[?(@.status.phase!='Running')].metadata.name}", 'b'],
    ['{.items[?(@.metadata.labels)].metadata.name}', 'a'],
    ["{.items[0].metadata.labels['app\\.kubernetes\\.io/name']}", 'web'],
    ["{.items[0].metadata.labels['app.kubernetes.io/name']}", 'web'],
    ['{.items[0].metadata.labels.app\\.kubernetes\\.io/name}', 'web'],
    ['{..name}', 'a b c'],
    ['{range .items[*]}{.metadata.name}={.spec.n}{"\\n"}{end}', 'a=1\nb=2\nc=3\n'],
    ['{range .items[*]}[{.metadata.name}{range .spec.ports[*]} {@}{end}]{end}', '[a 80 81][b 90][c]'],
    ['{.items[0].spec}', '{"n":1,"ports":[80,81]}'],
    ['{.items[0].spec.ports}', '[80,81]'],
    ['{.nothing.at.all}', ''],
    ['{.items[*].spec.ports[*]}', '80 81 90'],
    ["{'text'}", 'text'],
  ];
  for (const [template, expected] of cases) assert.equal(new JsonPath(template).render(list), expected, template);
});

test('what is no JSONPath is said to be none', () => {
  for (const template of ['{.a', '{range .items[*]}{.a}', '{end}', '{.a[}', '{.a[?(@.b==)]}', '{"open}', '{.items[x]}']) {
    assert.throws(() => new JsonPath(template), /error parsing jsonpath/, template);
  }
  assert.throws(() => new JsonPath('{.items[7].a}').render(list), /array index out of bounds: index 7, length 3/);
});

test('paths of columns need no braces', () => {
  for (const path of ['.metadata.name', 'metadata.name', '{.metadata.name}', '{metadata.name}']) {
    assert.deepEqual(relaxedPath(path).find(list.items[0]), ['a'], path);
  }
});

test('sorting is by value, not by letters', () => {
  const names = (values: unknown[]): unknown[] =>
    sortBy(
      values.map((v) => ({ v })),
      '.v',
      (item) => item,
    ).map(({ v }) => v);
  assert.deepEqual(names([10, 9, 100]), [9, 10, 100]);
  assert.deepEqual(names(['web-10', 'web-9', 'a']), ['a', 'web-9', 'web-10']);
  assert.deepEqual(names(['1Gi', '500Mi', '2']), ['2', '500Mi', '1Gi']);
  assert.deepEqual(names(['2026-02-01T00:00:00Z', '2026-01-01T00:00:00Z']), ['2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z']);
  assert.throws(() => sortBy([{ a: 1 }], '.nothing', (item) => item), /couldn't find any field with path/);
});

test('columns are aligned over neighbouring lines alone', () => {
  const text = 'Name:\tweb\nLabels:\ta=b\n\tc=d\nContainers:\n  a:\n    Image:\tx\n    Container ID:\ty\nEnd:\tz';
  assert.equal(
    alignTabs(text),
    [
      'Name:    web',
      'Labels:  a=b',
      '         c=d',
      'Containers:',
      '  a:',
      '    Image:         x',
      '    Container ID:  y',
      'End:               z',
    ].join('\n'),
  );
});

test('a table is wide or not, and cells end at a line break', () => {
  const table = {
    kind: 'Table' as const,
    columnDefinitions: [
      { name: 'Name', type: 'string' },
      { name: 'Wide', type: 'string', priority: 1 },
      { name: 'Count', type: 'integer' },
    ],
    rows: [
      { cells: ['a', 'x', 1], object: { metadata: { name: 'a', namespace: 'n', labels: { b: '2', a: '1' } } } },
      { cells: ['two\nlines', null, 10] },
    ],
  };
  const plain = { wide: false, headers: true, namespaces: false, labels: false, labelColumns: [] };
  assert.deepEqual(tableLines(table, plain), [
    ['NAME', 'COUNT'],
    ['a', '1'],
    ['two...', '10'],
  ]);
  const all = { wide: true, headers: false, namespaces: true, labels: true, labelColumns: ['x/b'], prefix: 'pod/' };
  assert.deepEqual(tableLines(table, all)[0], ['n', 'pod/a', 'x', '1', '', 'a=1,b=2']);
});

test('the rows of a watch stay in line with what came before', () => {
  const printer = new TablePrinter();
  assert.equal(
    printer.format([
      ['NAME', 'X'],
      ['a-long-name', '1'],
    ]),
    'NAME          X\na-long-name   1\n',
  );
  assert.equal(printer.format([['b', '2']]), 'b             2\n');
});

test('JSON has its keys in order, and numbers of any size', () => {
  assert.equal(
    sortedJson({ b: [1, { d: {}, c: [] }], a: 9007199254740993n }, 4),
    '{\n    "a": 9007199254740993,\n    "b": [\n        1,\n        {\n            "c": [],\n            "d": {}\n        }\n    ]\n}',
  );
});
