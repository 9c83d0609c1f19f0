/** What hangs on types: the defaults and validators of an object, whichever kind it is, and who set which field. */
import type { StatusCause } from '../api/generated/meta-v1.ts';
import { apiVersionOf } from '../api/object.ts';
import { applyDefaults, emptyStruct } from '../runtime/default.ts';
import { trackUpdate } from '../runtime/managed-fields.ts';
import type { RequestContext, ResourceDeclaration } from './contract.ts';
import { validateCustomResource } from './custom/custom-validation.ts';
import { declaredSchema } from './declared-schema.ts';
import { typeDefaults } from './defaults/type-defaults.ts';
import { assign, kube, metadataOf, type Raw, raw } from './raw.ts';
import { boundsOf } from './reach.ts';
import type { Resource } from './resource.ts';
import { noNewFinalizers, saysMetadataAgain, validateMetadataUpdate } from './validation/metadata.ts';
import { validateObject } from './validation/type-validators.ts';
import { collect } from './validation/validator.ts';

/** In place. */
export function defaultObject(declaration: ResourceDeclaration, object: Raw): void {
  applyDefaults(object, declaredSchema(declaration), typeDefaults);
}

/** In the order in which Kubernetes would say it: outer types first. */
export function validateTypes({ custom, definition }: ResourceDeclaration, object: Raw): StatusCause[] {
  return custom ? validateCustomResource(custom, object) : validateObject(definition, object);
}

export interface WrittenAgain {
  readonly old: Raw;
  readonly subresource: string;
}

/**
 * The same when an object is written again. What was wrong before, and is as it was, does not stand in the way: rules
 * grow stricter, and who takes a finalizer off an old object must not be held up by them. Of a write to the status only
 * the metadata is looked at, since all the rest is kept.
 */
export function validateTypesAgain(declaration: ResourceDeclaration, object: Raw, { old, subresource }: WrittenAgain): StatusCause[] {
  if (declaration.custom) return validateCustomResource(declaration.custom, object, { old, subresource });
  if (subresource === 'status') return [];
  const options = { metadata: saysMetadataAgain(object), old };
  return news((one) => validateObject(declaration.definition, one, options), { object, old });
}

/** What is said of the metadata of an update before all else. A custom resource's is looked at with the rest of it. */
export function validateMetadataAgain(declaration: ResourceDeclaration, object: Raw, { old, subresource }: WrittenAgain): StatusCause[] {
  if (declaration.custom) return collect(object, (report) => noNewFinalizers(object, old, report));
  return news((one) => collect(one, (report) => validateMetadataUpdate(one, old, { report, subresource })), { object, old });
}

/** What is said of the object, and not of the one before it. */
function news(look: (object: Raw) => StatusCause[], { object, old }: { readonly object: Raw; readonly old: Raw }): StatusCause[] {
  const causes = look(object);
  if (causes.length === 0) return causes;
  const said = ({ field, message }: StatusCause): string => `${field}: ${message}`;
  const before = new Set(look(old).map(said));
  return causes.filter((cause) => !before.has(said(cause)));
}

/** The status of an object that nobody has looked at yet. */
export function emptyStatus(declaration: ResourceDeclaration): Raw | undefined {
  const status = declaredSchema(declaration).fields.get('status');
  return status?.alwaysPresent ? emptyStruct(status.schema) : undefined;
}

export interface TrackedWrite {
  readonly context: RequestContext;
  readonly subresource: string;
  /** Of what the client wrote: he owns fields of that version. */
  readonly apiVersion: string;
  readonly time: string;
}

/**
 * Brings `metadata.managedFields` of the object up to date, in place: what the writer changed is the writer's. To be
 * called before the server adds anything of its own, which is nobody's.
 */
export function trackFields({ declaration, inVersion }: Resource, object: Raw, old: Raw | undefined, write: TrackedWrite): void {
  const { context, subresource, apiVersion, time } = write;
  const stored = declaredSchema(declaration);
  const after = (apiVersion === apiVersionOf(declaration) ? undefined : inVersion?.(kube(object), apiVersion)) ?? {
    object: kube(object),
    schema: stored,
  };
  const before = old && (after.schema === stored ? kube(old) : inVersion?.(kube(old), apiVersion)?.object);
  const { metadata } = trackUpdate({
    before,
    after: after.object,
    schema: after.schema,
    manager: context.fieldManager,
    apiVersion,
    subresource,
    time,
    inVersion,
    reach: boundsOf(declaration, subresource).reach,
  });
  const { managedFields } = metadataOf(raw({ apiVersion: '', kind: '', metadata }));
  assign(metadataOf(object), 'managedFields', managedFields);
}
