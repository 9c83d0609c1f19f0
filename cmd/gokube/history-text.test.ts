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
    lines.every((line) => line.length <= 130),
    lines.join('\n'),
  );
  assert.ok(lines.some((line) => line.includes('→ "{') && line.endsWith('…')));
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
