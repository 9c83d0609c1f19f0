/** What validation has found wrong with a value, and how well the value fitted otherwise. */
import type { StatusCause } from '../api/generated/meta-v1.ts';
import { invalidField, mistypedField, requiredField, tooLongField, tooManyField, unsupportedField } from './field-errors.ts';
import { sorted } from './sorted-json.ts';

export interface Finding {
  /** What tells it from others: the same is said once. */
  readonly text: string;
  /** `at`: the path with whatever stands above the value. */
  readonly cause: (at: (path: string) => string) => StatusCause;
}

/** Of alternatives of which none fits, the one that matches most is told about. */
export class Findings {
  readonly list: Finding[] = [];
  matches = 0;

  get fits(): boolean {
    return this.list.length === 0;
  }

  add(finding: Finding): void {
    if (!this.list.some(({ text }) => text === finding.text)) this.list.push(finding);
  }

  merge(other: Findings): void {
    for (const finding of other.list) this.add(finding);
    this.matches += other.matches;
  }
}

/** About the value at the path; `words` follow it: `must be of type string`. */
export function refused(path: string, value: unknown, words: string): Finding {
  const text = `${path} in body ${words}`;
  return { text, cause: (at) => invalidField(at(path), value, text) };
}

/** About the whole object, whatever part it is that does not fit. */
export function refusedWhole(text: string): Finding {
  return { text, cause: (at) => invalidField(at(''), '', text) };
}

export function mistyped(path: string, found: string, expected: string): Finding {
  const text = `${path} in body must be of type ${expected}: ${JSON.stringify(found)}`;
  return { text, cause: (at) => mistypedField(at(path), found, text) };
}

export function missing(path: string): Finding {
  return { text: `${path} in body is required`, cause: (at) => requiredField(at(path)) };
}

export function notListed(path: string, value: unknown, known: readonly unknown[]): Finding {
  const shown = known.map((each) => (typeof each === 'string' ? each : JSON.stringify(each)));
  return { text: `${path} in body should be one of [${shown.join(' ')}]`, cause: (at) => unsupportedField(at(path), sorted(value), shown) };
}

export function tooLong(path: string, max: number): Finding {
  return { text: `${path} in body should be at most ${max} chars long`, cause: (at) => tooLongField(at(path), max) };
}

export function tooMany(path: string, count: number, { max, what }: { readonly max: number; readonly what: string }): Finding {
  return { text: `${path} in body should have at most ${max} ${what}`, cause: (at) => tooManyField(at(path), count, max) };
}
