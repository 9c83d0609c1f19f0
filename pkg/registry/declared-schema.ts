import { builtinSchema, type Schema } from '../runtime/schema.ts';
import type { ResourceDeclaration } from './contract.ts';

/** The schema of a resource's objects: from its CustomResourceDefinition, or from the facts. */
export function declaredSchema({ custom, definition }: Pick<ResourceDeclaration, 'custom' | 'definition'>): Schema {
  return custom?.schema ?? builtinSchema(definition);
}
