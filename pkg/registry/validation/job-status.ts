/** What the status of a Job may say, and how it may change: what has ended stays ended, and only one way. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { duplicateField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { commonIndex, indexesOf } from './job-indexes.ts';
import { fields, notNegative } from './rules.ts';
import { collect, type Report } from './validator.ts';

const statusOf = (job: Raw): Raw => objectAt(job['status']);
const hasCondition = (job: Raw, type: string, status: string): boolean =>
  objects(statusOf(job)['conditions']).some((one) => one['type'] === type && one['status'] === status);
export const isTrue = (job: Raw, type: string): boolean => hasCondition(job, type, 'True');
const isFinished = (job: Raw): boolean => isTrue(job, 'Complete') || isTrue(job, 'Failed');

const counters = fields({
  active: notNegative,
  succeeded: notNegative,
  failed: notNegative,
  ready: notNegative,
  terminating: notNegative,
});

/** A write to a status: rules about a field are for those who change it. */
interface Change {
  readonly next: Raw;
  readonly old: Raw;
  readonly report: Report;
}

const differs = ({ next, old }: Change, field: string): boolean => !equalValues(statusOf(next)[field], statusOf(old)[field]);
const turned = ({ next, old }: Change, ...types: readonly string[]): boolean =>
  types.some((type) => isTrue(next, type) !== isTrue(old, type));
const finishes = ({ next, old }: Change): boolean => isFinished(next) !== isFinished(old);
const conditionFault = ({ report }: Change, detail: string): void => report(valueless(detail));
const valueless = (detail: string): StatusCause => ({
  field: 'status.conditions',
  message: `Invalid value: ${detail}`,
  reason: 'FieldValueInvalid',
});

export function validateJobStatus(next: Raw, old: Raw): StatusCause[] {
  return collect(next, (report) => {
    const change = { next, old, report };
    counters(statusOf(next), 'status', report);
    uncounted(objectAt(statusOf(next)['uncountedTerminatedPods']), report);
    checkEnd(change);
    checkFinished(change);
    checkIndexes(change);
    checkCounts(change);
    checkSuccess(change);
    checkTransition(change);
  });
}

function uncounted(pods: Raw, report: Report): void {
  const seen = new Set<string>();
  for (const list of ['succeeded', 'failed']) {
    for (const [i, uid] of strings(pods[list]).entries()) {
      const at = `status.uncountedTerminatedPods.${list}[${i}]`;
      if (uid === '') report(invalidField(at, uid, 'must not be empty'));
      else if (seen.has(uid)) report(duplicateField(at, uid));
      seen.add(uid);
    }
  }
}

/** When it ended, and that it did not end twice. */
function checkEnd(change: Change): void {
  const { next, report } = change;
  const { startTime, completionTime } = statusOf(next);
  const complete = isTrue(next, 'Complete');
  const at = 'status.completionTime';
  const timed = turned(change, 'Complete') || differs(change, 'completionTime');
  const times = differs(change, 'startTime') || differs(change, 'completionTime');
  const failed = isTrue(next, 'Failed');
  const fault = (when: boolean, detail: string): void => (when ? conditionFault(change, detail) : undefined);
  fault(turned(change, 'Complete', 'Failed') && complete && failed, 'cannot set Complete=True and Failed=true conditions');
  fault(
    turned(change, 'Complete', 'FailureTarget') && complete && isTrue(next, 'FailureTarget'),
    'cannot set Complete=True and FailureTarget=true conditions',
  );
  if (timed && completionTime !== undefined && !complete)
    report(invalidField(at, completionTime, 'cannot set completionTime when there is no Complete=True condition'));
  if (timed && completionTime === undefined && complete) report(requiredField(at, 'completionTime is required for Complete jobs'));
  if (times && text(startTime) !== '' && text(completionTime) !== '' && text(completionTime) < text(startTime))
    report(invalidField(at, completionTime, 'must be equal to or after `startTime`'));
  fault(
    (turned(change, 'Failed') || differs(change, 'failedIndexes')) && failed && !isTrue(next, 'FailureTarget'),
    'cannot set Failed=True condition without the FailureTarget=true condition',
  );
  fault(
    turned(change, 'Complete', 'SuccessCriteriaMet') && complete && !isTrue(next, 'SuccessCriteriaMet'),
    'cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
  );
}

/** Of a job that has ended, no pod is left. */
function checkFinished(change: Change): void {
  const { next, report } = change;
  if (!isFinished(next)) return;
  const [spec, { active, startTime, uncountedTerminatedPods: pods }] = [objectAt(next['spec']), statusOf(next)];
  const ends = finishes(change);
  if ((ends || differs(change, 'active')) && Number(active ?? 0) > 0)
    report(invalidField('status.active', active, 'active>0 is invalid for finished job'));
  const never = spec['suspend'] === true && spec['completions'] === 0;
  if ((ends || differs(change, 'startTime')) && !never && startTime === undefined)
    report(requiredField('status.startTime', 'startTime is required for finished job'));
  const left = ['succeeded', 'failed'].some((list) => strings(objectAt(pods)[list]).length > 0);
  if ((ends || differs(change, 'uncountedTerminatedPods')) && left) {
    const { succeeded = null, failed = null } = objectAt(pods);
    report(invalidField('status.uncountedTerminatedPods', { Succeeded: succeeded, Failed: failed }, 'must be empty for finished job'));
  }
}

