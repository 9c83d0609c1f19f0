import type { ValidationRule } from '../../api/generated/apiextensions-v1.ts';

/** A rule as Go's encoder writes Kubernetes' internal type of it, which messages show. */
export function goRule(rule: ValidationRule): Record<string, unknown> {
  return {
    Rule: rule.rule,
    Message: rule.message ?? '',
    MessageExpression: rule.messageExpression ?? '',
    Reason: rule.reason ?? null,
    FieldPath: rule.fieldPath ?? '',
    OptionalOldSelf: rule.optionalOldSelf ?? null,
  };
}
