/** What rules may cost, in Kubernetes' units. */

/** Of one rule, estimated, times as often as it may run in one object. */
export const perRuleEstimate = 10_000_000;
/** Of all rules of one schema together, estimated. */
export const perSchemaEstimate = 100_000_000;
/** Of one rule once, when it runs. */
export const perCallBudget = 1_000_000;
/** Of all rules for one object, when they run. */
export const perObjectBudget = 10_000_000;
export const maxMessageSize = 5 * 1024;
