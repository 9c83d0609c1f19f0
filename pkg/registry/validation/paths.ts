/** Paths of files, as they stand in volumes and mounts. */
import { invalidField } from '../../runtime/field-errors.ts';
import { text } from '../raw.ts';
import type { Rule } from './rules.ts';

/** It may be absolute, but does not climb. */
export const noBacksteps: Rule = (value, path, report) => {
  if (text(value).split('/').includes('..')) report(invalidField(path, value, "must not contain '..'"));
};

/** A path below something: it must stay below. */
export const descending: Rule = (value, path, report) => {
  if (text(value).startsWith('/')) report(invalidField(path, value, 'must be a relative path'));
  noBacksteps(value, path, report);
};

/** One that a volume's own files (`..data`) leave free. */
export const notReserved: Rule = (value, path, report) => {
  descending(value, path, report);
  const given = text(value);
  if (given.startsWith('..') && !given.startsWith('../')) report(invalidField(path, value, "must not start with '..'"));
};
