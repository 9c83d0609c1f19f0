/** Events: what happened to whom, and who says so. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { invalidField, requiredField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { isObject, objectAt, type Raw, text } from '../raw.ts';
import { qualifiedName } from './names.ts';
import { both, needed, strictName } from './rules.ts';
import type { Report, Validators } from './validator.ts';

const maxTerm = 128;
const maxMessage = 1_024;

const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== '';

/** An event is kept beside what it is about; what is in no namespace, in `default`. */
function event(value: Raw, _path: string, report: Report): void {
  const namespace = text(objectAt(value['metadata'])['namespace']);
  const about = text(objectAt(value['involvedObject'])['namespace']);
  const inDetail = isSet(value['eventTime']);
  const elsewhere = inDetail
    ? about === '' && !['default', 'kube-system'].includes(namespace)
    : about === ''
      ? !['', 'default'].includes(namespace)
      : about !== namespace;
  if (elsewhere) report(invalidField('involvedObject.namespace', about, 'does not match event.namespace'));
  if (inDetail) detailed(value, report);
}

/** What events must say since they have a time with microseconds. */
function detailed(value: Raw, report: Report): void {
  both(needed(), strictName(qualifiedName))(value['reportingComponent'], 'reportingController', report);
  for (const field of ['reportingInstance', 'action', 'reason']) {
    const given = text(value[field]);
    if (given === '') report(requiredField(field));
    if (given.length > maxTerm) report(invalidField(field, '', `can have at most ${maxTerm} characters`));
  }
  if (text(value['message']).length > maxMessage) report(invalidField('message', '', `can have at most ${maxMessage} characters`));
}

/** The API of events alone is stricter than that of the core group, which has always taken everything. */
export const strictEvents = 'events.k8s.io/v1';

function checkSeries(series: unknown): StatusCause[] {
  if (!isObject(series)) return [];
  return [
    ...(Number(series['count'] ?? 0) < 2 ? [invalidField('series.count', '', 'should be at least 2')] : []),
    ...(isSet(series['lastObservedTime']) ? [] : [requiredField('series.lastObservedTime')]),
  ];
}

const types = ['Normal', 'Warning'];
/** Of times before there were microseconds. */
const oldFields = ['firstTimestamp', 'lastTimestamp', 'count'];

export function validateStrictEvent(value: Raw): StatusCause[] {
  const unset = (field: string): StatusCause => invalidField(field, '', 'needs to be unset');
  const source = objectAt(value['source']);
  const type = text(value['type']);
  return [
    ...(isSet(value['eventTime']) ? [] : [requiredField('eventTime')]),
    ...checkSeries(value['series']),
    ...(types.includes(type) ? [] : [invalidField('type', '', `has invalid value: ${type}`)]),
    ...oldFields.filter((field) => isSet(value[field]) && value[field] !== 0).map(unset),
    ...(isSet(source['component']) || isSet(source['host']) ? [unset('source')] : []),
  ];
}

/** Of an event, only the series goes on. */
const fixed = [
  'involvedObject',
  'reason',
  'message',
  'source',
  ...oldFields,
  'reason',
  'type',
  'eventTime',
  'action',
  'related',
  'reportingController',
  'reportingInstance',
];
export function validateStrictEventUpdate(next: Raw, old: Raw): StatusCause[] {
  const stored = (field: string): string => (field === 'reportingController' ? 'reportingComponent' : field);
  return [
    ...(equalValues(next['series'], old['series']) ? [] : checkSeries(next['series'])),
    ...fixed
      .filter((field) => !equalValues(next[stored(field)], old[stored(field)]))
      .map((field) => invalidField(field, next[stored(field)] ?? '', 'field is immutable')),
  ];
}

export const eventValidators: Validators = { 'api.core.v1.Event': { whole: event } };
