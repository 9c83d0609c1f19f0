import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectHistory, PastWrite } from '../../pkg/trace/object-history.ts';
import { chainText, compareNeighbours, historyLines } from './history-text.ts';

const now = Date.parse('2026-01-31T12:00:00Z');
const record = (agent: string, verb: string, ...causes: number[]) => ({
  actor: `system:${agent}`,
  agent,
  verb,
  request: 'r',
  time: now - 60_000,
  causes,
});
const write = (revision: number, name: string, agent: string, ...causes: number[]): PastWrite => ({
  revision,
  record: record(agent, 'update', ...causes),
  objects: [{ apiVersion: 'v1', kind: 'Pod', resource: 'pods', name, type: 'updated' }],
});
const object = (value: string, managers: string) => ({ metadata: { name: 'c', managedFields: [{ manager: managers }] }, data: { value } });

const history: ObjectHistory = {
  apiVersion: 'gokube.dev/v1',
  kind: 'ObjectHistory',
  object: { apiVersion: 'v1', kind: 'ConfigMap', resource: 'configmaps', namespace: 'default', name: 'c' },
  revision: 90,
  oldestRevision: 0,
  earlier: false,
  items: [
    { revision: 10, type: 'created', record: record('kubectl', 'create'), object: object('1', 'a') },
    { revision: 20, type: 'updated', record: record('loop', 'update', 15), object: object('2', 'b') },
    { revision: 30, type: 'updated', record: record('loop', 'update', 9), object: object('2', 'c') },
    { revision: 40, type: 'deleted', record: record('kubectl', 'delete') },
    { revision: 50, type: 'created', object: object('3', 'a') },
  ],
  causes: { 15: write(15, 'p', 'kubectl') },
};
const options = { diff: true, now, width: 120, paint: (_: string, text: string) => text };

test('every revision is told with who wrote it, because of what, and what changed', () => {
  const lines = historyLines(history, compareNeighbours(history, false), options).join('\n');
  assert.match(lines, /^ConfigMap\/c in namespace default\n/);
  assert.match(
    lines,
    /@20 {2}updated {2}\S+ \(60s ago\) {2}update by system:loop with loop\n {4}because {2}kubectl update → Pod\/p@15\n {8}data\.value: 1 → 2\n/,
  );
  assert.match(lines, /@30 .*\n {4}because {2}something not kept any more@9\n {6}\(nothing but bookkeeping: managedFields\)/);
  assert.match(lines, /@50 {2}created {2}by a program that keeps no records$/);
  assert.ok(!lines.includes('managedFields[0]'));
  assert.ok(historyLines(history, compareNeighbours(history, true), options).join('\n').includes('managedFields[0].manager: a → b'));
  assert.ok(
    !historyLines(history, compareNeighbours(history, false), { ...options, diff: false })
      .join('\n')
      .includes('data.value'),
  );
});

test('a history whose beginning is not kept says so', () => {
  const cut = { ...history, oldestRevision: 20, items: history.items.slice(1) };
  const lines = historyLines(cut, compareNeighbours(cut, false), options).join('\n');
  assert.match(lines, /what was before revision 20 is not kept any more/);
  assert.match(lines, /nothing to compare with/);
});

test('long values are cut to the line, and what begins as JSON is shown as JSON', () => {
  const long = {
    ...history,
    items: [
      { ...history.items[0], object: object('x', 'a') },
      { ...history.items[1], object: object('{"a": "'.padEnd(500, 'y'), 'a') },
    ],
  } as ObjectHistory;
  const lines = historyLines(long, compareNeighbours(long, false), options);
  assert.ok(
    lines.every((line) => line.length <= 120),
    lines.join('\n'),
  );
  assert.ok(lines.some((line) => line.startsWith('      +   "{') && line.endsWith('…')));
});

test('on a narrow terminal no line is longer than it, and where two values begin to differ can be seen', () => {
  const same = 'the same words at the beginning of both of them, and then ';
  const wide = {
    ...history,
    items: [
      { ...history.items[0], object: object(`${same}this`, 'a') },
      { ...history.items[1], object: object(`${same}that`, 'a') },
      { ...history.items[2], object: object('short', 'a') },
    ],
    causes: Object.fromEntries(
      [1, 3, 5, 9, 15].map((at, i) => [at, write(at, `a-rather-long-name-${at}`, 'kubectl', ...(i > 0 ? [at - 1, at - 2] : []))]),
    ),
  } as ObjectHistory;
  for (const width of [44, 60, 72, 100]) {
    const lines = historyLines(wide, compareNeighbours(wide, false), { ...options, width });
    const long = lines.filter((line) => line.length > width);
    assert.deepEqual(long, []);
    assert.ok(lines.some((line) => /^ {6}- .*this$/.test(line)) && lines.some((line) => /^ {6}\+ .*that$/.test(line)), lines.join('\n'));
    assert.equal(lines.filter((line) => /^@/.test(line)).length, 3);
  }
});

test('of a secret it is told that a value has changed, not what it was or is', () => {
  const secret = (data: object) => ({
    metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(data) } },
    data,
  });
  const told = {
    ...history,
    object: { ...history.object, kind: 'Secret', resource: 'secrets' },
    items: [
      { ...history.items[0], object: secret({ password: 'aHVudGVyMg==', gone: 'Z29uZQ==' }) },
      { ...history.items[1], object: secret({ password: 'aHVudGVyMw==', 'tls.key': 'bmV3' }) },
    ],
  } as ObjectHistory;
  const lines = historyLines(told, compareNeighbours(told, false), options).join('\n');
  assert.match(lines, /data\.password: \*\*\* \(12 characters\) → \*\*\* \(12 characters\)/);
  assert.match(lines, /\+ data\["tls\.key"\]: \*\*\*/);
  assert.doesNotMatch(lines, /aHV|Z29|bmV3/);
});

test('in a chain, steps of one object are one, and the middle of a long one is left out', () => {
  const steps = [
    ...[1, 2, 3].map((revision) => ({ revision, write: write(revision, 'a', 'kubectl') })),
    ...[4, 5, 6, 7, 8, 9, 10].map((revision) => ({ revision, write: write(revision, `p${revision}`, 'loop') })),
  ];
  assert.equal(chainText(steps.slice(0, 4)), 'kubectl update → Pod/a@1-3 → Pod/p4@4');
  assert.equal(chainText(steps, 4), 'kubectl update → Pod/a@1-3 → Pod/p4@4 → (4 steps) → Pod/p9@9 → Pod/p10@10');
  assert.equal(chainText([{ revision: 3, write: { revision: 3, objects: [], hidden: true } }]), 'something that you may not read@3');
  assert.equal(chainText([{ revision: 3, write: { revision: 3, objects: [] } }]), 'something of a kind that is gone@3');
});