function checkIndexes(change: Change): void {
  const { next, report } = change;
  const [{ completions, backoffLimitPerIndex: limit, completionMode }, status] = [objectAt(next['spec']), statusOf(next)];
  const [completed, failed] = [text(status['completedIndexes']), status['failedIndexes']];
  const [completedChanged, failedChanged] = [differs(change, 'completedIndexes'), differs(change, 'failedIndexes')];
  const parse = (field: string, ranges: string): void => {
    const parsed = indexesOf(ranges, Number(completions));
    if (typeof parsed === 'string') report(invalidField(`status.${field}`, ranges, `error parsing ${field}: ${parsed}`));
  };
  if (completedChanged && completions !== undefined) parse('completedIndexes', completed);
  if (failedChanged && completions !== undefined && limit !== undefined && failed !== undefined) parse('failedIndexes', text(failed));
  if (completedChanged && completed !== '' && completionMode !== 'Indexed')
    report(invalidField('status.completedIndexes', completed, 'cannot set non-empty completedIndexes when non-indexed completion mode'));
  if (failedChanged && failed !== undefined && limit === undefined)
    report(invalidField('status.failedIndexes', failed, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'));
  if (!(completedChanged || failedChanged) || completions === undefined || failed === undefined) return;
  const common = commonIndex(completed, text(failed), Number(completions));
  if (common !== undefined)
    report(invalidField('status.failedIndexes', failed, `failedIndexes and completedIndexes overlap at index: ${common}`));
}

function checkCounts(change: Change): void {
  const { next, report } = change;
  const { terminating, ready, active } = statusOf(next);
  if ((finishes(change) || differs(change, 'terminating')) && isFinished(next) && Number(terminating ?? 0) > 0)
    report(invalidField('status.terminating', terminating, 'terminating>0 is invalid for finished job'));
  if ((differs(change, 'ready') || differs(change, 'active')) && ready !== undefined && Number(ready) > Number(active ?? 0))
    report(invalidField('status.ready', ready, 'cannot set more ready pods than active'));
}

function checkSuccess(change: Change): void {
  const { next } = change;
  const met = isTrue(next, 'SuccessCriteriaMet');
  for (const type of ['Failed', 'FailureTarget']) {
    if (met && isTrue(next, type)) conditionFault(change, `cannot set SuccessCriteriaMet=True and ${type}=true conditions`);
  }
  if (objectAt(next['spec'])['successPolicy'] !== undefined && !met && isTrue(next, 'Complete'))
    conditionFault(change, 'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True');
}

/** What has been said stays said. */
function checkTransition(change: Change): void {
  const { next, old, report } = change;
  const [spec, now, was] = [objectAt(next['spec']), statusOf(next), statusOf(old)];
  for (const type of ['Failed', 'Complete', 'FailureTarget']) {
    if (isTrue(old, type) && !isTrue(next, type)) conditionFault(change, `cannot disable the terminal ${type}=True condition`);
  }
  const falls = (field: string): boolean => Number(now[field] ?? 0) < Number(was[field] ?? 0);
  const decreased = (field: string): void =>
    report(invalidField(`status.${field}`, now[field] ?? 0, `cannot decrease the ${field} counter`));
  if (falls('failed')) decreased('failed');
  // A job whose indexes all run at once may shrink.
  const shrinks = spec['completionMode'] === 'Indexed' && spec['completions'] === spec['parallelism'];
  if (falls('succeeded') && !shrinks) decreased('succeeded');
  const { completionTime: ended, startTime: started } = was;
  if (ended !== undefined && now['completionTime'] !== undefined && now['completionTime'] !== ended)
    report(invalidField('status.completionTime', now['completionTime'], 'field is immutable'));
  const resumes = isTrue(old, 'Suspended') && hasCondition(next, 'Suspended', 'False');
  if (started !== undefined && started !== now['startTime'] && !resumes && spec['suspend'] !== true)
    report(invalidField('status.startTime', now['startTime'] ?? null, 'field is immutable for unsuspended job once set'));
  const [metBefore, met] = [isTrue(old, 'SuccessCriteriaMet'), isTrue(next, 'SuccessCriteriaMet')];
  if (metBefore && !met) conditionFault(change, 'cannot disable the SuccessCriteriaMet=True condition');
  if (isTrue(old, 'Complete') && !metBefore && met)
    conditionFault(change, 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions');
}
