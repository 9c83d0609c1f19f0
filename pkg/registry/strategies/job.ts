/**
 * Jobs. Unless its author says otherwise (`manualSelector`), the server chooses what a Job's pods are found by: the
 * Job's uid, which no other pod carries. It is put on the template and into the selector when the Job is created.
 */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { invalidField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { child, metadataOf, objectAt, type Raw, text } from '../raw.ts';
import type { Strategy } from '../resource.ts';
import { validateJobUpdate } from '../validation/batch.ts';

const domain = 'batch.kubernetes.io';

/** The labels of a Job's pods; those without a domain are from before there was one, and still looked for. */
function ownLabels(job: Raw): Readonly<Record<string, string>> {
  const { uid, name } = metadataOf(job);
  return {
    'controller-uid': text(uid),
    'job-name': text(name),
    [`${domain}/controller-uid`]: text(uid),
    [`${domain}/job-name`]: text(name),
  };
}

function generateSelector(job: Raw): void {
  const spec = child(job, 'spec');
  if (spec['manualSelector'] === true) return;
  const labels = child(child(child(spec, 'template'), 'metadata'), 'labels');
  const metadata = metadataOf(job);
  // A Job without labels has those of its pods.
  const alike = equalValues(metadata['labels'] ?? {}, labels) || Object.keys(objectAt(metadata['labels'])).length === 0;
  for (const [key, value] of Object.entries(ownLabels(job))) labels[key] ??= value;
  const matched = child(child(spec, 'selector'), 'matchLabels');
  matched[`${domain}/controller-uid`] ??= text(metadataOf(job)['uid']);
  if (alike) metadata['labels'] = { ...labels };
}

/** What the author has written in the place of a generated label or selector must be what would have been generated. */
function validate(job: Raw): StatusCause[] {
  const spec = objectAt(job['spec']);
  if (spec['manualSelector'] === true) return [];
  const causes: StatusCause[] = [];
  const at = 'spec.template.metadata.labels';
  const labels = objectAt(objectAt(objectAt(spec['template'])['metadata'])['labels']);
  const wanted = ownLabels(job);
  for (const [key, value] of Object.entries(wanted)) {
    const given = labels[key];
    if (given !== undefined && given !== value) causes.push(invalidField(at, labels, `must be '${value}'`));
  }
  const matched = Object.entries(objectAt(objectAt(spec['selector'])['matchLabels']));
  if (matched.some(([key, value]) => wanted[key] !== value)) {
    causes.push(invalidField('spec.selector', spec['selector'], '`selector` not auto-generated'));
  }
  return causes;
}

export const jobStrategy: Strategy = {
  generation: true,
  collection: 'orphan',
  prepareCreate: generateSelector,
  validate,
  validateUpdate: validateJobUpdate,
};
