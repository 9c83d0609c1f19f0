/** ConfigMaps and Secrets: data that may be frozen. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { forbiddenField, invalidField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { type Raw, text } from '../raw.ts';
import type { Strategy } from '../resource.ts';

function frozen(next: Raw, old: Raw, fields: readonly string[]): StatusCause[] {
  if (old['immutable'] !== true) return [];
  const causes: StatusCause[] = [];
  if (next['immutable'] !== true) causes.push(forbiddenField('immutable', 'field is immutable when `immutable` is set'));
  for (const field of fields) {
    if (!equalValues(next[field] ?? {}, old[field] ?? {})) causes.push(forbiddenField(field, 'field is immutable when `immutable` is set'));
  }
  return causes;
}

export const configMapStrategy: Strategy = {
  changesFirst: true,
  validateUpdate: (next, old) => frozen(next, old, ['data', 'binaryData']),
};

export const secretStrategy: Strategy = {
  changesFirst: true,
  prepareUpdate(next, old) {
    if (text(next['type']) === '') next['type'] = old['type'];
  },
  validateUpdate(next, old) {
    const causes = frozen(next, old, ['data']);
    if (next['type'] !== old['type']) causes.unshift(invalidField('type', next['type'], 'field is immutable'));
    return causes;
  },
};
