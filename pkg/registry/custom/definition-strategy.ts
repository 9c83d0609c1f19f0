import type { CustomResourceDefinition } from '../../api/generated/apiextensions-v1.ts';
import { knownFormat } from '../../runtime/formats.ts';
import { assign, metadataOf, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import type { Strategy } from '../resource.ts';
import { loadRulesOf } from './custom-rules.ts';
import { cleanupFinalizer, withCondition } from './definition-status.ts';
import { validateDefinition, validateDefinitionStatus } from './definition-validation.ts';
import { schemasOf } from './schema-walk.ts';

/** A CustomResourceDefinition on its way to the store. */
export const definitionStrategy: Strategy = {
  generation: true,
  needsResourceVersion: true,
  noticed: true,
  prepareCreate(object) {
    rememberStored(object);
    // Go writes a list that nothing was ever put into as null, and this field always.
    object['status'] = { ...objectAt(object['status']), conditions: null };
  },
  prepareUpdate(object) {
    rememberStored(object);
  },
  prepareValidation: (object) => loadRulesOf(object as unknown as CustomResourceDefinition),
  // Objects are stored in some version: an empty list is none.
  prepareSubresource: {
    status(object) {
      if (strings(objectAt(object['status'])['storedVersions']).length === 0) rememberStored(object);
    },
  },
  validateCreate: (object) => validateDefinition(object as unknown as CustomResourceDefinition),
  validateUpdate: (object, old, subresource) => {
    const next = object as unknown as CustomResourceDefinition;
    return subresource === '' ? validateDefinition(next, old as unknown as CustomResourceDefinition) : validateDefinitionStatus(next);
  },
  warnings: (object, old, subresource) => {
    const known = new Set(old ? unknownFormats(old as unknown as CustomResourceDefinition) : []);
    const formats = subresource === '' ? unknownFormats(object as unknown as CustomResourceDefinition) : [];
    return formats.filter((format) => !known.has(format)).map((format) => `unrecognized format ${JSON.stringify(format)}`);
  },
  /** Its objects go first: the deletion begins with a mark, also where there is none yet. */
  holdsDeletion: (object) => metadataOf(object)['deletionTimestamp'] === undefined,
  prepareDelete(object) {
    const metadata = metadataOf(object);
    const finalizers = strings(metadata['finalizers']);
    if (!finalizers.includes(cleanupFinalizer)) metadata['finalizers'] = [...finalizers, cleanupFinalizer];
    delete metadata['deletionGracePeriodSeconds'];
    // What it asks for is as it was.
    if (typeof metadata['generation'] === 'number') metadata['generation']--;
    const status = { ...objectAt(object['status']) };
    const condition = {
      type: 'Terminating',
      status: 'True',
      reason: 'InstanceDeletionPending',
      message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
    };
    const conditions = objects(status['conditions']) as Parameters<typeof withCondition>[0][number][] & Raw[];
    status['conditions'] = withCondition(conditions, condition, text(metadata['deletionTimestamp']));
    object['status'] = status;
  },
};

/** Formats that say nothing, of all versions; each once. */
function unknownFormats({ spec }: CustomResourceDefinition): string[] {
  const schemas = (spec.versions ?? []).flatMap(({ schema }) => (schema?.openAPIV3Schema ? schemasOf(schema.openAPIV3Schema) : []));
  return [...new Set(schemas.flatMap(({ format, type = '' }) => (format && !knownFormat(format, type) ? [format] : [])))];
}

/** `status.storedVersions` holds every version that objects may be stored in: the storage version from now on. */
function rememberStored(object: Raw): void {
  const stored = objects(objectAt(object['spec'])['versions']).find(({ storage }) => storage === true);
  if (!stored) return;
  const status = { ...objectAt(object['status']) };
  const versions = strings(status['storedVersions']);
  const name = text(stored['name']);
  if (!versions.includes(name)) assign(status, 'storedVersions', [...versions, name]);
  object['status'] = status;
}
