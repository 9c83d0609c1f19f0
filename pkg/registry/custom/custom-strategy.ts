import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import { equalValues } from '../../runtime/values.ts';
import { metadataOf, type Raw, strings } from '../raw.ts';
import type { Strategy } from '../resource.ts';
import { loadRules, ruleWarnings } from './custom-rules.ts';

/** What is done for every custom resource. `statusApart`: its version has a `status` subresource. */
export function customStrategy(schema: JSONSchemaProps, statusApart: boolean): Strategy {
  return {
    needsResourceVersion: true,
    // A status that is not written apart is a wish like any other field.
    generation: statusApart ? true : changedBeyondMetadata,
    prepareValidation: () => loadRules(schema),
    warnings: (object, old) => [...finalizerWarnings(object, old), ...ruleWarnings(object)],
  };
}

const standardFinalizers = ['orphan', 'foregroundDeletion', 'kubernetes'];

/** Built-in kinds refuse such names; here they are only talked about. */
function finalizerWarnings(object: Raw, old: Raw | undefined): string[] {
  const before = old ? strings(metadataOf(old)['finalizers']) : [];
  const added = new Set(strings(metadataOf(object)['finalizers']).filter((name) => !before.includes(name)));
  return [...added].sort().flatMap((name) => {
    if (name.includes('/') || standardFinalizers.includes(name)) return [];
    const path = name.includes('.') ? ' including a path (/)' : '';
    const advice = `prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`;
    return [`metadata.finalizers: ${JSON.stringify(name)}: ${advice}`];
  });
}

function changedBeyondMetadata(next: Raw, old: Raw): boolean {
  const keys = new Set([...Object.keys(next), ...Object.keys(old)]);
  keys.delete('metadata');
  return [...keys].some((key) => !equalValues(next[key], old[key]));
}
