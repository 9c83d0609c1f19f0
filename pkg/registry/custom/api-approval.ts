/**
 * Groups below k8s.io and kubernetes.io belong to the community: a definition says who has approved of it.
 * https://github.com/kubernetes/enhancements/pull/1111
 */
import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '../../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { invalidField, requiredField } from '../../runtime/field-errors.ts';

const annotation = 'api-approved.kubernetes.io';
const more = 'see https://github.com/kubernetes/enhancements/pull/1111';

interface Approval {
  readonly state: 'missing' | 'invalid' | 'bypassed' | 'approved';
  readonly message: string;
}

/** undefined: the group is nobody's but the author's. */
function approvalOf({ metadata, spec }: CustomResourceDefinition): Approval | undefined {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(spec.group ?? '')) return undefined;
  const value = metadata.annotations?.[annotation] ?? '';
  if (value === '') {
    return { state: 'missing', message: `protected groups must have approval annotation "${annotation}", ${more}` };
  }
  if (value.startsWith('unapproved')) return { state: 'bypassed', message: `not approved: ${JSON.stringify(value)}` };
  if (URL.canParse(value) && new URL(value).host !== '') return { state: 'approved', message: `approved in ${value}` };
  const message = `protected groups must have approval annotation "${annotation}" with either a URL or a reason starting with "unapproved", ${more}`;
  return { state: 'invalid', message };
}

export function approvalFault(definition: CustomResourceDefinition): StatusCause[] {
  const approval = approvalOf(definition);
  if (!approval) return [];
  const field = `metadata.annotations[${annotation}]`;
  if (approval.state === 'missing') return [requiredField(field, approval.message)];
  return approval.state === 'invalid' ? [invalidField(field, definition.metadata.annotations?.[annotation], approval.message)] : [];
}

const reasons = {
  missing: 'MissingAnnotation',
  invalid: 'InvalidAnnotation',
  bypassed: 'UnapprovedAnnotation',
  approved: 'ApprovedAnnotation',
} as const;

/** What the status says of it. */
export function approvalCondition(definition: CustomResourceDefinition): CustomResourceDefinitionCondition | undefined {
  const approval = approvalOf(definition);
  if (!approval) return undefined;
  const { state, message } = approval;
  const status = state === 'approved' ? 'True' : 'False';
  return { type: 'KubernetesAPIApprovalPolicyConformant', status, reason: reasons[state], message };
}
