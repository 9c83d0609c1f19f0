/** Kinds of which some fields stay as they were created. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { forbiddenField, invalidField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { objectAt, type Raw } from '../raw.ts';
import { type GoShape, goValue } from './go-value.ts';
import type { Report, Validator } from './validator.ts';

/** `subresource` is empty for the object itself. */
export type UpdateCheck = (next: Raw, old: Raw, subresource: string) => StatusCause[];

function at(object: Raw, path: string): unknown {
  let value: unknown = object;
  for (const key of path.split('.')) value = objectAt(value)[key];
  return value;
}

/** The paths at which the two differ. */
const changed = (next: Raw, old: Raw, paths: readonly string[]): string[] =>
  paths.filter((path) => !equalValues(at(next, path), at(old, path)));

/** `spec.selector: Invalid value: …: field is immutable`. */
export function immutable(...paths: readonly string[]): UpdateCheck {
  return (next, old) => changed(next, old, paths).map((path) => invalidField(path, at(next, path), 'field is immutable'));
}

/** The same, of kinds of which Kubernetes does not show what they were to become. */
export function immutableUnseen(...paths: readonly string[]): UpdateCheck {
  return (next, old) => changed(next, old, paths).map((path) => invalidField(path, null, 'field is immutable'));
}

/** A structure that Kubernetes shows as its own. */
export function immutableStruct(path: string, shape: GoShape, detail = 'field is immutable'): UpdateCheck {
  return (next, old) => changed(next, old, [path]).map(() => invalidField(path, goValue(objectAt(at(next, path)), shape), detail));
}

const reference: GoShape = { Group: ['group', ''], Resource: ['resource', ''], Namespace: ['namespace', ''], Name: ['name', ''] };
/** Of what an address is. */
export const sameParent = immutableStruct('spec.parentRef', reference);

/** How storage classes say it. */
export function notUpdatable(...paths: readonly string[]): UpdateCheck {
  return (next, old) => changed(next, old, paths).map((path) => forbiddenField(path, `updates to ${path} are forbidden.`));
}

/** Who a binding grants to may change; what it grants may not. */
export const sameRole = immutableStruct(
  'roleRef',
  { APIGroup: ['apiGroup', ''], Kind: ['kind', ''], Name: ['name', ''] },
  'cannot change roleRef',
);

export function all(...checks: readonly UpdateCheck[]): UpdateCheck {
  return (next, old, subresource) => checks.flatMap((check) => check(next, old, subresource));
}

/** A check for writes to the object itself, and to each of some subresources; others are not looked at. */
export function onWrite(checks: Readonly<Record<string, UpdateCheck>>): UpdateCheck {
  return (next, old, subresource) => checks[subresource === '' ? 'object' : subresource]?.(next, old, subresource) ?? [];
}

/** What `validate` says of the new status. */
export function onStatus(validate: Validator): UpdateCheck {
  return (next, old) => {
    const causes: StatusCause[] = [];
    const report: Report = Object.assign((cause: StatusCause) => void causes.push(cause), { root: next, old });
    validate(objectAt(next['status']), 'status', report);
    return causes;
  };
}
