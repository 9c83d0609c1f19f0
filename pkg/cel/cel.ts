/**
 * CEL behind one door: rules of custom resources (`x-kubernetes-validations`), and match conditions of webhooks and
 * admission policies. Import it when the first of either turns up (`await import('../cel/cel.ts')`): nothing here is
 * needed before.
 *
 *     rule ──▶ syntax/ ──▶ types/checker ──▶ types/estimate-cost ──▶ evaluate
 *              tokens, tree  types by schema    what it may cost        with a budget
 *
 * Everything is pure: no clock, no I/O, no state beyond caches.
 */
export { matchConditionFault } from './admission/match-condition.ts';
export { ruleFaults, writtenFaults } from './rules/rule-faults.ts';
export { compileRules, rulesNotChecked, type SchemaRules } from './rules/schema-rules.ts';
export { patternFault } from './values/regex.ts';
