import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { validateStrictEvent, validateStrictEventUpdate } from './events.ts';

const time = '2026-01-01T00:00:00.000000Z';
const event = { eventTime: time, type: 'Normal', reason: 'R', series: { count: 2, lastObservedTime: time } };
const said = (causes: readonly StatusCause[]): string[] => causes.map(({ field, message }) => `${field}: ${message}`);

test('an event of today has a time, a type, and nothing of yesterday', () => {
  assert.deepEqual(said(validateStrictEvent(event)), []);
  assert.deepEqual(said(validateStrictEvent({ type: 'Odd', series: { count: 1 }, count: 3, source: { host: 'n' } })), [
    'eventTime: Required value',
    'series.count: Invalid value: "": should be at least 2',
    'series.lastObservedTime: Required value',
    'type: Invalid value: "": has invalid value: Odd',
    'count: Invalid value: "": needs to be unset',
    'source: Invalid value: "": needs to be unset',
  ]);
});

test('of an event only its series goes on', () => {
  assert.deepEqual(said(validateStrictEventUpdate({ ...event, series: { count: 3, lastObservedTime: time } }, event)), []);
  assert.deepEqual(said(validateStrictEventUpdate({ ...event, series: { count: 0 }, type: 'Warning' }, event)), [
    'series.count: Invalid value: "": should be at least 2',
    'series.lastObservedTime: Required value',
    'type: Invalid value: "Warning": field is immutable',
  ]);
});
