/** What hangs on types: the defaults and validators of an object, whichever kind it is. */
import type { StatusCause } from '../api/generated/meta-v1.ts';
import { applyDefaults } from '../runtime/default.ts';
import { builtinSchema } from '../runtime/schema.ts';
import type { ResourceDeclaration } from './contract.ts';
import { typeDefaults } from './defaults/type-defaults.ts';
import type { Raw } from './raw.ts';

/** In place. */
export function defaultObject(declaration: ResourceDeclaration, object: Raw): void {
  applyDefaults(object, builtinSchema(declaration.definition), typeDefaults);
}

export function validateTypes(_declaration: ResourceDeclaration, _object: Raw): StatusCause[] {
  return [];
}
