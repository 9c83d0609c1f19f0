/** What hangs on types: the defaults and validators of an object, whichever kind it is, and who set which field. */
import type { StatusCause } from '../api/generated/meta-v1.ts';
import { applyDefaults, emptyStruct } from '../runtime/default.ts';
import { trackUpdate } from '../runtime/managed-fields.ts';
import { builtinSchema } from '../runtime/schema.ts';
import type { RequestContext, ResourceDeclaration } from './contract.ts';
import { typeDefaults } from './defaults/type-defaults.ts';
import { kube, metadataOf, type Raw, raw } from './raw.ts';
import { validateObject } from './validation/type-validators.ts';

/** In place. */
export function defaultObject(declaration: ResourceDeclaration, object: Raw): void {
  applyDefaults(object, builtinSchema(declaration.definition), typeDefaults);
}

/** In the order in which Kubernetes would say it: outer types first. */
export function validateTypes(declaration: ResourceDeclaration, object: Raw): StatusCause[] {
  return validateObject(declaration.definition, object);
}

/**
 * The same when an object is written again. What was wrong before, and is as it was, does not stand in the way: rules
 * grow stricter, and who takes a finalizer off an old object must not be held up by them. Of a write to the status only
 * the metadata is looked at, since all the rest is kept.
 */
export function validateTypesAgain(
  declaration: ResourceDeclaration,
  object: Raw,
  { old, subresource }: { readonly old: Raw; readonly subresource: string },
): StatusCause[] {
  const part = subresource === 'status' ? 'metadata' : 'all';
  const causes = validateObject(declaration.definition, object, part);
  if (causes.length === 0) return causes;
  const said = ({ field, message }: StatusCause): string => `${field}: ${message}`;
  const before = new Set(validateObject(declaration.definition, old, part).map(said));
  return causes.filter((cause) => !before.has(said(cause)));
}

/** The status of an object that nobody has looked at yet. */
export function emptyStatus(declaration: ResourceDeclaration): Raw | undefined {
  const status = builtinSchema(declaration.definition).fields.get('status');
  return status?.alwaysPresent ? emptyStruct(status.schema) : undefined;
}

/** Brings `metadata.managedFields` of the object up to date, in place: what the writer changed is the writer's. */
export function trackFields(
  declaration: ResourceDeclaration,
  object: Raw,
  old: Raw | undefined,
  write: { readonly context: RequestContext; readonly subresource: string; readonly apiVersion: string; readonly time: string },
): void {
  const { metadata } = trackUpdate({
    before: old && kube(old),
    after: kube(object),
    schema: builtinSchema(declaration.definition),
    manager: write.context.fieldManager,
    apiVersion: write.apiVersion,
    subresource: write.subresource,
    time: write.time,
  });
  const { managedFields } = metadataOf(raw({ apiVersion: '', kind: '', metadata }));
  if (managedFields === undefined) delete metadataOf(object)['managedFields'];
  else metadataOf(object)['managedFields'] = managedFields;
}
