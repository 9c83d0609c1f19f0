import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { invalidField, unsupportedField } from '../../runtime/field-errors.ts';
import type { Raw } from '../raw.ts';
import type { NameCheck } from './names.ts';

/** Where validators say what they found. */
export interface Report {
  (cause: StatusCause): void;
  /** The whole object. */
  readonly root: Raw;
  /** What it is to replace. */
  readonly old?: Raw | undefined;
}

/**
 * A rule that hangs on a type: says what is wrong with a value, which stands at `path`. Values have been pruned and
 * defaulted, so that they are of the right JSON type or absent.
 */
export type Validator<R extends Report = Report> = (value: Raw, path: string, report: R) => void;

/**
 * One that looks at everything inside its type itself, in the order in which Kubernetes does: what hangs on the types
 * within is not asked.
 */
export interface Whole {
  readonly whole: Validator;
}
export type Validators = Readonly<Record<string, Validator | Whole>>;

/** For a type that the types around it look at. */
export const seenAbove: Validator = () => undefined;

/** Of what may not change: that it has not is said of the whole, and nothing of its parts. */
export const onlyWhenNew =
  (validate: Validator): Validator =>
  (value, path, report) => {
    if (report.old === undefined) validate(value, path, report);
  };

/** `path` and a field below it. */
export const below = (path: string, field: string): string => (path === '' ? field : `${path}.${field}`);

/** Says each reason for which the name is none. */
export function checkName(report: Report, path: string, name: unknown, check: NameCheck): void {
  for (const reason of check(typeof name === 'string' ? name : '')) report(invalidField(path, name, reason));
}

export function checkNotNegative(report: Report, path: string, value: unknown): void {
  if (typeof value === 'number' && value < 0) report(invalidField(path, value, 'must be greater than or equal to 0'));
}

export function checkPositive(report: Report, path: string, value: unknown): void {
  if (typeof value === 'number' && value <= 0) report(invalidField(path, value, 'must be greater than 0'));
}

/** `value` absent is left to defaults and to those who require it. */
export function checkOneOf(report: Report, path: string, value: unknown, supported: readonly string[]): void {
  if (value !== undefined && value !== '' && !supported.includes(value as string)) report(unsupportedField(path, value, supported));
}

/** What is reported while something is looked at. */
export function collect(root: Raw, look: (report: Report) => void): StatusCause[] {
  const causes: StatusCause[] = [];
  look(Object.assign((cause: StatusCause) => void causes.push(cause), { root }));
  return causes;
}
